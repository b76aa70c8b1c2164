"""How threads are shown at work, against a Slack on loopback that is slow, full, or says no."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from bot.drafting.slack_port import Place, SlackUnavailable, Work
from bot.messages import Phrase
from bot.slack.client.api_client import web_client
from bot.slack.client.rate_limit import TIERS
from bot.slack.manifest import SCOPES
from bot.slack.outbox import Outbox
from bot.workspace import AgentSession, ThreadStatus, Workspace
from safety import SafeText
from tests.clocks import HurriedClock

SET_STATUS = "agents.sessions.setStatus"
WORK = Work(Phrase("is thinking…"), [Phrase("Soon…")], SafeText("A text\n on tea"))


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    async with Workspace(limits=None, scopes=SCOPES) as running:
        yield running


@pytest.fixture
async def budgets() -> dict[str, int]:
    return dict(TIERS)


@pytest.fixture
async def outbox(workspace: Workspace, budgets: dict[str, int]) -> AsyncIterator[Outbox]:
    async with web_client(SecretStr(workspace.bot_token), f"{workspace.url}/api/") as client:
        yield Outbox(client, clock=HurriedClock(), budgets=budgets)


async def place_of(workspace: Workspace, name: str = "general") -> Place:
    ada = workspace.person("ada")
    channel = workspace.channel(name, members=[ada])
    return Place(channel, await workspace.say(ada, channel, "root"), ada, workspace.team)


def shown(workspace: Workspace, place: Place) -> AgentSession | None:
    return workspace.session(place.channel, place.thread_ts or "")


def calls(workspace: Workspace) -> list[str | None]:
    return [call.error for call in workspace.calls if call.method == SET_STATUS]


async def test_a_session_is_named_in_one_line_and_asked_for_once(
    workspace: Workspace, outbox: Outbox
) -> None:
    place = await place_of(workspace)
    for _ in range(3):
        await outbox.show_work(place, WORK, key="job-1")
    assert shown(workspace, place) == AgentSession("processing", "A text on tea", place.user)
    assert workspace.status(place.channel, place.thread_ts or "") is None
    await outbox.show_rest(place, key="job-1", again=False)
    await outbox.show_rest(place, key="job-1", again=False)
    assert shown(workspace, place) == AgentSession("active", "A text on tea", place.user)
    assert calls(workspace) == [None, None]


async def test_only_the_last_job_of_a_thread_sets_it_to_rest(
    workspace: Workspace, outbox: Outbox
) -> None:
    place = await place_of(workspace)
    for key in ("job-1", "job-2"):
        await outbox.show_work(place, WORK, key=key)
    await outbox.show_rest(place, key="job-1", again=True)
    session = shown(workspace, place)
    assert session == AgentSession("processing", "A text on tea", place.user)
    await outbox.show_rest(place, key="job-2", again=False)
    assert session == AgentSession("active", "A text on tea", place.user)


async def test_a_job_that_comes_while_the_thread_is_set_to_rest_is_shown(
    workspace: Workspace, outbox: Outbox
) -> None:
    place = await place_of(workspace)
    await outbox.show_work(place, WORK, key="job-1")
    rest = asyncio.create_task(outbox.show_rest(place, key="job-1", again=False))
    await asyncio.sleep(0)
    await outbox.show_work(place, WORK, key="job-2")
    await rest
    session = shown(workspace, place)
    assert session is not None
    assert session.status == "processing"


async def test_where_the_budget_is_short_a_thread_is_not_shown_at_work_and_needs_no_end(
    budgets: dict[str, int], workspace: Workspace, outbox: Outbox
) -> None:
    budgets[SET_STATUS] = 4
    places = [await place_of(workspace, f"channel-{i}") for i in range(4)]
    for place in places:
        await outbox.show_work(place, WORK, key="job-1")
    at_work = [place for place in places if shown(workspace, place)]
    assert 0 < len(at_work) < len(places)
    for place in places:
        await outbox.show_rest(place, key="job-1", again=False)
    assert {str(shown(workspace, place)) for place in at_work} == {
        str(AgentSession("active", "A text on tea", place.user)) for place in at_work
    }
    assert len(calls(workspace)) == 2 * len(at_work)


async def test_an_end_that_slack_does_not_take_up_is_not_given_up(
    workspace: Workspace, outbox: Outbox
) -> None:
    place = await place_of(workspace)
    await outbox.show_work(place, WORK, key="job-1")
    workspace.fail(SET_STATUS, status=500, times=5)
    with pytest.raises(SlackUnavailable):
        await outbox.show_rest(place, key="job-1", again=False)
    # The job is run again, and comes to its end once more.
    await outbox.show_rest(place, key="job-1", again=True)
    assert shown(workspace, place) == AgentSession("active", "A text on tea", place.user)


@pytest.mark.parametrize("says", ["not_agent_app", "not_authorized"])
async def test_where_the_app_is_no_agent_words_are_shown_and_taken_back(
    workspace: Workspace, outbox: Outbox, says: str
) -> None:
    workspace.state.features = replace(workspace.state.features, agent=False)
    workspace.fail(SET_STATUS, error=says)
    place = await place_of(workspace)
    thread_ts = place.thread_ts or ""
    await outbox.show_work(place, Work(title=SafeText("tea")), key="job-1")
    assert workspace.status(place.channel, thread_ts) is None
    await outbox.show_work(place, WORK, key="job-1")
    said = ThreadStatus("is thinking…", ("Soon…",))
    assert workspace.status(place.channel, thread_ts) == said
    await outbox.show_work(place, WORK, key="job-1")
    await outbox.show_rest(place, key="job-1", again=True)
    assert workspace.status(place.channel, thread_ts) is None
    methods = [call.method for call in workspace.calls]
    assert methods == [SET_STATUS, *["assistant.threads.setStatus"] * 2]


async def test_words_are_said_again_before_slack_takes_them_away(
    workspace: Workspace, outbox: Outbox
) -> None:
    workspace.state.features = replace(workspace.state.features, agent=False)
    place = await place_of(workspace)
    await outbox.show_work(place, WORK, key="job-1")
    await asyncio.sleep(101 / 50)
    await outbox.show_work(place, WORK, key="job-1")
    methods = [call.method for call in workspace.calls]
    assert methods.count("assistant.threads.setStatus") == 2
