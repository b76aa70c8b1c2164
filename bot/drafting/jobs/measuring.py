"""Measures the drafts of a job beside each other, and marks the likely best."""

import asyncio
from collections.abc import Sequence

import structlog

from bot.drafting.draft_action import prompted_in
from bot.drafting.jobs.job_run import JobRun
from bot.drafting.measures import Judge, Scorer, measure, shown_measures, with_judge
from bot.drafting.ranking import Measured, Ranking, ranking_of
from bot.drafting.slack_port import where
from bot.messages import LANGUAGES, Language
from bot.metrics import MEASURING
from bot.store import STANDING, Version
from inference.client import EngineRefused, EngineUnavailable

log = structlog.get_logger(__name__)

# What a model has to read a draft for; the other measures count words.
READ = {"coherence", "relevance"}


async def measure_siblings(run: JobRun, seconds: float) -> Version | None:
    """Measure what is not measured, for at most so many seconds, and record it.

    Returns the likely best: the first draft with a text where no measure tells it; None: there is
    no text. Raises StoreUnavailable.
    """
    versions = measurable(await run.context.store.list_siblings(run.job.id))
    if len(versions) > 1 and any(version.measures is None for version in versions):
        versions = await _measured(run, versions, seconds)
    marked = next((version for version in versions if version.is_best), None)
    return marked or next(iter(versions), None)


def measurable(versions: Sequence[Version]) -> list[Version]:
    """Return those that have a text which stands."""
    return [each for each in versions if each.status in STANDING and each.text.strip()]


async def _measured(run: JobRun, versions: Sequence[Version], seconds: float) -> list[Version]:
    store = run.context.store
    found = await _found(run, versions, seconds)
    place = (await ranking_for(run)).best(found) if found else None
    ids = [version.id for version in versions]
    # What could not be measured is not tried again.
    kept = [each.to_dict() for each in found] or [{} for _ in ids]
    best = None if place is None else ids[place]
    await store.save_measures(dict(zip(ids, kept, strict=True)), best)
    return measurable(await store.list_siblings(run.job.id))


async def ranking_for(run: JobRun) -> Ranking:
    """Return how drafts are ranked in the workspace of a job."""
    fitted = await run.context.store.find_ranking(run.thread.team)
    return ranking_of(fitted.weights, fitted.comparisons) if fitted else Ranking()


async def _found(run: JobRun, versions: Sequence[Version], seconds: float) -> list[Measured]:
    """Return what is found of each; nothing where nobody can read it, or not in time."""
    language = prompted_in(run.options)
    if (run.options.lang or language) not in LANGUAGES:
        return []
    model = next((version.model for version in versions if version.model), "")
    counted = frozenset(shown_measures(model, language))
    texts = [version.text for version in versions]

    async def found(
        score: Scorer | None, judge: Judge | None = None, judged: frozenset[str] = frozenset()
    ) -> list[Measured]:
        told = await measure(texts, run.thread.brief, language, score, judge)
        return [
            Measured.of(each, (counted - each.judged) | (judged & each.judged)) for each in told
        ]

    async def found_in_time() -> list[Measured]:
        try:
            async with asyncio.timeout(seconds):
                judge, judged = await _judging(run, model, language)
                score = run.context.engine.score if (counted | judged) & READ else None
                return await found(score, judge, judged)
        except (EngineUnavailable, EngineRefused, TimeoutError) as away:
            log.warning("measured without a model", job=run.job.name, away=type(away).__name__)
            return await found(None)

    with MEASURING.time():
        try:
            return await found_in_time()
        except Exception as error:
            # A text that a measure cannot read must not keep its draft from anybody.
            log.error("not measured", job=run.job.name, error=where(error))
            return []


async def _judging(
    run: JobRun, model: str, language: Language
) -> tuple[Judge | None, frozenset[str]]:
    """Return the judge and the measures that mean something with its grades.

    None: there is no judge, or nobody has tested its grades with this model.
    """
    judge = run.context.judge
    if judge is None:
        return None, frozenset()
    try:
        name = await judge.name()
    except (EngineUnavailable, EngineRefused):
        return None, frozenset()
    judged = frozenset(shown_measures(with_judge(model, name), language) if name else ())
    return (judge if judged else None), judged
