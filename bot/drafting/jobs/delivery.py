"""Jobs that write no draft: accepting a version, deleting it, showing those beside it.

Each may be run again.
"""

import structlog

from bot.drafting.destination import destination_of
from bot.drafting.draft_action import Way
from bot.drafting.jobs.accepting import check_sees, file_mark, line_below, tell_posted
from bot.drafting.jobs.job_context import Refusal
from bot.drafting.jobs.job_run import JobRun
from bot.drafting.jobs.join_channel import join_channel
from bot.drafting.jobs.revealing import show_others
from bot.drafting.joining import whole
from bot.drafting.reviews import held_as
from bot.drafting.slack_port import Content, FileKind, Place, SlackRefused
from bot.messages import Phrase, sentence, sentences
from bot.store import STANDING, JobKind, JobStatus, Version, VersionStatus
from safety import Action, SafeText, Stage

log = structlog.get_logger(__name__)


async def deliver(run: JobRun) -> None:
    """Delete the version, show those beside it, or judge it once more and hand it over.

    Raises Refusal, Away.
    """
    store = run.context.store
    assert run.job.parent_id is not None
    version = await store.get_version(run.job.parent_id)
    if run.job.kind is JobKind.DELETE:
        await _delete(run, version)
        return
    if not await run.context.people.may_ask(run.job.requester, run.thread.team):
        raise Refusal(sentence("not_allowed"), JobStatus.REFUSED)
    if run.job.kind is JobKind.REVEAL:
        await show_others(run, version)
        return
    if version.status not in STANDING:
        # Deleted while this waited for an invitation, or for Slack.
        raise Refusal(sentence("nothing_to_accept"), JobStatus.REFUSED)
    url = await _hand_over(run, version, await _text(run, version))
    await store.mark_accepted(version.id, None if run.job.sampling["way"] == Way.PERSON else url)
    await tell_posted(run, version.number, url)


async def _delete(run: JobRun, version: Version) -> None:
    store, slack, thread = run.context.store, run.context.slack, run.thread
    await store.end_version(version.id, VersionStatus.DELETED)
    for ts in await store.list_posts(version.id):
        await slack.delete(thread.channel, ts)
    left = [v for v in await store.list_versions(thread.id) if v.status != VersionStatus.DELETED]
    if thread.root_ts and not left:
        place = Place(thread.channel, thread.root_ts)
        await slack.show_rest(place, key=run.job.name, again=True, over=True)


async def _text(run: JobRun, version: Version) -> SafeText:
    """Return the whole text, judged as one by the filter of now. Raises Refusal.

    What whoever accepts it made of it goes out in its place.
    """
    if run.job.instruction:
        text = await _released(run, version, run.job.instruction, Action.HOLD)
        if text != run.job.instruction:
            # What the policy takes out of it is not kept either.
            await run.context.store.replace_request(run.job, text)
        return text
    store = run.context.store
    pieces = await store.list_continued(version.id)
    holds = [await store.find_hold_on(v.job_id, v.id) for v in pieces]
    # What a reviewer approved, or approved without a part, stands here as it was approved.
    approved = any(held_as(hold) is not Action.HOLD for hold in holds)
    held = Action.ALLOW if approved else Action.HOLD
    return await _released(run, version, whole(pieces), held)


async def _released(run: JobRun, version: Version, text: str, held: Action) -> SafeText:
    """Return what the filter makes of the text. Raises Refusal where that is nothing."""
    verdict = await run.judge(text, Stage.OUTPUT, held)
    if verdict.text is None:
        rules = sentences.rules(verdict.rules)
        said = sentence("not_accepted", number=version.number, rules=rules)
        raise Refusal(said, JobStatus.REFUSED)
    return verdict.text


async def _hand_over(run: JobRun, version: Version, text: SafeText) -> str | None:
    """Send the text where it is to go, with a small line that says whose it is; return its address.

    Raises Refusal, NotThere.
    """
    thread, slack, way = run.thread, run.context.slack, Way(run.job.sampling["way"])
    note = line_below(run, version.number, text)
    if way in (Way.MARKDOWN, Way.WORD):
        assert thread.root_ts is not None
        place = Place(thread.channel, thread.root_ts)
        kind: FileKind = "md" if way is Way.MARKDOWN else "docx"
        return await _hand_over_file(run, place, text, kind, note)
    if way is Way.PERSON:
        channel = await slack.open_dm(run.job.requester)
    else:
        channel = destination_of(thread).channel
        await join_channel(run, channel)
        await check_sees(run, version.number)
    if way is Way.CANVAS:
        return await _hand_over_canvas(run, Place(channel, user=run.job.requester), text, note)
    ts = await slack.post_text(Place(channel), text, note, key=run.job.post_key, again=run.again)
    return await slack.permalink(channel, ts)


async def _hand_over_file(
    run: JobRun, place: Place, text: SafeText, kind: FileKind, note: Phrase
) -> str | None:
    """Put the text as a file into the thread, and return its address.

    Raises Refusal where there can be none.
    """
    slack, mark = run.context.slack, await file_mark(run, text)
    try:
        return await slack.upload(
            place, text, kind, comment=note, since=run.job.created_at, again=run.again, mark=mark
        )
    except SlackRefused as refused:
        log.warning("no file", job=run.job.name, error=str(refused))
        may_not = refused.error == "missing_scope"
        said = sentence("no_file_scope") if may_not else sentence("no_file")
        raise Refusal(said, JobStatus.FAILED) from None


async def _hand_over_canvas(run: JobRun, place: Place, text: SafeText, note: Phrase) -> str:
    """Make a canvas of the text, post a link to it, and return its address.

    Raises Refusal where there can be none.
    """
    slack, key = run.context.slack, f"{run.job.post_key}/1"
    try:
        canvas = await slack.make_canvas(
            place, text, note, since=run.job.created_at, again=run.again
        )
    except SlackRefused as refused:
        log.warning("no canvas", job=run.job.name, error=str(refused))
        may_not = refused.error == "missing_scope"
        said = sentence("no_canvas_scope") if may_not else sentence("no_canvas")
        raise Refusal(said, JobStatus.FAILED) from None
    if not (run.again and await slack.find(Place(place.channel), key=key)):
        said = sentences.canvas_link(canvas.url, canvas.title)
        await slack.post(Place(place.channel), Content(said.to(run.language), note), key=key)
    return canvas.url
