"""Refits the ranking of a workspace on its clicks, and goes back on it. Raises StoreUnavailable."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from bot.drafting.ranking_fit import Fit, comparisons, fit
from bot.store import FittedRanking, Store
from bot.store.models import now
from bot.store.rankings import Judged

# New clicks that are worth another fit.
NEWS = 12


class Learning:
    """What the clicks of a workspace teach. Earlier weights stay on record, for whoever asks."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # When the clicks of a workspace were last read: while they are too few, no fit says it.
        self._read: dict[str, datetime] = {}

    async def refit_all(self) -> None:
        """Refit the ranking of each workspace in which enough was clicked since the last time."""
        for team in await self._store.list_teams():
            await self.refit(team)

    async def refit(self, team: str) -> Fit | None:
        """Refit a workspace's ranking if there is enough news; return the fit.

        It counts where it predicts unseen clicks better than the built-in weights; else those do.
        """
        at = now()
        if not await self._has_news(team):
            return None
        self._read[team] = at
        fitted = await asyncio.to_thread(_fitted, await self.judged(team))
        if fitted is not None:
            weights = fitted.weights if fitted.is_better else {}
            row = FittedRanking(
                team=team,
                weights=weights,
                comparisons=fitted.comparisons,
                accuracy=fitted.accuracy,
                at=at,
            )
            await self._store.add_ranking(row)
        return fitted

    async def _has_news(self, team: str) -> bool:
        last = await self._store.find_ranking(team)
        known = [at for at in (last and last.at, self._read.get(team)) if at]
        return await self._store.count_clicks(team, max(known, default=None)) >= NEWS

    async def judged(self, team: str) -> Sequence[Judged]:
        """Return the drafts that were written since the ranking was reset."""
        return await self._store.list_judged(team, await self.reset_at(team))

    async def reset_at(self, team: str) -> datetime | None:
        """Return when a workspace's ranking was reset last, if it ever was."""
        resets = [each.at for each in await self._store.list_rankings(team) if is_reset(each)]
        return max(resets, default=None)

    async def reset(self, team: str) -> None:
        """Let the built-in weights count, and learn from later drafts alone."""
        await self._store.add_ranking(FittedRanking(team=team, weights={}))


def _fitted(judged: Sequence[Judged]) -> Fit | None:
    return fit(comparisons(judged))


def is_reset(ranking: FittedRanking) -> bool:
    """Say whether somebody reset the ranking here."""
    return not ranking.comparisons
