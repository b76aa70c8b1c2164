"""What must hold when a fault is over: by what people see, and by what the database says."""

import html
from collections import Counter
from collections.abc import Iterator

from bot.drafting.jobs.job_context import STOP_THREAD
from bot.messages import sentence
from bot.store import STANDING, JobStatus, Version, VersionStatus
from bot.workspace import PostedMessage
from bot.workspace.api.access import is_streaming
from tests.drill.scene import Records, Scene
from tests.drill.stages import Stage
from tests.person import is_done, is_head

FAILED = {sentence(name).to("en") for name in ("failed", "worker_missing")}


async def wrongs(scene: Scene, stage: Stage) -> list[str]:
    """Return a line for everything that is not as it must be; nothing, if all is right."""
    try:
        records = await scene.read()
    except Exception as error:
        return [f"the database cannot be read: {type(error).__name__}"]
    return [
        *_of_jobs(records, stage),
        *_of_head(scene, records, stage),
        *_of_messages(scene, records, stage),
        *(line for version in records.versions for line in _of_version(scene, records, version)),
        *_of_sentences(scene),
        *_of_work(scene),
    ]


def _of_jobs(records: Records, stage: Stage) -> Iterator[str]:
    for job in records.jobs:
        if job.status is not JobStatus.DONE:
            yield f"{job.name} is {job.status}"
    ended = tuple(version.status for version in records.versions)
    if ended != stage.ending.versions:
        yield f"versions are {', '.join(ended) or 'missing'}"


def _of_head(scene: Scene, records: Records, stage: Stage) -> Iterator[str]:
    heads = [m for m in scene.workspace.messages(scene.ana.channel) if is_head(m)]
    if len(heads) != 1:
        yield f"{len(heads)} heads"
    for head in heads:
        if STOP_THREAD in str(head.blocks):
            yield "the head says that a draft is being written"
        newest = [v for v in records.versions if v.status in STANDING][-1:]
        for version in newest:
            first = next((p.ts for p in records.posts if p.version_id == version.id), "none")
            if first.replace(".", "") not in str(head.blocks):
                yield f"the head does not link to draft {version.number}"
        if (stage.ending.posts or stage.ending.files) and "accepted" not in str(head.blocks):
            yield "the head does not say that a draft was accepted"


def _of_messages(scene: Scene, records: Records, stage: Stage) -> Iterator[str]:
    posts = [m for m in scene.workspace.messages(scene.ana.channel) if not is_head(m)]
    if len(posts) != stage.ending.posts:
        yield f"{len(posts)} accepted texts in the channel"
    for post in posts:
        if not any(letters(v.text) in letters(post.text) for v in records.versions):
            yield "an accepted text is not the draft's"
    known = {post.ts for post in records.posts}
    others = [m for m in replies(scene) if m.ts not in known]
    if len(others) != stage.ending.told:
        yield f"{len(others)} messages below the head that belong to no draft"
    files = [file for m in replies(scene) for file in m.files]
    if len(files) != stage.ending.files:
        yield f"{len(files)} files"


def _of_version(scene: Scene, records: Records, version: Version) -> Iterator[str]:
    name, space = f"draft {version.number}", scene.workspace
    channel = space.state.channels[scene.ana.channel]
    parts = [channel.message(p.ts) for p in records.posts if p.version_id == version.id]
    shown = [part for part in parts if part is not None]
    if not shown or len(shown) != len(parts):
        yield f"{name} has {len(shown)} of {len(parts)} messages"
        return
    if any(is_streaming(space.state, part) for part in shown):
        yield f"{name} streams"
    if [is_done(part) for part in shown] != [*[False] * (len(shown) - 1), True]:
        yield f"{name} has not its buttons at its end"
    text = letters("".join(body(part) for part in shown))
    if text != letters(version.text):
        yield f"{name} shows {len(text)} letters of {len(letters(version.text))}"
    if version.status is VersionStatus.FINISHED and "repeat" not in shown[-1].reactions:
        yield f"{name} offers no emoji"
    yield from _of_text(scene, records, version)


def _of_text(scene: Scene, records: Records, version: Version) -> Iterator[str]:
    text = letters(version.text)
    if not text:
        yield f"draft {version.number} is empty"
    if scene.setting.own_worker:
        return
    whole = letters(scene.text(records.seed_of(version)))
    is_right = whole == text if version.status is VersionStatus.FINISHED else whole.startswith(text)
    if not is_right:
        yield f"draft {version.number} is not what the model wrote"


def _of_sentences(scene: Scene) -> Iterator[str]:
    told = Counter(m.text for m in scene.workspace.whispers(scene.ana.id))
    # Slack shows an app no whispers: where its answer is lost, twice is better than never.
    calls = [c for c in scene.workspace.calls if c.args.get("channel") == scene.ana.channel]
    lost = sum(c.method == "chat.postEphemeral" and c.error == "dropped_after" for c in calls)
    for text, times in told.items():
        if times > 1 + lost:
            yield f"told {times} times: {text[:60]!r}"
        if text in FAILED:
            yield f"told: {text[:60]!r}"


def _of_work(scene: Scene) -> Iterator[str]:
    state, here = scene.workspace.state, scene.ana.channel
    at_work = [key for key, each in state.sessions.items() if each.status == "processing"]
    if any(channel == here for channel, _ in at_work):
        yield "a session is at work"
    if any(channel == here for channel, _ in state.statuses):
        yield "the thread says what the app is doing"


def replies(scene: Scene) -> list[PostedMessage]:
    """Return the bot's messages below heads."""
    space = scene.workspace
    channel = space.state.channels[scene.ana.channel]
    return [
        m
        for m in channel.messages.values()
        if m.thread_ts and not m.deleted and m.user == space.bot_user
    ]


def body(part: PostedMessage) -> str:
    """Return what a message of a draft says below its head line."""
    return part.text.partition("\n")[2]


def letters(text: str) -> str:
    """Return letters and digits alone: a stream shows Markdown, a changed message mrkdwn."""
    return "".join(filter(str.isalnum, html.unescape(text)))
