"""Two bots on one PostgreSQL, and Slack, which tells whichever it likes: they act as one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.app import Bot, running
from bot.errors import OperatorError
from bot.slack.client.rate_limit import RateLimiter
from bot.store import JobStatus, Store
from bot.workspace import PostedMessage, Workspace
from tests.bot.fakes import until
from tests.person import Person, is_done, settings_for
from tests.scripted_engine import ScriptedEngine

StartBot = Callable[..., AbstractAsyncContextManager[Bot]]


@pytest.fixture
def start_beside(
    workspace: Workspace, engine: ScriptedEngine, own_database: str, tmp_path: Path
) -> StartBot:
    """Return what starts a bot of a name, always on the same database."""

    def start(name: str, **changed: object) -> AbstractAsyncContextManager[Bot]:
        settings = {
            "database_url": own_database,
            "audit_key": SecretStr("a key that all of them share"),
            "slack_transport": "http",
            **changed,
        }
        return running(settings_for(workspace, engine.url, tmp_path / name, **settings))

    return start


@pytest.fixture
async def two(start_beside: StartBot) -> AsyncIterator[tuple[Bot, Bot]]:
    async with start_beside("a") as first, start_beside("b") as second:
        yield first, second


@pytest.fixture
async def store(own_database: str) -> AsyncIterator[Store]:
    opened = await Store.open(own_database)
    yield opened
    await opened.close()


def whole(draft: PostedMessage) -> bool:
    return [draft.text.count(f"Sentence {i} ") for i in range(1, 9)] == [1] * 8


async def test_each_draft_is_written_by_the_bot_that_heard_of_it_and_by_no_other(
    workspace: Workspace, engine: ScriptedEngine, two: tuple[Bot, Bot]
) -> None:
    people = [
        Person(workspace, workspace.person(f"p{i}"), workspace.channel(f"c{i}")) for i in range(4)
    ]
    for i, person in enumerate(people):
        workspace.events_url = two[i % 2].address
        await person.draft("rain")
    for person in people:
        (draft,) = await person.sees_drafts(1)
        assert whole(draft)
        assert len(workspace.messages(person.channel)) == 1
    assert len(engine.requests) == len(people)


async def test_a_stop_heard_by_one_bot_ends_the_draft_of_the_other(
    workspace: Workspace, engine: ScriptedEngine, two: tuple[Bot, Bot], ana: Person
) -> None:
    engine.pause = 0.02
    workspace.events_url = two[0].address
    await ana.draft("rain")
    await workspace.until(lambda: ana.drafts and "Sentence 1" in ana.drafts[0].text)
    engine.gate.clear()
    workspace.events_url = two[1].address
    await ana.react(ana.drafts[0], "x")
    # By a signal: the worker sends nothing, so that no write could tell it.
    (draft,) = await ana.sees_drafts(1)
    assert not whole(draft)


async def test_a_stop_that_no_signal_carried_is_noticed_at_the_next_write(
    workspace: Workspace,
    engine: ScriptedEngine,
    two: tuple[Bot, Bot],
    ana: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.drafting.jobs.jobs.Jobs.stop", lambda *_: None)
    engine.pause = 0.02
    workspace.events_url = two[0].address
    await ana.draft("rain")
    await workspace.until(lambda: ana.drafts and "Sentence 1" in ana.drafts[0].text)
    engine.gate.clear()
    workspace.events_url = two[1].address
    await ana.react(ana.drafts[0], "x")
    await asyncio.sleep(0.2)
    engine.gate.set()
    (draft,) = await ana.sees_drafts(1)
    assert not whole(draft)


async def test_what_is_asked_of_one_bot_about_a_draft_of_the_other_waits_for_it_and_is_done_once(
    workspace: Workspace, engine: ScriptedEngine, two: tuple[Bot, Bot], ana: Person
) -> None:
    engine.pause = 0.02
    workspace.events_url = two[0].address
    await ana.draft("rain")
    await workspace.until(lambda: ana.drafts and "Sentence 1" in ana.drafts[0].text)
    engine.gate.clear()
    workspace.events_url = two[1].address
    await ana.reply("shorter")
    await asyncio.sleep(0.2)
    assert len(engine.requests) == 1
    engine.gate.set()
    first, second = await ana.sees_drafts(2)
    assert "shorter" in second.text
    await ana.react(first, "repeat")
    await ana.sees_drafts(3)
    workspace.events_url = two[0].address
    await ana.react(second, "white_check_mark")
    await workspace.until(lambda: len(workspace.messages(ana.channel)) == 2)
    assert len(engine.requests) == 3


async def test_a_thread_rests_once_the_last_of_both_bots_is_done_there(
    workspace: Workspace, engine: ScriptedEngine, two: tuple[Bot, Bot], ana: Person
) -> None:
    workspace.events_url = two[0].address
    await ana.draft("rain")
    (first,) = await ana.sees_drafts(1)
    await workspace.until(lambda: session_of(ana) == "active")
    engine.gate.clear()
    await ana.react(first, "repeat")
    await workspace.until(lambda: len(ana.drafts) == 2)
    workspace.events_url = two[1].address
    await ana.reply("1: shorter")
    await workspace.until(lambda: len(ana.drafts) == 3)
    # Both messages are on record by then.
    await until(lambda: len(engine.requests) == 3)
    assert session_of(ana) == "processing"
    *_, last = ana.drafts
    await ana.react(last, "x")
    await workspace.until(lambda: is_done(ana.drafts[2]))
    await asyncio.sleep(0.3)
    assert session_of(ana) == "processing"
    engine.gate.set()
    await ana.sees_drafts(3)
    await workspace.until(lambda: session_of(ana) == "active")


def session_of(person: Person) -> str | None:
    session = person.workspace.session(person.channel, person.root.ts)
    return session.status if session else None


async def test_a_reviewer_who_decides_at_one_bot_has_the_draft_of_the_other_go_on(
    workspace: Workspace,
    engine: ScriptedEngine,
    start_beside: StartBot,
    ana: Person,
    tmp_path: Path,
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[output]\nemail = "hold"\n')
    rex = workspace.person("rex")
    channel = workspace.channel("reviewers", private=True, members=[rex])
    engine.write = lambda _: "Mail ana@acme-corp.com about it. And more."
    settings = {"policy": policy, "review_channel": channel}
    async with start_beside("a", **settings) as first, start_beside("b", **settings) as second:
        workspace.events_url = first.address
        await ana.draft("rain")
        await workspace.until(lambda: workspace.messages(channel))
        workspace.events_url = second.address
        reviewer = Person(workspace, rex, channel)
        (card,) = workspace.messages(channel)
        await reviewer.press(card, "review_approve")
        await workspace.until(lambda: ana.drafts and "acme-corp" in ana.drafts[0].text)
        assert len(workspace.messages(channel)) == 1


async def test_what_a_drained_bot_leaves_is_taken_by_the_other_at_once(
    workspace: Workspace, engine: ScriptedEngine, start_beside: StartBot, ana: Person
) -> None:
    engine.pause = 0.02
    async with start_beside("b"):
        async with start_beside("a", drain_seconds=0) as first:
            workspace.events_url = first.address
            await ana.draft("rain")
            await workspace.until(lambda: ana.drafts and "Sentence 1" in ana.drafts[0].text)
        (draft,) = await ana.sees_drafts(1)
    assert whole(draft)


async def test_a_bot_whose_lease_ended_writes_no_more_until_it_has_another(
    workspace: Workspace,
    engine: ScriptedEngine,
    start_beside: StartBot,
    ana: Person,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with start_beside("a", lease_seconds=1.2) as bot:
        workspace.events_url = bot.address
        engine.gate.clear()
        await ana.draft("rain")
        await workspace.until(lambda: ana.drafts)
        (job,) = await store.list_jobs(JobStatus.OPEN)

        async def not_renewed(*_: object) -> bool:
            return False

        monkeypatch.setattr(Store, "renew", not_renewed)
        await workspace.until(lambda: bot.jobs.running == 0)
        monkeypatch.undo()
        engine.gate.set()
        (draft,) = await ana.sees_drafts(1)
        assert whole(draft)
        assert (await store.get_job(job.id)).epoch > job.epoch


async def test_a_bot_with_another_key_does_not_start_beside_those_that_live(
    start_beside: StartBot, workspace: Workspace
) -> None:
    async with start_beside("a"):
        with pytest.raises(OperatorError, match="AUDIT_KEY"):
            async with start_beside("b", audit_key=SecretStr("another")):
                pass


async def test_bots_share_the_budgets_of_slack_by_how_many_live(
    start_beside: StartBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[int] = []
    monkeypatch.setattr(RateLimiter, "share_among", lambda _, bots: heard.append(bots))
    async with start_beside("a", lease_seconds=6):
        await until(lambda: heard == [1])
        async with start_beside("b", lease_seconds=6):
            # Both hear of both.
            await until(lambda: sorted(heard) == [1, 2, 2])
        await until(lambda: heard[-1] == 1)
