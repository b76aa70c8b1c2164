"""`draftsmith feedback`: what clicks say of drafts, what they taught, and the pairs to train on."""

import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TextIO

from bot.drafting.brief.recipe import load_recipes
from bot.drafting.learning import Learning, is_reset
from bot.drafting.ranking import Measured, Ranking, ranking_of
from bot.drafting.ranking_fit import LEAST_COMPARISONS, LEAST_THREADS, Fit, comparisons, fit
from bot.drafting.training_pairs import TrainingPairs
from bot.errors import OperatorError
from bot.intervals import wilson
from bot.settings import Settings
from bot.store import FittedRanking, Store
from bot.store.rankings import Judged

FAILED = 1


async def report(settings: Settings) -> int:
    """Print what the clicks of each workspace say and taught; return 0."""
    async with _opened(settings) as store:
        for team in await store.list_teams():
            print("\n".join(await _lines(store, team)))
    return 0


async def reset(settings: Settings, team: str | None) -> int:
    """Let the built-in weights count again, in one workspace or in all; return 0."""
    async with _opened(settings) as store:
        known = await store.list_teams()
        if team is not None and team not in known:
            raise OperatorError(f"There is no workspace {team} here: {', '.join(known)}.", FAILED)
        for each in known if team is None else [team]:
            await Learning(store).reset(each)
            print(f"Workspace {each}: the built-in weights count. Only later drafts teach others.")
    return 0


async def export(settings: Settings, file: Path | None) -> int:
    """Write the pairs of people who agreed as JSONL, to a file or to stdout; return 0."""
    async with _opened(settings) as store:

        async def agreed(user: str) -> bool:
            return (await store.preferences_of(user)).consented_at is not None

        pairs = TrainingPairs(store, load_recipes(settings.recipes), agreed)
        with _target(file) as target:
            written = 0
            for team in await store.list_teams():
                async for pair in pairs.of(team):
                    print(json.dumps(pair, ensure_ascii=False), file=target)
                    written += 1
    print(
        f"{written} pairs written. {pairs.left_out} left out: somebody who had a part in them did "
        "not agree in the app's home, they draw on material, or a draft of theirs was deleted.",
        file=sys.stderr,
    )
    return 0


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Store]:
    store = await Store.open(settings.database)
    try:
        yield store
    finally:
        await store.close()


@contextmanager
def _target(file: Path | None) -> Iterator[TextIO]:
    """Open stdout, or a file that takes its name once all of it is there, for its user alone."""
    if file is None:
        with open(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False) as target:
            yield target
        return
    file = file.resolve()  # A device that is named here must not be replaced.
    part = file.with_name(f"{file.name}.part")
    try:
        if file.exists() and not file.is_file():
            raise OperatorError(f"{file} cannot be written (it is no file).", FAILED)
        part.unlink(missing_ok=True)
        made = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(made, "w", encoding="utf-8") as target:
            yield target
        part.replace(file)
    except OSError as error:
        raise OperatorError(f"{file} cannot be written ({error.strerror}).", FAILED) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


async def _lines(store: Store, team: str) -> list[str]:
    judged, rankings = await Learning(store).judged(team), await store.list_rankings(team)
    found = comparisons(judged)
    threads = len({each.thread_id for each in found})
    now = rankings[-1] if rankings else None
    lines = [f"Workspace {team}", f"  {_counted(judged)}"]
    lines.append(f"  {len(found)} comparisons of measured drafts, in {threads} threads")
    if fitted := fit(found):
        lines += _prediction(fitted)
    else:
        enough = f"{LEAST_COMPARISONS} comparisons in {LEAST_THREADS} threads"
        lines.append(f"  nothing is learnt before there are {enough}")
    ranking = ranking_of(now.weights, now.comparisons) if now else Ranking()
    lines.append(f"  what counts: {_weights(ranking.weights)}")
    lines.append(f"  {_changed(judged, ranking)}")
    return [*lines, *(f"  {_past(each)}" for each in rankings)]


def _counted(judged: Sequence[Judged]) -> str:
    """Say how often people did what about drafts that stand beside others."""
    counts = {
        "accepted": sum(each.accepted for each in judged),
        "thumbs up": sum(thumb for each in judged for thumb in each.thumbs),
        "changed before that": sum(len(each.edits) for each in judged),
        "regenerated": sum(each.again for each in judged),
        "refined": sum(each.built_on for each in judged),
        "thumbs down": sum(not thumb for each in judged for thumb in each.thumbs),
    }
    told = ", ".join(f"{n} {what}" for what, n in counts.items())
    reasons = Counter(reason for each in judged for reason in each.reasons)
    why = ", ".join(f"{n} {reason}" for reason, n in reasons.most_common())
    return f"{len(judged)} drafts beside others: {told}" + (f" ({why})" if why else "")


def _prediction(fitted: Fit) -> list[str]:
    sure = wilson(fitted.accuracy, fitted.threads)
    return [
        f"  fitted on them: {_weights(fitted.weights)}",
        f"  unseen comparisons told right: {fitted.accuracy:.0%} (95 %: {sure.low:.0%} to "
        f"{sure.high:.0%}); by the built-in weights {fitted.built_in:.0%}, by chance 50%",
    ]


def _weights(weights: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {weight:.2f}" for name, weight in weights.items())


def _changed(judged: Sequence[Judged], ranking: Ranking) -> str:
    """Say in how many requests another draft is marked than by the built-in weights."""
    jobs: dict[int, list[Measured]] = {}
    for each in judged:
        if measured := Measured.from_dict(each.version.measures):
            jobs.setdefault(each.version.job_id, []).append(measured)
    marked = [each for each in jobs.values() if len(each) > 1 and Ranking().best(each) is not None]
    other = sum(ranking.best(each) != Ranking().best(each) for each in marked)
    return f"it marks another draft than the built-in weights in {other} of {len(marked)} requests"


def _past(ranking: FittedRanking) -> str:
    day = f"{ranking.at:%Y-%m-%d %H:%M}"
    if is_reset(ranking):
        return f"{day}: reset"
    told = f"{ranking.comparisons} comparisons, {ranking.accuracy or 0:.0%} of unseen ones right"
    weights = _weights(ranking.weights) if ranking.weights else "the built-in weights told more"
    return f"{day}: {told}; {weights}"
