"""What is known of a draft: how it came about, and what it changed against the one before."""

import asyncio
import difflib
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.drafting.brief.options import CHINESE, TONES, Options, SamplingOptions
from bot.drafting.brief.recipe import Recipe, recipe_or_free
from bot.drafting.jobs.intake import Invocation
from bot.drafting.joining import whole
from bot.drafting.origin import Origin
from bot.drafting.ranking import Measured, Ranking, ranking_of
from bot.drafting.reviews import filter_for, held_as
from bot.drafting.slack_port import People
from bot.drafting.voice.house_voice import house_voice
from bot.errors import UserError
from bot.messages import Language, Sentence, language_for, sentence, sentence_about, sentences
from bot.store import STANDING, Job, Store, Thread, Version
from safety import Action, Filter, SafeText, Stage, Verdict, part

REMEMBERED = 1_000  # Verdicts.

Mark = Literal["same", "added", "removed"]

# A word with the space behind it; each Chinese or Japanese character counts as one.
WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff]+\s*|\s+"
)


@dataclass(frozen=True, slots=True)
class Changes:
    """What one version has that the one before, `number`, has not, and the other way round."""

    number: int
    pieces: Sequence[tuple[Mark, SafeText]]

    def count(self, mark: Mark) -> int:
        """Count the words that are marked so."""
        return sum(len(WORD.findall(text)) for each, text in self.pieces if each == mark)


@dataclass(frozen=True, slots=True)
class RecentThread:
    """A thread that a person began: its kind, its brief, its address, its standing drafts."""

    title: str
    brief: SafeText
    url: str | None
    drafts: int


class DraftHistory:
    """Answers about versions, judged anew before they are shown. Raises StoreUnavailable."""

    def __init__(
        self, store: Store, filter_: Filter, recipes: Mapping[str, Recipe], people: People
    ) -> None:
        self._store = store
        self._people = people
        self._filter = filter_
        self._recipes = recipes
        # Who opens the home tab again and again fills no audit log.
        self._shown_before: dict[tuple[str, Stage, Action, str], SafeText | None] = {}

    async def why(
        self, version: Version, language: Language, invocation: Invocation
    ) -> list[Sentence]:
        """Explain how a version came about, line by line, to whoever may ask and sees its thread.

        What was wished may stand nowhere else. Raises UserError for others, SlackUnavailable.
        """
        job = await self._store.get_job(version.job_id)
        thread = await self._store.get_thread(version.thread_id)
        asker = invocation.user
        if invocation.channel != thread.channel or not await self._people.may_ask(
            asker, invocation.team
        ):
            raise UserError(sentence("why_not_told"))
        recipe = recipe_or_free(self._recipes, thread.recipe)
        options = Options.model_validate(job.sampling)
        siblings = await self._store.list_siblings(job.id)
        return [
            sentences.why_kind(recipe.wording(language).title),
            await self._based(job, asker),
            sentences.why_options(_chosen(options, language)),
            *([sentences.why_own(job.preferred)] if job.preferred else []),
            sentence("why_made", facts=made_by(version, options.seed, job.n)),
            *measured_lines(version, siblings, await self._ranking(thread.team)),
            sentences.why_filter(version.rules),
            *await self._voice(thread, job),
        ]

    async def changes(self, version: Version, asker: str) -> Changes | None:
        """Compare a version with the one that it refines or regenerates; None where it has none."""
        job = await self._store.get_job(version.job_id)
        before_id = job.again_id or job.parent_id
        if before_id is None:
            return None
        before = await self._store.get_version(before_id)
        old, new = await self.shown(before, asker), await self.shown(version, asker)
        if not old or new is None:
            return None
        pieces = await asyncio.to_thread(lambda: list(compared(old, new)))
        return Changes(before.number, pieces)

    async def whole_text(self, version: Version, asker: str) -> SafeText | None:
        """Return a version with what it continues, as it would be sent; None: it may not be."""
        pieces = await self._store.list_continued(version.id)
        approved = [await self._store.find_hold_on(each.job_id, each.id) for each in pieces]
        held = next((held_as(h) for h in approved if held_as(h) is not Action.HOLD), Action.HOLD)
        name = f"version-{version.id}"
        return await self._once(
            whole(pieces), Stage.OUTPUT, held, version.thread_id, request=name, asker=asker
        )

    async def edited_verdict(self, version: Version, text: str, editor: str) -> Verdict:
        """Judge what somebody made of a version before they accept it."""
        filter_ = filter_for(self._filter, await self._store.get_thread(version.thread_id))
        return await filter_.judge(text, Stage.OUTPUT, request=f"version-{version.id}", who=editor)

    async def recent(
        self, user: str, most: int, permalink: Callable[[str, str], Awaitable[str | None]]
    ) -> list[RecentThread]:
        """Return what a person began last, the newest first. Raises SlackUnavailable."""
        shown = []
        for thread in await self._store.list_recent_threads(user, most):
            first = await self._store.get_first_job(thread.id)
            brief = await self.judged(thread.brief, first, user)
            if brief is None or thread.root_ts is None:
                continue
            recipe = recipe_or_free(self._recipes, thread.recipe)
            versions = await self._store.list_versions(thread.id)
            shown.append(
                RecentThread(
                    recipe.wording(language_for(first.language or "")).title,
                    brief,
                    await permalink(thread.channel, thread.root_ts),
                    sum(v.status in STANDING and not v.hidden for v in versions),
                )
            )
        return shown

    async def _ranking(self, team: str) -> Ranking:
        fitted = await self._store.find_ranking(team)
        return ranking_of(fitted.weights, fitted.comparisons) if fitted else Ranking()

    async def _voice(self, thread: Thread, job: Job) -> Sequence[Sentence]:
        """Return which versions of the house's voice it was written in, if there is one."""
        written_in = await house_voice(self._store, thread, job.created_at)
        if written_in.voice.is_silent:
            return []
        return [sentences.why_voice(written_in.workspace, written_in.channel)]

    async def _based(self, job: Job, asker: str) -> Sentence:
        sources = await self._store.list_sources(job)
        names = [
            await self.judged(source.name, job, asker) for source in sources if not source.origin
        ]
        named = [name for name in names if name is not None]
        origins = [Origin.from_dict(source.origin) for source in sources if source.origin]
        threads = [(origin.kept, origin.messages) for origin in origins if origin.messages]
        if job.parent_id is None:
            return sentences.why_based(None, None, named, threads)
        parent = await self._store.get_version(job.parent_id)
        wish = await self.judged(job.instruction or "", job, asker)
        return sentences.why_based(parent.number, wish, named, threads)

    async def judged(self, text: str, job: Job, asker: str) -> SafeText | None:
        """Return what may be shown of a text that a person wrote."""
        return await self._once(
            text, Stage.INPUT, Action.HOLD, job.thread_id, request=job.name, asker=asker
        )

    async def shown(self, version: Version, asker: str) -> SafeText | None:
        """Return what may be shown of a version."""
        held = held_as(await self._store.find_hold_on(version.job_id, version.id))
        text, name = version.text.strip(), f"version-{version.id}"
        return await self._once(
            text, Stage.OUTPUT, held, version.thread_id, request=name, asker=asker
        )

    async def _once(
        self, text: str, stage: Stage, held: Action, thread_id: int, *, request: str, asker: str
    ) -> SafeText | None:
        """Judge a text once, however often somebody looks at it."""
        filter_ = filter_for(self._filter, await self._store.get_thread(thread_id))
        key = (filter_.policy.digest, stage, held, text)
        if key not in self._shown_before:
            verdict = await filter_.judge(text, stage, request=request, who=asker, held=held)
            if len(self._shown_before) >= REMEMBERED:
                self._shown_before.clear()
            self._shown_before[key] = verdict.text
        return self._shown_before[key]


def compared(old: SafeText, new: SafeText) -> Iterator[tuple[Mark, SafeText]]:
    """Yield the pieces of both texts, in order: what stays, what went, what came."""
    before, after = _spans(old), _spans(new)
    words = difflib.SequenceMatcher(
        None, [old[a:b].strip() for a, b in before], [new[a:b].strip() for a, b in after], False
    )
    for tag, i1, i2, j1, j2 in words.get_opcodes():
        if tag == "equal":
            yield "same", _cut(new, after, j1, j2)
            continue
        if i2 > i1:
            yield "removed", _cut(old, before, i1, i2)
        if j2 > j1:
            yield "added", _cut(new, after, j1, j2)


def _spans(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in WORD.finditer(text)]


def _cut(text: SafeText, spans: Sequence[tuple[int, int]], first: int, last: int) -> SafeText:
    return part(text, spans[first][0], spans[last - 1][1])


def made_by(version: Version, seed: int, n: int) -> Sentence:
    """Say what a version was written with, as one of `n` drafts: its figures, and the model."""
    seconds, tokens = version.seconds or 0.0, version.tokens
    figures = [sentence("seconds", seconds=seconds)]
    if tokens:
        speed = tokens / max(seconds, 0.001)
        figures += [sentence("tokens", tokens=tokens), sentence("speed", speed=speed)]
    if n == 1:
        figures.append(sentence("seed", seed=seed))
    else:
        figures.append(sentence("seed_of", seed=seed, sample=version.sample + 1, n=n))
    return sentences.made_by(figures, version.model)


def measured_lines(
    version: Version, siblings: Sequence[Version], ranking: Ranking
) -> Iterator[Sentence]:
    """Say how a version was measured beside its siblings, why one is marked, and what it cost."""
    if len(siblings) < 2:
        return
    kept = {each.id: Measured.from_dict(each.measures) for each in siblings}
    measured = {id_: each for id_, each in kept.items() if each is not None}
    own = measured.get(version.id)
    if own is not None and own.told:
        yield sentences.why_measured(own.told, _comparison(siblings, measured, ranking))
    written = sum(each.tokens or 0 for each in siblings)
    facts = [sentence("cost_written", tokens=written, n=len(siblings))]
    if read := sum(each.tokens for each in measured.values()):
        facts.append(sentence("cost_read", tokens=read))
    yield sentence("why_cost", facts=sentence("facts", facts=tuple(facts)))


def _comparison(
    siblings: Sequence[Version], measured: Mapping[int, Measured], ranking: Ranking
) -> list[Sentence]:
    best = next((each for each in siblings if each.is_best and each.id in measured), None)
    if best is None:
        return []
    n = ranking.comparisons
    learnt = [sentence("why_learnt", n=n)] if n else []
    place = list(measured).index(best.id)
    ahead = ranking.ahead(list(measured.values()), place)
    return [sentences.why_best(best.number, ahead, len(measured)), *learnt]


def _chosen(options: Options, language: Language) -> dict[str, object]:
    """Return what was chosen, in the names of `/draft help`; the seed is shown elsewhere."""
    own = options.model_dump(exclude_defaults=True, exclude=set(SamplingOptions.model_fields))
    own |= {name: "yes" for name in ("private", "best") if own.get(name)}
    sampled = options.model_dump(include=set(SamplingOptions.model_fields) - {"seed", "n"})
    chosen = {**own, **sampled}
    return _in_chinese(chosen) if language == "zh" else chosen


def _in_chinese(chosen: Mapping[str, object]) -> dict[str, object]:
    """Return options with their Chinese names, and the values that have Chinese names with these.

    Both can be typed so.
    """
    names = {name: typed for typed, name in CHINESE.items()}
    values = {**TONES, "yes": "是"}
    if lang := chosen.get("lang"):
        values[str(lang)] = sentence_about("language", str(lang)).to("zh")
    return {
        names.get(name, name): values.get(value, value) if isinstance(value, str) else value
        for name, value in chosen.items()
    }
