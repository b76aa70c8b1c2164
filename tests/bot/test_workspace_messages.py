"""What Slack tells of a message: who typed it, in which blocks, in which place."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace
from bot.workspace.objects import Json
from tests.bot.bolt_app import refused

Start = Callable[[], Awaitable[object]]


@pytest.fixture
def heard(bolt: AsyncApp) -> list[Json]:
    """Return the events that the app has received."""
    events: list[Json] = []

    async def note(event: dict[str, Any]) -> None:
        events.append(event)

    for name in ("message", "app_mention"):
        bolt.event(name)(note)
    return events


async def test_what_a_person_types_has_a_block_of_rich_text(
    workspace: Workspace, connect: Start, heard: list[Json], ada: str, general: str
) -> None:
    """See https://docs.slack.dev/reference/block-kit/blocks/rich-text-block."""
    await connect()
    await workspace.say(ada, general, "tea & @ada, #general, @here: https://a.example/?b&c now")
    (event,) = heard
    (block,) = event["blocks"]
    assert block["type"] == "rich_text"
    (section,) = block["elements"]
    assert section["elements"] == [
        {"type": "text", "text": "tea & "},
        {"type": "user", "user_id": ada},
        {"type": "text", "text": ", "},
        {"type": "channel", "channel_id": general},
        {"type": "text", "text": ", "},
        {"type": "broadcast", "range": "here"},
        {"type": "text", "text": ": "},
        {"type": "link", "url": "https://a.example/?b&c"},
        {"type": "text", "text": " now"},
    ]
    assert len(event["client_msg_id"]) == 36


async def test_a_message_reads_the_same_each_time(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    await workspace.say(ada, general, "tea")
    first, again = [(await client.conversations_history(channel=general))["messages"]] * 2
    assert first == again
    assert first[0]["blocks"][0]["block_id"]


async def test_a_post_of_the_app_tells_of_its_bot(
    workspace: Workspace, client: AsyncWebClient, general: str
) -> None:
    message = (await client.chat_postMessage(channel=general, text="tea"))["message"]
    assert message["bot_profile"]["id"] == message["bot_id"]
    assert message["bot_profile"]["app_id"] == message["app_id"]
    assert "client_msg_id" not in message
    assert "blocks" not in message


async def test_a_reply_can_go_to_the_channel_as_well(
    workspace: Workspace,
    client: AsyncWebClient,
    connect: Start,
    heard: list[Json],
    ada: str,
    general: str,
) -> None:
    """See https://docs.slack.dev/reference/events/message/thread_broadcast."""
    await connect()
    root = await workspace.say(ada, general, "tea")
    ts = await workspace.say(ada, general, "cake", thread_ts=root, broadcast=True)
    assert heard[-1]["subtype"] == "thread_broadcast"
    assert (heard[-1]["root"]["ts"], heard[-1]["thread_ts"]) == (root, root)
    history = (await client.conversations_history(channel=general))["messages"]
    assert [message["ts"] for message in history] == [ts, root]
    thread = (await client.conversations_replies(channel=general, ts=root))["messages"]
    assert [message["ts"] for message in thread] == [root, ts]


async def test_a_person_edits_their_own_message(
    workspace: Workspace, connect: Start, heard: list[Json], ada: str, general: str
) -> None:
    """See https://docs.slack.dev/reference/events/message/message_changed."""
    await connect()
    ts = await workspace.say(ada, general, "tea")
    await workspace.edit(ada, general, ts, "cake")
    event = heard[-1]
    assert event["subtype"] == "message_changed"
    assert (event["previous_message"]["text"], event["message"]["text"]) == ("tea", "cake")
    assert event["message"]["edited"]["user"] == ada
    with pytest.raises(ValueError, match="only their own"):
        await workspace.edit(workspace.person("ben"), general, ts, "beer")


async def test_a_stream_of_a_channel_needs_no_thread_and_one_of_a_dm_does(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    """See https://docs.slack.dev/reference/methods/chat.startStream."""
    reader = {"recipient_user_id": ada, "recipient_team_id": workspace.team}
    args: dict[str, Any] = {**reader, "markdown_text": "tea"}
    await client.api_call("chat.startStream", json={"channel": general, **args})
    (message,) = workspace.messages(general)
    assert (message.text, message.thread_ts) == ("tea", None)
    call = client.api_call("chat.startStream", json={"channel": workspace.dm(ada), **args})
    assert await refused(call) == "invalid_arguments"


async def test_a_deleted_root_leaves_a_tombstone_while_it_has_replies(
    workspace: Workspace, connect: Start, heard: list[Json], ada: str, general: str
) -> None:
    await connect()
    root = await workspace.say(ada, general, "tea")
    reply = await workspace.say(ada, general, "cake", thread_ts=root)
    await workspace.delete(ada, general, root)
    assert heard[-1]["subtype"] == "message_changed"
    assert heard[-1]["message"]["subtype"] == "tombstone"
    await workspace.delete(ada, general, reply)
    assert (heard[-1]["subtype"], heard[-1]["deleted_ts"]) == ("message_deleted", reply)


async def test_a_message_of_a_group_dm_is_an_mpim(
    workspace: Workspace, connect: Start, heard: list[Json], ada: str
) -> None:
    """See https://docs.slack.dev/reference/events/message.mpim."""
    await connect()
    group = workspace.group_dm(ada, workspace.person("ben"))
    await workspace.say(ada, group, f"<@{workspace.bot_user}> tea")
    assert [(e["type"], e.get("channel_type")) for e in heard] == [
        ("message", "mpim"),
        ("app_mention", None),
    ]


@pytest.mark.parametrize("revoked", ["mpim:history", None])
async def test_a_group_dm_has_a_scope_of_its_own(
    workspace: Workspace, connect: Start, heard: list[Json], ada: str, revoked: str | None
) -> None:
    if revoked:
        workspace.revoke(revoked)
    await connect()
    await workspace.say(ada, workspace.group_dm(ada, workspace.person("ben")), "tea")
    assert len(heard) == (0 if revoked else 1)


async def test_a_command_in_a_group_dm_names_it_as_slack_does(
    workspace: Workspace, bolt: AsyncApp, connect: Start, ada: str
) -> None:
    commands: list[Json] = []

    async def note(ack: AsyncAck, body: Json) -> None:
        commands.append(body)
        await ack()

    bolt.command("/draft")(note)
    await connect()
    await workspace.command(ada, workspace.group_dm(ada, workspace.person("ben")), "/draft", "tea")
    assert commands[0]["channel_name"] == "mpdm-ada--ben--draftsmith-1"


async def test_a_click_on_a_whisper_brings_no_message(
    workspace: Workspace,
    client: AsyncWebClient,
    bolt: AsyncApp,
    connect: Start,
    ada: str,
    general: str,
) -> None:
    clicks: list[Json] = []

    async def note(ack: AsyncAck, body: Json) -> None:
        clicks.append(body)
        await ack()

    bolt.action("again")(note)
    await connect()
    label = {"type": "plain_text", "text": "Again"}
    button = {"type": "button", "action_id": "again", "value": "1", "text": label}
    row = {"type": "actions", "elements": [button]}
    told = await client.chat_postEphemeral(channel=general, user=ada, text="x", blocks=[row])
    await workspace.click(ada, general, told["message_ts"], "again")
    assert clicks[0]["container"]["is_ephemeral"] is True
    assert "message" not in clicks[0]
