"""The input rails of a job: who asks, what they ask, and what the draft is to be based on."""

from collections.abc import Sequence

from bot.drafting.jobs.job_context import Refusal
from bot.drafting.jobs.job_run import JobRun
from bot.drafting.origin import Origin
from bot.drafting.reviews import DECIDED, Reviews, held_as
from bot.drafting.sources import BadSource, Material
from bot.messages import Sentence, sentence, sentences
from bot.store import GUEST, Hold, HoldStatus, JobKind, JobStatus, Source
from safety import NOTHING, Action, SafeText, Stage, Verdict


async def screen(run: JobRun) -> tuple[SafeText, Sequence[Material]]:
    """Return what may be shown of the request, and the model's material. Raises Refusal, Away."""
    store = run.context.store
    if not (_was_allowed(run) or await _may_ask(run)):
        raise Refusal(await _not_allowed(run), JobStatus.REFUSED)
    # What is asked once more was decided about before.
    hold = await store.find_hold_on(run.job.id)
    hold = hold or await store.find_hold_on((await store.get_origin(run.job)).id)
    if hold is not None and run.context.reviews:
        await _put_back(run, hold, run.context.reviews)
    sources = await _gather(run)
    asked = await run.judge(run.words, Stage.INPUT, held_as(hold))
    quoted = [await _judge_source(run, source, held_as(hold)) for source in sources]
    if asked.text is None or any(verdict.text is None for verdict in quoted):
        await _hold_back(run, sources, asked, quoted)
    assert asked.text is not None
    if asked.text != run.words:
        # What the policy takes out of it nobody is to have, the model neither.
        await store.replace_request(run.job, asked.text)
    if hold is not None and hold.sealed:
        await store.close_hold(hold)
    materials = [await _material(run, *judged) for judged in zip(sources, quoted, strict=True)]
    await run.refresh()
    return asked.text, materials


def _was_allowed(run: JobRun) -> bool:
    """Say whether an earlier run was allowed to post the head of what this job begins.

    After a restart, all jobs at once would ask Slack for their people.
    """
    head = run.thread.head_ts if run.thread.persons_root else run.thread.root_ts
    return run.again and run.job.kind is JobKind.DRAFT and head is not None


async def _may_ask(run: JobRun) -> bool:
    return await run.context.people.may_ask(run.job.requester, run.thread.team)


async def _gather(run: JobRun) -> Sequence[Source]:
    """Read what the drafts are based on, and tell what could not be read. Raises Refusal, Away."""
    try:
        gathered = await run.context.sources.of(run.job)
    except BadSource as bad:
        raise Refusal(bad.sentence, JobStatus.REFUSED, drops=[bad.source_id]) from None
    for note in gathered.notes:
        await run.tell(note)
    brought = [source.origin for source in gathered.sources if source.job_id == run.job.id]
    files = sum(origin["files"] for origin in brought if origin)
    if files:
        await run.tell(sentences.thread_files(files))
    return gathered.sources


async def _not_allowed(run: JobRun) -> Sentence | None:
    """Return what a guest is told: after each brief and each click.

    Of emoji and replies among people, once in a thread: they may not be meant for the app. Where a
    run before recorded that and died, it is rather said twice than never.
    """
    if run.job.kind is JobKind.DRAFT or run.job.response_url or run.again:
        return sentence("not_allowed")
    first = await run.context.store.record_notice(run.thread.id, run.job.requester, GUEST)
    return sentence("not_allowed") if first else None


async def _put_back(run: JobRun, hold: Hold, reviews: Reviews) -> None:
    """Put a held request back in its place once it is approved. Raises Refusal where it is not."""
    if hold.status is HoldStatus.PENDING:
        raise Refusal(None, JobStatus.HELD)
    if hold.status not in DECIDED:
        # Closed or not by an earlier run: what was asked is gone.
        await run.context.store.close_hold(hold)
        raise Refusal(sentence("request_not_approved"), JobStatus.REFUSED, forget=True)
    if hold.sealed:
        await reviews.unseal(run.job, hold)
        await run.refresh()


async def _judge_source(run: JobRun, source: Source, held: Action) -> Verdict:
    if not _is_new(run, source):
        # A reviewer decided about it when it came.
        held = held_as(await run.context.store.find_hold_on(source.job_id or 0))
    return await run.judge(source.text, Stage.MATERIAL, held)


async def _hold_back(
    run: JobRun, sources: Sequence[Source], asked: Verdict, quoted: Sequence[Verdict]
) -> None:
    """Raise Refusal: the request waits for a reviewer, or it is blocked and not kept."""
    reviews = run.context.reviews
    refused = [verdict for verdict in (asked, *quoted) if verdict.text is None]
    if reviews and all(verdict.action is Action.HOLD for verdict in refused):
        brought = [source for source in sources if _is_new(run, source)]
        # Said before it is kept: after a crash it is rather said twice than never.
        await run.tell(sentence("held_request"))
        await reviews.hold_request(run.job, run.words, brought, refused)
        raise Refusal(None, JobStatus.HELD)
    # They are not to stop what comes later, too.
    drops = [each.id for each, judged in zip(sources, quoted, strict=True) if judged.text is None]
    if asked.text is None:
        said = sentence("refused", rules=sentences.rules(asked.rules))
        raise Refusal(said, JobStatus.REFUSED, forget=True, drops=drops)
    said = sentence("source_refused", rules=sentences.rules(refused[0].rules))
    raise Refusal(said, JobStatus.REFUSED, drops=drops)


async def _material(run: JobRun, source: Source, verdict: Verdict) -> Material:
    assert verdict.text is not None
    origin = Origin.from_dict(source.origin) if source.origin else None
    named = await run.judge(source.name if source.file or origin else "", Stage.MATERIAL)
    return Material(
        named.text or NOTHING,
        verdict.text,
        source.left_out,
        is_new=_is_new(run, source),
        origin=origin,
        source_id=source.id,
    )


def _is_new(run: JobRun, source: Source) -> bool:
    return source.job_id in (None, run.job.id)
