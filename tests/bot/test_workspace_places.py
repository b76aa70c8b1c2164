"""Where the app may write: archived and restricted channels, group DMs, other people's DMs."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace
from tests.bot.bolt_app import refused


async def test_only_a_post_takes_a_persons_id_for_their_dm(
    workspace: Workspace, client: AsyncWebClient, ada: str
) -> None:
    posted = await client.chat_postMessage(channel=ada, text="hello")
    calls = [
        client.chat_update(channel=ada, ts=posted["ts"], text="bye"),
        client.chat_delete(channel=ada, ts=posted["ts"]),
        client.chat_postEphemeral(channel=ada, user=ada, text="psst"),
        client.chat_startStream(channel=ada, thread_ts=posted["ts"]),
    ]
    assert {await refused(call) for call in calls} == {"channel_not_found"}


async def test_a_message_of_an_archived_channel_cannot_be_edited(
    workspace: Workspace, client: AsyncWebClient, general: str
) -> None:
    posted = await client.chat_postMessage(channel=general, text="hello")
    workspace.archive(general)
    assert await refused(client.chat_update(**posted_at(posted), text="bye")) == "is_inactive"
    assert await refused(client.chat_postMessage(channel=general, text="x")) == "is_archived"


@pytest.mark.parametrize("blocks", [[], [{"type": "divider"}]])
async def test_what_is_edited_with_blocks_is_not_marked_as_edited(
    client: AsyncWebClient, general: str, blocks: list[dict[str, str]]
) -> None:
    posted = await client.chat_postMessage(channel=general, text="hello")
    changed = await client.chat_update(**posted_at(posted), text="bye", blocks=blocks or None)
    assert ("edited" in changed["message"]) is not bool(blocks)


def posted_at(answer: object) -> dict[str, str]:
    return {name: answer[name] for name in ("channel", "ts")}  # type: ignore[index]
