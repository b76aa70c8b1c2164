"""Canvases through the door out, against a Slack on loopback that loses answers and refuses."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from bot.drafting.slack_port import CanvasLink, NotThere, Place, SlackRefused
from bot.messages import Phrase
from bot.slack.client.api_client import web_client
from bot.slack.manifest import SCOPES
from bot.slack.outbox import Outbox
from bot.workspace import Workspace
from bot.workspace.canvas import Canvas
from safety import SafeText
from tests.clocks import HurriedClock

TEXT = SafeText("# The tram\n\nIt climbs.")
NOTE = Phrase("Accepted.")


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    async with Workspace(limits=None, scopes=SCOPES) as running:
        yield running


@pytest.fixture
async def outbox(workspace: Workspace) -> AsyncIterator[Outbox]:
    async with web_client(SecretStr(workspace.bot_token), f"{workspace.url}/api/") as client:
        yield Outbox(client, clock=HurriedClock())


@pytest.fixture
def channel(workspace: Workspace) -> str:
    return workspace.channel("general", members=[workspace.person("ada")])


def canvases(workspace: Workspace) -> list[Canvas]:
    return [file for file in workspace.state.files.values() if isinstance(file, Canvas)]


async def make(
    outbox: Outbox, channel: str, *, again: bool = False, text: str = TEXT
) -> CanvasLink:
    since = datetime.now(UTC) - timedelta(seconds=5)
    return await outbox.make_canvas(
        Place(channel, user="U1"), SafeText(text), NOTE, since=since, again=again
    )


@pytest.mark.parametrize("fault", [{"drop": "after"}, {"drop": "before"}, {"status": 500}])
@pytest.mark.parametrize("method", ["canvases.create", "canvases.access.set", "files.info"])
async def test_a_canvas_whose_answer_is_lost_stands_once(
    workspace: Workspace, outbox: Outbox, channel: str, method: str, fault: dict[str, Any]
) -> None:
    workspace.fail(method, **fault)
    made = await make(outbox, channel)
    (canvas,) = canvases(workspace)
    assert made.url == f"https://workspace.slack.com/docs/{workspace.team}/{canvas.id}"
    assert (made.title, canvas.title) == ("The tram", "The tram")


async def test_only_our_own_canvas_of_this_title_and_time_is_taken_for_the_one_made_before(
    workspace: Workspace, outbox: Outbox, channel: str
) -> None:
    await make(outbox, channel)
    (old,) = canvases(workspace)
    old.created -= 3600
    ada = next(user.id for user in workspace.state.users.values() if not user.bot)
    theirs = workspace.write_canvas(ada, "The tram", "theirs")
    await workspace.say(ada, channel, "look", files=[theirs])
    await make(outbox, channel, text="# Another")
    made = await make(outbox, channel, again=True)
    assert len(canvases(workspace)) == 4
    assert canvases(workspace)[-1].id in made.url
    assert await make(outbox, channel, again=True) == made
    assert len(canvases(workspace)) == 4


async def test_the_members_of_a_channel_keep_the_right_that_its_tab_gives_them(
    workspace: Workspace, outbox: Outbox, channel: str
) -> None:
    workspace.fail("canvases.access.set", error="channel_not_found")
    await make(outbox, channel)
    assert canvases(workspace)[0].access == {channel: "write"}


async def test_a_canvas_that_its_reader_could_not_open_is_an_error(
    workspace: Workspace, outbox: Outbox
) -> None:
    dm = workspace.dm(workspace.person("ben"))
    workspace.fail("canvases.access.set", error="failed_to_update_user_ids")
    with pytest.raises(SlackRefused, match="failed_to_update_user_ids"):
        await make(outbox, dm)


async def test_what_slack_does_not_permit_is_a_refusal_and_a_closed_channel_is_none(
    workspace: Workspace, outbox: Outbox, channel: str
) -> None:
    workspace.fail("canvases.create", error="restricted_action")
    with pytest.raises(SlackRefused, match="restricted_action"):
        await make(outbox, channel)
    workspace.archive(channel)
    with pytest.raises(NotThere, match="is_archived"):
        await make(outbox, channel)


async def test_an_address_that_slack_does_not_tell_is_the_one_that_all_canvases_have(
    workspace: Workspace, outbox: Outbox, channel: str
) -> None:
    workspace.fail("files.info", error="file_not_found")
    made = await make(outbox, channel)
    assert made.url == (await make(outbox, channel, again=True)).url
