"""The workspace's Web API, asked by the SDK's own client."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import RateLimit, Workspace
from bot.workspace.__main__ import main
from bot.workspace.blocks import accept_message_blocks
from bot.workspace.errors import ApiError
from bot.workspace.objects import Json
from bot.workspace.web_api import Drop
from tests.bot.bolt_app import refused


def section(text: str, **extra: object) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **extra}


def button(action_id: str, text: str = "Again") -> Json:
    label = {"type": "plain_text", "text": text}
    return {"type": "button", "action_id": action_id, "text": label, "value": "1"}


def modal(**changes: object) -> Json:
    title = {"type": "plain_text", "text": "New draft"}
    return {"type": "modal", "title": title, "blocks": [section("hello")], **changes}


# Who is asking


async def test_auth_test_names_the_bot_and_tells_its_scopes(
    workspace: Workspace, client: AsyncWebClient
) -> None:
    answer = await client.auth_test()
    assert answer["user_id"] == workspace.bot_user
    assert answer["team_id"] == workspace.team
    assert answer["bot_id"].startswith("B0")
    assert "chat:write" in answer.headers["X-OAuth-Scopes"].split(",")


@pytest.mark.parametrize(
    ("token", "error"),
    [("", "not_authed"), ("xoxb-wrong", "invalid_auth"), ("app", "not_allowed_token_type")],
)
async def test_a_wrong_token_is_refused(workspace: Workspace, token: str, error: str) -> None:
    token = workspace.app_token if token == "app" else token
    client = AsyncWebClient(token, base_url=f"{workspace.url}/api/")
    assert await refused(client.auth_test()) == error


async def test_socket_mode_wants_the_app_token(
    workspace: Workspace, client: AsyncWebClient
) -> None:
    call = client.apps_connections_open(app_token=workspace.bot_token)
    assert await refused(call) == "not_allowed_token_type"


async def test_an_unknown_method_is_said_to_be_unknown(client: AsyncWebClient) -> None:
    assert await refused(client.api_call("chat.sing")) == "unknown_method"


async def test_methods_can_be_taken_away(
    workspace: Workspace, client: AsyncWebClient, general: str
) -> None:
    workspace.without("chat.startStream")
    call = client.chat_startStream(channel=general, thread_ts="1.000000")
    assert await refused(call) == "unknown_method"


async def test_a_revoked_scope_is_named(
    workspace: Workspace, client: AsyncWebClient, general: str
) -> None:
    workspace.revoke("chat:write")
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=general, text="hello")
    answer = caught.value.response
    assert (answer["error"], answer["needed"]) == ("missing_scope", "chat:write")
    assert "reactions:write" in answer["provided"]


async def test_an_app_has_the_scopes_of_its_manifest_unless_others_are_given() -> None:
    manifest = {"oauth_config": {"scopes": {"bot": ["chat:write"]}}}
    assert Workspace(manifest=manifest).state.scopes == {"chat:write"}
    assert Workspace(manifest=manifest, scopes=["commands"]).state.scopes == {"commands"}


@pytest.mark.parametrize(
    "wrong", [{"name": "x" * 25}, {"type": "local"}, {"callback_id": ""}, {"callback_id": None}]
)
def test_a_faulty_shortcut_of_a_manifest_is_refused(wrong: Json) -> None:
    entry = {"name": "New draft", "type": "global", "callback_id": "draft"} | wrong
    entry = {name: value for name, value in entry.items() if value is not None}
    with pytest.raises(ValueError, match="needs a name of at most 24 characters, a callback_id"):
        Workspace(manifest={"features": {"shortcuts": [entry]}})


async def test_a_page_of_another_site_gets_no_answer(workspace: Workspace) -> None:
    url, headers = f"{workspace.url}/", {"Host": "evil.example"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        assert response.status == 403


@pytest.mark.parametrize("origin", ["http://evil.example", None])
async def test_only_the_pages_own_origin_may_act(workspace: Workspace, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    live = f"{workspace.url}/page/live"
    async with aiohttp.ClientSession() as session, session.get(live, headers=headers) as response:
        assert response.status == 403


# Posts


async def test_a_post_is_there_with_a_later_ts_each_time(
    workspace: Workspace, client: AsyncWebClient, general: str
) -> None:
    first = await client.chat_postMessage(channel=general, text="one")
    second = await client.chat_postMessage(channel=general, text="two")
    assert [m.text for m in workspace.messages(general)] == ["one", "two"]
    assert first["ts"] < second["ts"]
    assert second["message"]["bot_id"] == (await client.auth_test())["bot_id"]


async def test_the_bot_may_write_only_where_it_is(
    workspace: Workspace, client: AsyncWebClient, ada: str
) -> None:
    ben = workspace.person("ben")
    public = workspace.channel("public", bot=False)
    secret = workspace.channel("secret", private=True, members=[ada], bot=False)
    theirs = workspace.dm(ada, ben)
    closed = workspace.channel("closed")
    workspace.archive(closed)
    expected = {
        public: "not_in_channel",
        secret: "channel_not_found",
        theirs: "channel_not_found",
        closed: "is_archived",
        "C0NOWHERE00": "channel_not_found",
    }
    found = {c: await refused(client.chat_postMessage(channel=c, text="hi")) for c in expected}
    assert found == expected


async def test_a_persons_id_stands_for_their_dm(
    workspace: Workspace, client: AsyncWebClient, ada: str
) -> None:
    answer = await client.chat_postMessage(channel=ada, text="hello")
    assert answer["channel"] == workspace.dm(ada)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"text": "  "}, "no_text"),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"markdown_text": "x", "text": "y"}, "markdown_text_conflict"),
        ({"text": "x", "blocks": "not json"}, "invalid_blocks_format"),
        ({"text": "x", "thread_ts": "yesterday"}, "invalid_thread_ts"),
        ({"text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        (
            {"text": "x", "blocks": [section("x" * 2400)] * 5 + [section("x")]},
            "msg_blocks_too_long",
        ),
    ],
)
async def test_content_that_slack_refuses_is_refused(
    client: AsyncWebClient, general: str, content: Json, error: str
) -> None:
    assert await refused(client.chat_postMessage(channel=general, **content)) == error


@pytest.mark.parametrize(
    ("blocks", "where"),
    [
        ([section("x")] * 51, "/blocks"),
        ([section("x" * 3001)], "/blocks/0/text/text"),
        ([section("")], "/blocks/0/text/text"),
        ([{"type": "sparkle"}], "/blocks/0/type"),
        ([{"type": "actions", "elements": []}], "/blocks/0/elements"),
        (
            [{"type": "actions", "elements": [button("a", "x" * 76)]}],
            "/blocks/0/elements/0/text/text",
        ),
        ([{"type": "actions", "elements": [button("a" * 256)]}], "/blocks/0/elements/0/action_id"),
        ([{"type": "actions", "elements": [button("a"), button("a")]}], "/blocks/0/elements"),
        ([section("x", block_id="b"), section("y", block_id="b")], "/blocks"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "/blocks/0/text"),
    ],
)
async def test_a_faulty_block_is_pointed_at(
    client: AsyncWebClient, general: str, blocks: list[Json], where: str
) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=general, text="x", blocks=blocks)
    answer = caught.value.response
    assert answer["error"] == "invalid_blocks"
    (message,) = answer["response_metadata"]["messages"]
    assert message.endswith(f"[json-pointer:{where}]")


LABEL = {"type": "plain_text", "text": "x"}
SELECT = {"type": "static_select", "options": [{"text": LABEL, "value": "v"}], "max_length": 9}
BLOCKS = [
    section("x", block_id="b", fields=[LABEL], accessory=button("a")),
    {"type": "actions", "elements": [button("a")]},
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}]},
    {"type": "input", "label": LABEL, "element": SELECT},
]
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
JUNK = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=2), SCALARS)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key) inside a value."""
    keys = list(value) if isinstance(value, dict) else range(len(value) * isinstance(value, list))
    for key in keys:
        yield value, key
        yield from places(value[key]) if isinstance(value[key], dict | list) else ()


@given(blocks=st.permutations(BLOCKS).map(deepcopy), junk=JUNK, data=st.data())
def test_no_shape_of_blocks_is_too_odd_to_be_judged(
    blocks: list[Json], junk: object, data: st.DataObject
) -> None:
    container, key = data.draw(st.sampled_from(list(places(blocks))))
    container[key] = junk
    with suppress(ApiError):
        accepted = accept_message_blocks(blocks)
        assert [block["type"] for block in accepted] == [block["type"] for block in blocks]


async def test_fifty_good_blocks_are_taken_and_get_ids(
    workspace: Workspace, client: AsyncWebClient, general: str
) -> None:
    await client.chat_postMessage(channel=general, text="x", blocks=[section("y")] * 50)
    (message,) = workspace.messages(general)
    assert len({block["block_id"] for block in message.blocks}) == 50


async def test_text_over_forty_thousand_characters_is_cut_with_a_warning(
    client: AsyncWebClient, general: str
) -> None:
    answer = await client.chat_postMessage(channel=general, text="x" * 40_001)
    assert len(answer["message"]["text"]) == 40_000
    assert answer["warning"] == "message_truncated"


async def test_an_update_with_text_alone_takes_the_blocks_away(
    workspace: Workspace, client: AsyncWebClient, general: str
) -> None:
    posted = await client.chat_postMessage(channel=general, text="one", blocks=[section("one")])
    await client.chat_update(channel=general, ts=posted["ts"], text="two")
    (message,) = workspace.messages(general)
    assert (message.text, message.blocks) == ("two", [])
    assert message.edited


async def test_only_own_messages_can_be_changed(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    ts = await workspace.say(ada, general, "mine")
    update = client.chat_update(channel=general, ts=ts, text="yours")
    assert await refused(update) == "cant_update_message"
    assert await refused(client.chat_delete(channel=general, ts=ts)) == "cant_delete_message"


async def test_a_deleted_message_is_gone_for_every_method(
    workspace: Workspace, client: AsyncWebClient, general: str
) -> None:
    ts = (await client.chat_postMessage(channel=general, text="one"))["ts"]
    await client.chat_delete(channel=general, ts=ts)
    assert workspace.messages(general) == []
    gone = {
        await refused(client.chat_update(channel=general, ts=ts, text="two")),
        await refused(client.chat_delete(channel=general, ts=ts)),
        await refused(client.reactions_add(channel=general, timestamp=ts, name="repeat")),
    }
    assert gone == {"message_not_found"}


async def test_a_whisper_is_seen_by_one_person(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    ben = workspace.person("ben")
    await client.chat_postEphemeral(channel=general, user=ada, text="psst")
    assert [m.text for m in workspace.whispers(ada)] == ["psst"]
    assert workspace.messages(general) == []
    call = client.chat_postEphemeral(channel=general, user=ben, text="psst")
    assert await refused(call) == "user_not_in_channel"


async def test_a_whisper_below_a_message_without_replies_is_not_shown(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    root = await workspace.say(ada, general, "rain")
    whisper = partial(client.chat_postEphemeral, channel=general, user=ada, thread_ts=root)
    assert (await whisper(text="one"))["ok"]
    await workspace.say(ada, general, "snow", thread_ts=root)
    await whisper(text="two")
    assert [m.text for m in workspace.whispers(ada)] == ["two"]


# Streams


async def test_a_stream_grows_and_ends_with_blocks(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    root = (await client.chat_postMessage(channel=general, text="root"))["ts"]
    stream = await client.chat_stream(
        channel=general,
        thread_ts=root,
        recipient_team_id=workspace.team,
        recipient_user_id=ada,
        buffer_size=1,
    )
    seen = []
    for word in ("We ", "are ", "open."):
        await stream.append(markdown_text=word)
        reply = workspace.messages(general, root)[1]
        seen.append((reply.text, reply.streaming))
    await stream.stop(blocks=[{"type": "actions", "elements": [button("again")]}])
    assert seen == [("We ", True), ("We are ", True), ("We are open.", True)]
    assert not reply.streaming
    assert reply.blocks[0]["elements"][0]["action_id"] == "again"


@pytest.fixture
async def stream(workspace: Workspace, client: AsyncWebClient, ada: str, general: str) -> Json:
    root = (await client.chat_postMessage(channel=general, text="root"))["ts"]
    started = await client.chat_startStream(
        channel=general,
        thread_ts=root,
        recipient_team_id=workspace.team,
        recipient_user_id=ada,
    )
    return {"channel": general, "ts": started["ts"]}


async def test_a_running_stream_cannot_be_updated(client: AsyncWebClient, stream: Json) -> None:
    assert await refused(client.chat_update(**stream, text="x")) == "streaming_state_conflict"


async def test_a_stopped_stream_takes_no_more(client: AsyncWebClient, stream: Json) -> None:
    await client.chat_stopStream(**stream)
    appended = client.chat_appendStream(**stream, markdown_text="x")
    assert await refused(appended) == "message_not_in_streaming_state"
    assert await refused(client.chat_stopStream(**stream)) == "message_not_in_streaming_state"


async def test_a_stream_that_lived_too_long_can_only_be_updated(
    workspace: Workspace, client: AsyncWebClient, stream: Json
) -> None:
    workspace.state.stream_seconds = 0.0
    appended = client.chat_appendStream(**stream, markdown_text="x")
    assert await refused(appended) == "message_not_in_streaming_state"
    await client.chat_update(**stream, text="whole")
    assert workspace.messages(stream["channel"], stream["ts"])[0].text == "whole"


async def test_an_append_takes_twelve_thousand_characters_and_no_more(
    client: AsyncWebClient, stream: Json
) -> None:
    await client.chat_appendStream(**stream, markdown_text="x" * 12_000)
    longer = client.chat_appendStream(**stream, markdown_text="x" * 12_001)
    assert await refused(longer) == "msg_too_long"


async def test_a_stream_in_a_channel_names_its_reader_and_in_a_dm_need_not(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    root = (await client.chat_postMessage(channel=general, text="root"))["ts"]
    call = client.chat_startStream(channel=general, thread_ts=root)
    assert await refused(call) == "missing_recipient_team_id"
    dm = workspace.dm(ada)
    root = (await client.chat_postMessage(channel=dm, text="root"))["ts"]
    assert (await client.chat_startStream(channel=dm, thread_ts=root))["ok"]


# Conversations


async def test_history_is_newest_first_and_leaves_replies_in_their_threads(
    client: AsyncWebClient, general: str
) -> None:
    root = (await client.chat_postMessage(channel=general, text="one"))["ts"]
    await client.chat_postMessage(channel=general, text="two")
    await client.chat_postMessage(channel=general, text="reply", thread_ts=root)
    told = (await client.conversations_history(channel=general))["messages"]
    assert [m["text"] for m in told] == ["two", "one"]
    assert told[1]["reply_count"] == 1


async def test_pages_lead_through_the_whole_thread(client: AsyncWebClient, general: str) -> None:
    root = (await client.chat_postMessage(channel=general, text="0"))["ts"]
    for number in range(1, 6):
        await client.chat_postMessage(channel=general, text=str(number), thread_ts=root)
    texts = []
    pages = await client.conversations_replies(channel=general, ts=root, limit=4)
    async for page in pages:
        texts.append([m["text"] for m in page["messages"]])
    assert texts == [["0", "1", "2", "3"], ["4", "5"]]


async def test_metadata_is_read_back_only_when_asked_for(
    client: AsyncWebClient, general: str
) -> None:
    metadata = {"event_type": "draft", "event_payload": {"job": "7"}}
    root = (await client.chat_postMessage(channel=general, text="x", metadata=metadata))["ts"]
    plain = await client.conversations_replies(channel=general, ts=root)
    full = await client.conversations_replies(channel=general, ts=root, include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert full["messages"][0]["metadata"] == metadata


async def test_a_thread_outlives_its_deleted_root(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    root = await workspace.say(ada, general, "root")
    await client.chat_postMessage(channel=general, text="reply", thread_ts=root)
    await workspace.delete(ada, general, root)
    told = (await client.conversations_replies(channel=general, ts=root))["messages"]
    assert [m.get("subtype", m["text"]) for m in told] == ["tombstone", "reply"]


async def test_a_deleted_thread_is_not_found(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    root = await workspace.say(ada, general, "root")
    await workspace.delete(ada, general, root)
    assert (
        await refused(client.conversations_replies(channel=general, ts=root)) == "thread_not_found"
    )
    call = client.chat_postMessage(channel=general, text="reply", thread_ts=root)
    assert await refused(call) == "thread_not_found"


async def test_the_bot_joins_a_public_channel_and_no_private_one(
    workspace: Workspace, client: AsyncWebClient, ada: str
) -> None:
    public = workspace.channel("public", bot=False)
    secret = workspace.channel("secret", private=True, members=[ada], bot=False)
    assert await refused(client.conversations_history(channel=public)) == "not_in_channel"
    assert (await client.conversations_join(channel=public))["channel"]["is_member"]
    assert (await client.conversations_members(channel=public))["members"] == [workspace.bot_user]
    assert await refused(client.conversations_join(channel=secret)) == "channel_not_found"


async def test_people_are_told_apart(
    workspace: Workspace, client: AsyncWebClient, ada: str
) -> None:
    gus = workspace.person("gus", guest=True)
    olga = workspace.person("olga", outsider=True)
    users = [(await client.users_info(user=u))["user"] for u in (ada, gus, olga)]
    assert [u.get("is_restricted") for u in users] == [False, True, None]
    assert [u["team_id"] == workspace.team for u in users] == [True, True, False]
    assert users[2]["is_stranger"]
    shared = workspace.channel("shared", members=[ada, olga])
    assert not (await client.users_info(user=olga))["user"]["is_stranger"]
    info = await client.conversations_info(channel=shared)
    assert info["channel"]["is_ext_shared"]


async def test_guests_and_outsiders_see_only_the_channels_that_they_are_in(
    workspace: Workspace, ada: str, general: str
) -> None:
    for name in ("gus", "olga"):
        person = workspace.person(name, guest=name == "gus", outsider=name == "olga")
        with pytest.raises(ValueError, match=f"{name} is not in this channel"):
            await workspace.say(person, general, "hello")
        workspace.add_to(general, person)
        await workspace.say(person, general, "hello")
    await workspace.say(workspace.person("ben"), general, "hello")


async def test_who_has_no_account_any_more_is_told_apart_and_does_nothing(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    workspace.deactivate(ada)
    assert (await client.users_info(user=ada))["user"]["deleted"]
    assert ada not in (await client.conversations_members(channel=general))["members"]
    assert await refused(client.conversations_open(users=ada)) == "user_disabled"
    call = client.chat_postEphemeral(channel=general, user=ada, text="x")
    assert await refused(call) == "user_not_in_channel"
    with pytest.raises(ValueError, match="no account"):
        await workspace.say(ada, general, "hello")


async def test_a_language_is_told_when_asked_for(
    workspace: Workspace, client: AsyncWebClient
) -> None:
    bo = workspace.person("bo", locale="zh-CN")
    plain = (await client.users_info(user=bo))["user"]
    asked = (await client.users_info(user=bo, include_locale=True))["user"]
    assert (plain.get("locale"), asked["locale"]) == (None, "zh-CN")


async def test_a_dm_is_opened_once(workspace: Workspace, client: AsyncWebClient, ada: str) -> None:
    first = await client.conversations_open(users=ada)
    again = await client.conversations_open(users=[ada], return_im=True)
    assert (first.get("already_open"), again["already_open"]) == (None, True)
    assert first["channel"] == {"id": workspace.dm(ada)}
    assert (again["channel"]["id"], again["channel"]["user"]) == (workspace.dm(ada), ada)
    by_id = await client.conversations_open(channel=workspace.dm(ada))
    assert by_id["channel"]["id"] == workspace.dm(ada)


@pytest.mark.parametrize(
    ("users", "error"),
    [
        ("", "users_list_not_supplied"),
        ("U0NOBODY000", "user_not_found"),
        ("bot", "cannot_dm_bot"),
    ],
)
async def test_a_dm_is_of_a_person(
    workspace: Workspace, client: AsyncWebClient, users: str, error: str
) -> None:
    users = workspace.bot_user if users == "bot" else users
    assert await refused(client.conversations_open(users=users)) == error


async def test_a_link_leads_to_a_message_and_a_reply_within_its_thread(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    root = await workspace.say(ada, general, "root")
    reply = await workspace.say(ada, general, "reply", thread_ts=root)
    links = [
        (await client.chat_getPermalink(channel=general, message_ts=ts))["permalink"]
        for ts in (root, reply)
    ]
    place = f"/archives/{general}/p"
    assert links[0].endswith(place + root.replace(".", ""))
    thread = f"?thread_ts={root}&cid={general}"
    assert links[1].endswith(place + reply.replace(".", "") + thread)
    missing = client.chat_getPermalink(channel=general, message_ts="1.000001")
    assert await refused(missing) == "message_not_found"
    away = workspace.channel("away", bot=False)
    public = await client.chat_getPermalink(
        channel=away, message_ts=await workspace.say(ada, away, "x")
    )
    assert away in public["permalink"]


async def test_a_root_can_change_and_go_while_its_thread_stays(
    workspace: Workspace, client: AsyncWebClient, general: str
) -> None:
    root = (await client.chat_postMessage(channel=general, text="one"))["ts"]
    await client.chat_postMessage(channel=general, text="reply", thread_ts=root)
    await client.chat_update(channel=general, ts=root, text="two")
    told = (await client.conversations_replies(channel=general, ts=root))["messages"]
    assert [(m["text"], m.get("reply_count")) for m in told] == [("two", 1), ("reply", None)]
    await client.chat_delete(channel=general, ts=root)
    told = (await client.conversations_replies(channel=general, ts=root))["messages"]
    assert [m.get("subtype", m["text"]) for m in told] == ["tombstone", "reply"]
    assert (await client.chat_postMessage(channel=general, text="more", thread_ts=root))["ok"]


# Reactions


async def test_a_reaction_is_put_once_and_taken_once(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    ts = await workspace.say(ada, general, "hello")
    item = {"channel": general, "timestamp": ts, "name": "repeat"}
    await client.reactions_add(**item)
    assert await refused(client.reactions_add(**item)) == "already_reacted"
    await workspace.react(ada, general, ts, "repeat")
    told = (await client.reactions_get(channel=general, timestamp=ts))["message"]["reactions"]
    assert told == [{"name": "repeat", "users": [workspace.bot_user, ada], "count": 2}]
    await client.reactions_remove(**item)
    assert await refused(client.reactions_remove(**item)) == "no_reaction"
    assert workspace.messages(general)[0].reactions == {"repeat": [ada]}


async def test_a_reaction_needs_a_place_that_is_open(
    workspace: Workspace, client: AsyncWebClient, ada: str
) -> None:
    away, closed = workspace.channel("away", bot=False), workspace.channel("closed")
    places = {c: await workspace.say(ada, c, "x") for c in (away, closed)}
    workspace.archive(closed)
    found = [
        await refused(client.reactions_add(channel=c, timestamp=ts, name="eyes"))
        for c, ts in places.items()
    ]
    assert found == ["not_in_channel", "is_archived"]


async def test_a_reaction_needs_a_name(client: AsyncWebClient, general: str) -> None:
    ts = (await client.chat_postMessage(channel=general, text="x"))["ts"]
    call = client.reactions_add(channel=general, timestamp=ts, name="no such emoji")
    assert await refused(call) == "invalid_name"


async def test_a_reaction_has_the_name_that_slack_gives_it(
    workspace: Workspace, client: AsyncWebClient, general: str, ada: str
) -> None:
    ts = (await client.chat_postMessage(channel=general, text="x"))["ts"]
    await client.reactions_add(channel=general, timestamp=ts, name="thumbsup::skin-tone-3")
    await workspace.react(ada, general, ts, ":thumbsup:")
    await workspace.react(ada, general, ts, "+1")
    reactions = workspace.messages(general)[0].reactions
    assert reactions == {"+1::skin-tone-3": [workspace.bot_user], "+1": [ada]}


# Views


async def test_a_trigger_opens_one_modal_and_soon(
    workspace: Workspace, client: AsyncWebClient, ada: str
) -> None:
    trigger = workspace.state.new_trigger(ada)
    await client.views_open(trigger_id=trigger, view=modal(callback_id="draft"))
    assert [v.callback_id for v in workspace.views(ada)] == ["draft"]
    again = client.views_open(trigger_id=trigger, view=modal())
    assert await refused(again) == "exchanged_trigger_id"
    late = workspace.state.new_trigger(ada)
    workspace.state.triggers[late].expires = time.monotonic()
    assert await refused(client.views_open(trigger_id=late, view=modal())) == "expired_trigger_id"
    assert (
        await refused(client.views_open(trigger_id="1.2.3", view=modal())) == "invalid_trigger_id"
    )


@pytest.mark.parametrize(
    "fault",
    [
        {"title": {"type": "plain_text", "text": "x" * 25}},
        {"private_metadata": "x" * 3001},
        {"blocks": [section("x")] * 101},
        {"type": "window"},
    ],
)
async def test_a_faulty_view_is_refused(
    workspace: Workspace, client: AsyncWebClient, ada: str, fault: Json
) -> None:
    call = client.views_open(trigger_id=workspace.state.new_trigger(ada), view=modal(**fault))
    assert await refused(call) == "invalid_arguments"


async def test_views_stack_three_deep(
    workspace: Workspace, client: AsyncWebClient, ada: str
) -> None:
    opened = await client.views_open(trigger_id=workspace.state.new_trigger(ada), view=modal())
    view_id = opened["view"]["id"]
    for _ in range(2):
        trigger = workspace.state.new_trigger(ada, view=view_id)
        pushed = await client.views_push(trigger_id=trigger, view=modal())
    assert pushed["view"]["root_view_id"] == view_id
    trigger = workspace.state.new_trigger(ada, view=view_id)
    assert (
        await refused(client.views_push(trigger_id=trigger, view=modal())) == "push_limit_reached"
    )


async def test_an_update_of_an_old_view_is_a_conflict(
    workspace: Workspace, client: AsyncWebClient, ada: str
) -> None:
    opened = await client.views_open(trigger_id=workspace.state.new_trigger(ada), view=modal())
    view = opened["view"]
    await client.views_update(view_id=view["id"], hash=view["hash"], view=modal(callback_id="b"))
    again = client.views_update(view_id=view["id"], hash=view["hash"], view=modal())
    assert await refused(again) == "hash_conflict"
    assert workspace.views(ada)[0].callback_id == "b"


# Limits and faults


@pytest.fixture
async def limited() -> AsyncIterator[tuple[Workspace, AsyncWebClient]]:
    """Yield a workspace with Slack's own limits, and a client."""
    async with Workspace() as workspace:
        yield workspace, AsyncWebClient(workspace.bot_token, base_url=f"{workspace.url}/api/")


async def test_posts_are_limited_for_each_channel(
    limited: tuple[Workspace, AsyncWebClient],
) -> None:
    workspace, client = limited
    one, two = workspace.channel("one"), workspace.channel("two")
    for _ in range(3):
        await client.chat_postMessage(channel=one, text="x")
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=one, text="x")
    answer = caught.value.response
    assert (answer.status_code, answer["error"]) == (429, "ratelimited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 3
    assert (await client.chat_postMessage(channel=two, text="x"))["ok"]
    assert [c.error for c in workspace.calls] == [None, None, None, "ratelimited", None]


async def test_updates_are_limited_for_the_whole_workspace(
    limited: tuple[Workspace, AsyncWebClient],
) -> None:
    workspace, client = limited
    channels = [workspace.channel("one"), workspace.channel("two")]
    posts = [(c, (await client.chat_postMessage(channel=c, text="x"))["ts"]) for c in channels]
    for number in range(50):
        channel, ts = posts[number % 2]
        await client.chat_update(channel=channel, ts=ts, text=str(number))
    assert await refused(client.chat_update(channel=channel, ts=ts, text="x")) == "ratelimited"


async def test_limits_can_be_set() -> None:
    async with Workspace(limits={"auth.test": RateLimit(1)}) as workspace:
        client = AsyncWebClient(workspace.bot_token, base_url=f"{workspace.url}/api/")
        await client.auth_test()
        assert await refused(client.auth_test()) == "ratelimited"


async def test_a_call_fails_as_often_as_asked_for(
    workspace: Workspace, client: AsyncWebClient, general: str
) -> None:
    workspace.fail("chat.postMessage", error="fatal_error", times=2)
    for _ in range(2):
        call = client.chat_postMessage(channel=general, text="x")
        assert await refused(call) == "fatal_error"
    await client.chat_postMessage(channel=general, text="x")
    assert len(workspace.messages(general)) == 1


@pytest.mark.parametrize(
    ("fault", "status"), [({"status": 503}, 503), ({"retry_after": 7}, 429)], ids=str
)
async def test_a_call_can_fail_in_http(
    workspace: Workspace, client: AsyncWebClient, general: str, fault: Json, status: int
) -> None:
    workspace.fail("*", **fault)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=general, text="x")
    assert caught.value.response.status_code == status
    assert caught.value.response.headers.get("Retry-After") == ("7" if status == 429 else None)
    assert workspace.messages(general) == []


@pytest.mark.parametrize(("drop", "posted"), [("before", 0), ("after", 1)])
async def test_a_connection_drops_before_or_after_the_effect(
    workspace: Workspace, client: AsyncWebClient, general: str, drop: Drop, posted: int
) -> None:
    workspace.fail("chat.postMessage", drop=drop)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.chat_postMessage(channel=general, text="x")
    assert len(workspace.messages(general)) == posted
    assert workspace.calls[-1].error == f"dropped_{drop}"


async def test_waiting_in_vain_shows_what_the_workspace_holds(
    workspace: Workspace, ada: str, general: str
) -> None:
    await workspace.say(ada, general, "hello there")
    with pytest.raises(TimeoutError, match=r"(?s)#general.*ada: 'hello there'"):
        await workspace.until(lambda: False, timeout=0.05)


# Alone


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "could not be read"),
        ("[]", "not a JSON object"),
        ("{", "no app's manifest"),
        ('{"features": {"shortcuts": [{}]}}', "needs a name"),
    ],
)
def test_a_manifest_that_cannot_be_taken_is_said_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    says: str,
) -> None:
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_text(content)
    monkeypatch.setattr(sys, "argv", ["workspace", "--manifest", str(path)])
    with pytest.raises(SystemExit):
        main()
    assert says in capsys.readouterr().err


async def test_started_alone_it_prints_what_a_bot_needs() -> None:
    command = (sys.executable, "-m", "bot.workspace")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        lines = [(await process.stdout.readline()).decode().strip() for _ in range(4)]
        environment = dict(line.split("=", 1) for line in lines[1:])
        assert environment["SLACK_API_URL"].startswith("http://127.0.0.1:")
        client = AsyncWebClient(
            environment["SLACK_BOT_TOKEN"], base_url=environment["SLACK_API_URL"]
        )
        assert (await client.auth_test())["ok"]
        assert (await client.apps_connections_open(app_token=environment["SLACK_APP_TOKEN"]))["ok"]
    finally:
        process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_an_admin_and_whoever_made_a_channel_are_known_as_such(
    workspace: Workspace, client: AsyncWebClient, ada: str
) -> None:
    chief = workspace.person("chief", admin=True)
    told = [(await client.users_info(user=user))["user"]["is_admin"] for user in (chief, ada)]
    assert told == [True, False]
    made, found = workspace.channel("plans", creator=ada), workspace.channel("old")
    infos = [await client.conversations_info(channel=each) for each in (made, found)]
    assert [info["channel"]["creator"] for info in infos] == [ada, ""]
    assert ada in workspace.state.channels[made].members
