"""Where the app may write: archived and restricted channels, group DMs, other people's DMs."""

from collections.abc import Awaitable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.workspace import Workspace
from bot.workspace.objects import Restriction
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


def posted_at(answer: AsyncSlackResponse) -> dict[str, Any]:
    return {name: answer[name] for name in ("channel", "ts")}


async def test_a_group_dm_is_a_conversation_of_its_own_kind(
    workspace: Workspace, client: AsyncWebClient, ada: str
) -> None:
    """See https://docs.slack.dev/reference/objects/conversation-object."""
    ben = workspace.person("ben")
    group = workspace.group_dm(ada, ben)
    channel = (await client.conversations_info(channel=group))["channel"]
    assert (channel["is_mpim"], channel["is_private"], channel["is_im"]) == (True, True, False)
    assert channel["name"] == "mpdm-ada--ben--draftsmith-1"
    assert await refused(client.conversations_join(channel=group)) == (
        "method_not_supported_for_channel_type"
    )
    listed = (await client.conversations_list(types="mpim"))["channels"]
    assert [each["id"] for each in listed] == [group]
    opened = await client.conversations_open(users=[ada, ben])
    assert opened["channel"]["id"] == group


async def test_a_group_dm_without_the_app_is_not_to_be_seen(
    workspace: Workspace, client: AsyncWebClient, ada: str
) -> None:
    theirs = workspace.group_dm(ada, workspace.person("ben"), workspace.person("cy"), bot=False)
    assert await refused(client.conversations_info(channel=theirs)) == "channel_not_found"
    with pytest.raises(ValueError, match="Nobody can be added"):
        await workspace.invite(theirs)


@pytest.mark.parametrize("people", [1, 9])
async def test_a_group_dm_has_three_to_nine_members(workspace: Workspace, people: int) -> None:
    with pytest.raises(ValueError, match="from 3 to 9"):
        workspace.group_dm(*(workspace.person(f"p{i}") for i in range(people)))


async def test_members_are_counted_when_that_is_asked_for(
    client: AsyncWebClient, general: str
) -> None:
    channel = (await client.conversations_info(channel=general))["channel"]
    counted = await client.conversations_info(channel=general, include_num_members=True)
    assert "num_members" not in channel
    assert counted["channel"]["num_members"] == 2


@pytest.mark.parametrize(
    ("restriction", "root", "reply"),
    [
        ("read_only", False, False),
        ("thread_only", False, True),
        ("non_threadable", True, False),
        (None, True, True),
    ],
)
async def test_a_channels_settings_say_where_the_app_may_post(
    workspace: Workspace,
    client: AsyncWebClient,
    ada: str,
    general: str,
    restriction: Restriction | None,
    root: bool,
    reply: bool,
) -> None:
    """See https://docs.slack.dev/reference/methods/chat.postMessage#errors."""
    ts = await workspace.say(ada, general, "hello")
    workspace.restrict(general, restriction)
    refusal = f"restricted_action_{restriction}_channel"
    reader: dict[str, Any] = {"recipient_user_id": ada, "recipient_team_id": workspace.team}
    answers = [
        await said(client.chat_postMessage(channel=general, text="x")),
        await said(client.chat_postMessage(channel=general, text="x", thread_ts=ts)),
        await said(client.chat_startStream(channel=general, thread_ts=ts, **reader)),
    ]
    assert answers == ["ok" if allowed else refusal for allowed in (root, reply, reply)]
    channel = (await client.conversations_info(channel=general))["channel"]
    assert channel["is_read_only"] is (restriction == "read_only")


async def said(call: Awaitable[AsyncSlackResponse]) -> str:
    """Return "ok", or the word with which the Web API refuses the call."""
    try:
        await call
    except SlackApiError as refusal:
        return str(refusal.response["error"])
    return "ok"
