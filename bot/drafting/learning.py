"""Refits the ranking of a workspace on its clicks, and goes back on it. Raises StoreUnavailable."""

import asyncio
from collections.abc import Sequence

from bot.drafting.ranking_fit import Comparison, Fit, comparisons, fit
from bot.store import FittedRanking, Store
from bot.store.rankings import Judged

# New comparisons that are worth another fit.
NEWS = 12


class Learning:
    """What the clicks of a workspace teach. Earlier weights stay on record, for whoever asks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def refit_all(self) -> None:
        """Refit the ranking of each workspace in which enough was clicked since the last time."""
        for team in await self._store.list_teams():
            await self.refit(team)

    async def refit(self, team: str) -> Fit | None:
        """Refit a workspace's ranking if there is enough news; return the fit.

        It counts where it predicts unseen clicks better than the built-in weights; else those do.
        """
        found = await self.comparisons(team)
        rankings = await self._store.list_rankings(team)
        known = rankings[-1].comparisons if rankings else 0
        if len(found) < known + NEWS:
            return None
        fitted = await asyncio.to_thread(fit, found)
        if fitted is not None:
            weights = fitted.weights if fitted.is_better else {}
            row = FittedRanking(
                team=team,
                weights=weights,
                comparisons=fitted.comparisons,
                accuracy=fitted.accuracy,
            )
            await self._store.add_ranking(row)
        return fitted

    async def comparisons(self, team: str) -> list[Comparison]:
        """Return what was clicked in a workspace since its ranking was reset, as comparisons."""
        return comparisons(await self.judged(team))

    async def judged(self, team: str) -> Sequence[Judged]:
        """Return the drafts that were written since the ranking was reset."""
        resets = [each.at for each in await self._store.list_rankings(team) if is_reset(each)]
        judged = await self._store.list_judged(team)
        if not resets:
            return judged
        return [j for j in judged if j.version.ended_at and j.version.ended_at > resets[-1]]

    async def reset(self, team: str) -> None:
        """Let the built-in weights count, and learn from later drafts alone."""
        await self._store.add_ranking(FittedRanking(team=team, weights={}))


def is_reset(ranking: FittedRanking) -> bool:
    """Say whether somebody reset the ranking here."""
    return not ranking.comparisons
