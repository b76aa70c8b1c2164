"""Socket Mode: connections that are each opened anew by themselves, so that nothing is missed."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import socket_mode
from bot.app import Bot
from bot.errors import OperatorError
from bot.socket_mode import SocketMode
from bot.workspace import Workspace
from tests.person import Person, StartBot

OPEN = "apps.connections.open"


@pytest.fixture
async def sockets(bolt: AsyncApp, workspace: Workspace) -> AsyncIterator[SocketMode]:
    """Connect the test's app by two connections that notice a silence soon."""

    @bolt.command("/draft")
    async def acked(ack: AsyncAck) -> None:
        await ack("heard")

    async with aiohttp.ClientSession() as session:
        made = SocketMode(bolt, workspace.app_token, session, count=2, heartbeat=0.3)
        await made.open()
        await workspace.until(lambda: workspace.sockets == 2)
        yield made
        await made.close()


async def heard(workspace: Workspace, ada: str, general: str) -> bool:
    """Say whether the next commands are answered by whichever connections there are."""
    asked = [workspace.command(ada, general, "/draft", "rain") for _ in range(4)]
    return all(ack.ok for ack in await asyncio.gather(*asked))


async def test_one_broken_connection_costs_no_command(
    sockets: SocketMode, workspace: Workspace, ada: str, general: str
) -> None:
    workspace.fail(OPEN, status=500, times=2)
    workspace.drop_sockets(1)
    assert await heard(workspace, ada, general)
    assert workspace.sockets == 1
    await workspace.until(lambda: workspace.sockets == 2)
    assert await heard(workspace, ada, general)


async def test_slack_closes_with_notice_and_no_command_fails(
    sockets: SocketMode, workspace: Workspace, ada: str, general: str
) -> None:
    closing = asyncio.create_task(workspace.refresh_sockets("warning", notice=2.0))
    await workspace.until(lambda: workspace.sockets == 4)
    assert await heard(workspace, ada, general)
    await closing
    assert workspace.sockets == 2
    assert await heard(workspace, ada, general)


async def test_a_silent_connection_is_opened_anew(
    sockets: SocketMode, workspace: Workspace, ada: str, general: str
) -> None:
    workspace.silence_socket()
    await workspace.until(lambda: workspace.sockets == 3)
    await workspace.until(lambda: all(each.alive for each in sockets.connections))
    workspace.drop_sockets(1)
    assert await heard(workspace, ada, general)


async def test_what_is_said_while_no_connection_is_open_arrives_once(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    await ana.sees_drafts(1)
    workspace._delivery.retry_delays = (0.1, 1.0, 1.0, 1.0)
    workspace.drop_sockets()
    await ana.reply("shorter")
    await ana.sees_drafts(2)
    await workspace.until(lambda: workspace.settled)
    assert len(ana.drafts) == 2


async def test_it_is_known_which_connections_live_and_since_when(
    sockets: SocketMode, workspace: Workspace
) -> None:
    first, second = sockets.connections
    await workspace.until(lambda: first.alive and second.alive)
    opened = [first.since, second.since]
    workspace.fail(OPEN, error="internal_error", times=1)
    workspace.drop_sockets(1)
    await workspace.until(lambda: [first.alive, second.alive].count(False) == 1)
    await workspace.until(lambda: first.alive and second.alive)
    assert len({first.since, second.since} & set(opened)) == 1


async def test_a_connection_that_slack_ends_at_once_is_not_asked_for_again_and_again(
    sockets: SocketMode, workspace: Workspace
) -> None:
    for _ in range(3):
        await workspace.until(lambda: workspace.sockets == 2)
        workspace.drop_sockets(1)
    began = asyncio.get_running_loop().time()
    await workspace.until(lambda: workspace.sockets == 2)
    assert asyncio.get_running_loop().time() - began > 0.4


async def test_an_ack_that_is_being_made_still_arrives_when_the_connections_close(
    bolt: AsyncApp, workspace: Workspace, ada: str, general: str
) -> None:
    asked = asyncio.Event()

    @bolt.command("/draft")
    async def slow(ack: AsyncAck) -> None:
        asked.set()
        await asyncio.sleep(0.3)
        await ack("heard")

    async with aiohttp.ClientSession() as session:
        made = SocketMode(bolt, workspace.app_token, session, count=1)
        await made.open()
        command = asyncio.create_task(workspace.command(ada, general, "/draft", "rain"))
        await asked.wait()
        await made.close()
        assert (await command).ok


async def test_a_try_to_connect_that_hangs_or_breaks_is_followed_by_another(
    sockets: SocketMode, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, tries = SocketMode._open, []

    async def opened(self: SocketMode) -> object:
        tries.append(1)
        if len(tries) == 1:
            await asyncio.Event().wait()
        if len(tries) == 2:
            raise KeyError("url")
        return await connect(self)

    monkeypatch.setattr(socket_mode, "OPEN_SECONDS", 0.05)
    with monkeypatch.context() as patch:
        patch.setattr(SocketMode, "_open", opened)
        workspace.drop_sockets(1)
        await workspace.until(lambda: len(tries) == 3)
    await workspace.until(lambda: workspace.sockets == 2)


async def test_how_many_connections_there_are_is_a_setting(
    start: StartBot, workspace: Workspace
) -> None:
    async with start(socket_connections=1):
        await workspace.until(lambda: workspace.sockets == 1)
    assert workspace.sockets == 0


async def test_a_wrong_app_token_is_one_sentence_at_the_start(start: StartBot) -> None:
    with pytest.raises(OperatorError, match="SLACK_APP_TOKEN"):
        async with start(slack_app_token=None):
            pass
