"""A run from its first brief to its last: the servers, the order, and what is kept on the way."""

import asyncio
import logging
import sys
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.drafting.brief.recipe import load_recipes
from bot.errors import OperatorError
from bot.evaluate.cases import Case, load_cases
from bot.evaluate.conditions import Conditions
from bot.evaluate.results import Journal, Run, Text
from bot.evaluate.servers import first_model, own_url, worker_at
from bot.evaluate.writer import Writer
from bot.safety_filter import load_filter
from bot.settings import Settings
from inference.client import EngineClient
from inference.logs import configure


@dataclass(frozen=True, slots=True)
class Plan:
    """What every way of writing gets alike. `concurrency`: briefs that are written at once."""

    cases: Sequence[Case]
    seed: int
    n: int
    concurrency: int

    def __post_init__(self) -> None:
        assert self.cases
        assert self.n > 0
        assert self.concurrency > 0


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of writing. Without a URL it is WORKER_URL's model, or that of a worker of ours.

    `chosen`: options by their names, as if each brief had chosen them in the form. `folder`: where
    its texts go as they come; `resume`: those that are there already are kept.
    """

    url: str | None
    model: str | None
    recipes: Path | None
    chosen: Mapping[str, str]
    folder: Path
    resume: bool = False


@dataclass(slots=True)
class Progress:
    """Prints how many briefs are written."""

    of: int
    done: int = 0

    def step(self) -> None:
        """Count one more."""
        self.done += 1
        print(f"{self.done} of {self.of} briefs", file=sys.stderr, flush=True)


@dataclass(slots=True)
class Writing:
    """A variant that is being written: the texts so far, by brief."""

    writer: Writer
    run: Run
    journal: Journal
    texts: dict[str, list[Text]] = field(default_factory=dict)

    async def write(self, case: Case, slots: asyncio.Semaphore, progress: Progress) -> None:
        """Write one brief, unless it was written before, and keep its texts."""
        if case.name not in self.texts:
            async with slots:
                self.texts[case.name] = await self.writer.write(case)
            self.journal.add(self.texts[case.name])
        progress.step()

    def end(self, cases: Sequence[Case]) -> Run:
        """Return the run, in the order of its briefs; behind them what others it had before."""
        names = dict.fromkeys([*(case.name for case in cases), *self.texts])
        texts = [text for name in names for text in self.texts[name]]
        run = replace(self.run, texts=texts)
        self.journal.save(run)
        return run


async def measure(plan: Plan, variants: Sequence[Variant]) -> list[Run]:
    """Write and check the texts of all variants, side by side.

    Raises OperatorError, EngineUnavailable, EngineRefused.
    """
    configure("console", logging.WARNING)
    settings = Settings()
    async with AsyncExitStack() as stack:
        needs_one = any(variant.url is None for variant in variants)
        own = await own_url(stack, settings) if needs_one else ""
        begun = []
        for variant in variants:
            engine = await stack.enter_async_context(worker_at(variant.url, own, settings))
            begun.append(await _begin(plan, variant, engine, settings))
        progress = Progress(len(plan.cases) * len(begun))
        slots = asyncio.Semaphore(plan.concurrency)
        await _all(each.write(case, slots, progress) for case in plan.cases for each in begun)
        return [each.end(plan.cases) for each in begun]


def checked_again(run: Run) -> Run:
    """Return a run, whose texts were written before, as the checks of now judge them."""
    recipes = load_recipes(Path(run.recipes) if run.recipes else None)
    conditions = Conditions(recipes, Settings(), run.chosen, run.seed)
    cases = {case.name: case for case in load_cases()}
    by_case = _by_case(run.texts)
    if gone := by_case.keys() - cases.keys():
        raise OperatorError(f"The brief {min(gone)} is not there any more.")
    checked = [conditions.checked(cases[name], texts) for name, texts in by_case.items()]
    return replace(run, texts=[text for texts in checked for text in texts])


async def _begin(plan: Plan, variant: Variant, engine: EngineClient, settings: Settings) -> Writing:
    recipes = load_recipes(variant.recipes or settings.recipes)
    conditions = Conditions(recipes, settings, variant.chosen, plan.seed)
    for case in plan.cases:
        conditions.brief(case)  # A wrong option is told before the first text.
    model = variant.model or await first_model(engine)
    folder = str(variant.recipes or settings.recipes or "")
    run = Run(model, plan.seed, plan.n, variant.chosen, folder)
    journal = Journal(variant.folder)
    if variant.resume:
        begun = journal.begun(run)
        run = replace(begun, texts=_without_half(begun.texts, plan))
    journal.save(run)
    writer = Writer(engine, model, conditions, load_filter(settings), plan.n)
    return Writing(writer, run, journal, _by_case(run.texts))


def _without_half(texts: Sequence[Text], plan: Plan) -> list[Text]:
    """Return the texts without the briefs of a plan that have not all of theirs yet."""
    full = {case.name: plan.n * (2 if case.wish else 1) for case in plan.cases}
    by_case = _by_case(texts)
    half = {name for name, found in by_case.items() if len(found) != full.get(name, len(found))}
    return [text for text in texts if text.case not in half]


def _by_case(texts: Sequence[Text]) -> dict[str, list[Text]]:
    found: dict[str, list[Text]] = defaultdict(list)
    for text in texts:
        found[text.case].append(text)
    return dict(found)


async def _all(work: Iterable[Coroutine[None, None, None]]) -> None:
    """Do all at once, and end the rest where one fails."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
