"""Several bots as processes on one database: killed, stopped, and one too many."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.store import JobStatus, Store
from bot.workspace import PostedMessage, Workspace
from tests.bot_process import one_of_several
from tests.person import Person
from tests.scripted_engine import ScriptedEngine

LEASE = 3.0

StartBot = Callable[..., AbstractAsyncContextManager[asyncio.subprocess.Process]]
Moment = Callable[[Person], object]


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedEngine]:
    async with ScriptedEngine(pause=0.01) as scripted:
        yield scripted


@pytest.fixture
def ana(workspace: Workspace) -> Person:
    return Person(workspace, workspace.person("ana"), workspace.channel("launch"))


@pytest.fixture
def start(
    workspace: Workspace, engine: ScriptedEngine, own_database: str, tmp_path: Path
) -> StartBot:
    """Return what starts a bot by its name, always on the same database."""
    return lambda name, lease=LEASE: one_of_several(
        workspace,
        tmp_path / name,
        WORKER_URL=engine.url,
        DATABASE_URL=own_database,
        AUDIT_KEY="a key that all of them share",
        LEASE_SECONDS=f"{lease:g}",
        DRAIN_SECONDS="0.5",
    )


def root_stands(ana: Person) -> object:
    return ana.workspace.messages(ana.channel)


def text_streams(ana: Person) -> object:
    return ana.drafts and "Sentence 1" in ana.drafts[0].text


def whole(draft: PostedMessage) -> bool:
    return [draft.text.count(f"Sentence {i} ") for i in range(1, 9)] == [1] * 8


@pytest.mark.parametrize("moment", [root_stands, text_streams])
async def test_what_a_killed_bot_was_writing_is_ended_by_the_other_within_the_lease(
    workspace: Workspace,
    engine: ScriptedEngine,
    start: StartBot,
    ana: Person,
    own_database: str,
    tmp_path: Path,
    moment: Moment,
) -> None:
    engine.pause = 0.03
    async with AsyncExitStack() as stack:
        first, second = await asyncio.gather(
            *(stack.enter_async_context(start(name)) for name in "ab")
        )
        await ana.draft("n=2 rain")
        await workspace.until(lambda: moment(ana))
        owner = await owner_of_the_job(own_database)
        (first if str(owner) in log_of(tmp_path / "a") else second).kill()
        drafts = await ana.sees_drafts(2, timeout=LEASE + 15)
        await workspace.until(lambda: all("repeat" in draft.reactions for draft in drafts), 20)
        assert await owner_of_the_job(own_database) != owner
    assert [whole(draft) for draft in drafts] == [True, True]
    assert len(workspace.messages(ana.channel)) == 1


async def owner_of_the_job(database: str) -> str | None:
    """Return the bot that runs the only open job; None once it is over."""
    store = await Store.open(database)
    jobs = await store.list_jobs(JobStatus.OPEN)
    await store.close()
    return jobs[0].owner if jobs else None


async def test_a_bot_that_stood_still_for_longer_than_its_lease_doubles_nothing(
    workspace: Workspace, engine: ScriptedEngine, start: StartBot, ana: Person, tmp_path: Path
) -> None:
    engine.pause = 0.03
    async with start("a") as first:
        await ana.draft("n=2 rain")
        await workspace.until(lambda: text_streams(ana))
        first.send_signal(signal.SIGSTOP)
        async with start("b"):
            drafts = await ana.sees_drafts(2, timeout=LEASE + 20)
            before = [draft.text for draft in drafts]
            first.send_signal(signal.SIGCONT)
            await workspace.until(lambda: "lease begun again" in log_of(tmp_path / "a"), 20)
            # Both live again: the next draft is one, too.
            await ana.draft("snow")
            (later,) = await ana.sees_drafts(1, timeout=20)
    assert whole(later)
    assert [draft.text for draft in drafts] == before
    assert [whole(draft) for draft in drafts] == [True, True]
    assert len(workspace.messages(ana.channel)) == 2


@pytest.mark.long
async def test_three_bots_are_replaced_one_by_one_and_no_draft_rests_for_longer_than_the_lease(
    workspace: Workspace, engine: ScriptedEngine, start: StartBot, tmp_path: Path
) -> None:
    lease = 30.0
    engine.pause = 0.3  # A draft is written for longer than a bot is left to drain.
    people = [
        Person(workspace, workspace.person(f"person-{i}"), workspace.channel(f"channel-{i}"))
        for i in range(4)
    ]
    grown = {person.id: Growth() for person in people}

    async def watch() -> None:
        while True:
            for person in people:
                grown[person.id].see(sum(len(draft.text) for draft in person.drafts))
            await asyncio.sleep(0.05)

    async with AsyncExitStack() as stack:
        first = [await stack.enter_async_context(start(name, lease)) for name in "abcd"]
        for person in people:
            await person.draft("rain")
        await workspace.until(lambda: all(map(text_streams, people)), 20)
        watching = asyncio.create_task(watch())
        for process, successor in zip(first[:3], ("e", "f", None), strict=True):
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(30):
                assert await process.wait() == 0
            if successor:
                await stack.enter_async_context(start(successor, lease))
        for person in people:
            (draft,) = await person.sees_drafts(1, timeout=60)
            assert whole(draft)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert all(len(workspace.messages(person.channel)) == 1 for person in people)
    assert any("job taken" in log_of(tmp_path / name) for name in "bcdef")
    assert max(growth.longest for growth in grown.values()) < lease


@dataclass
class Growth:
    """How long a draft that is being written did not grow."""

    length: int = 0
    since: float = 0.0
    longest: float = 0.0

    def see(self, length: int) -> None:
        now = asyncio.get_running_loop().time()
        if length > self.length:
            self.longest = max(self.longest, now - (self.since or now))
            self.length, self.since = length, now


async def test_a_second_bot_on_a_file_of_sqlite_is_told_in_one_line_what_to_set(
    workspace: Workspace, engine: ScriptedEngine, tmp_path: Path
) -> None:
    settings = {"WORKER_URL": engine.url, "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/one.db"}
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(
            one_of_several(workspace, tmp_path / "a", **settings)
        )
        with pytest.raises(AssertionError):
            await stack.enter_async_context(one_of_several(workspace, tmp_path / "b", **settings))
        (line,) = [line for line in log_of(tmp_path / "b").splitlines() if "SQLite" in line]
        assert "DATABASE_URL" in line
        assert "Traceback" not in log_of(tmp_path / "b")
        first.kill()
        await first.wait()
        # The kernel has freed the lock.
        await stack.enter_async_context(one_of_several(workspace, tmp_path / "c", **settings))


def log_of(folder: Path) -> str:
    return (folder / "log").read_text()
