"""The app's DM: its home tab, the messages beside it, and chats in the assistant's pane."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_bolt.async_app import (
    AsyncApp,
    AsyncAssistant,
    AsyncGetThreadContext,
    AsyncSay,
    AsyncSetStatus,
    AsyncSetSuggestedPrompts,
    AsyncSetTitle,
)
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Pane, ThreadStatus, Workspace
from bot.workspace.objects import Json
from tests.bot.bolt_app import StartApp, refused

PROMPTS = [{"title": f"Prompt {n}", "message": f"Write text {n}"} for n in range(1, 6)]
HOME = {
    "type": "home",
    "blocks": [
        {"type": "section", "text": {"type": "mrkdwn", "text": "Yours"}},
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "action_id": "begin",
                    "text": {"type": "plain_text", "text": "Begin"},
                }
            ],
        },
    ],
}


@pytest.fixture
def bolt(client: AsyncWebClient, workspace: Workspace) -> AsyncApp:
    """Return an app that also receives its own messages."""
    secret = workspace.signing_secret
    return AsyncApp(client=client, signing_secret=secret, ignoring_self_events_enabled=False)


@pytest.fixture
def heard(bolt: AsyncApp) -> list[Json]:
    """Return the list of what the app receives, in order."""
    events: list[Json] = []

    @bolt.use
    async def hear(body: Json, next: Callable[[], Awaitable[None]]) -> None:
        events.append(body.get("event", body))
        await next()

    for name in ("started", "context_changed"):
        bolt.event(f"assistant_thread_{name}")(nothing)
    for name in ("message", "app_home_opened"):
        bolt.event(name)(nothing)
    return events


async def nothing() -> None:
    return


# The home


async def test_the_home_tab_brings_the_view_that_was_published(
    workspace: Workspace, client: AsyncWebClient, heard: list[Json], connect: StartApp, ada: str
) -> None:
    await connect()
    await workspace.open_home(ada)
    published = await client.views_publish(user_id=ada, view=HOME)
    await workspace.open_home(ada)
    await workspace.open_home(ada, "messages")
    assert [event["tab"] for event in heard] == ["home", "home", "messages"]
    views = [event.get("view", {}).get("id") for event in heard]
    assert views == [None, published["view"]["id"], None]
    assert {event["channel"] for event in heard} == {workspace.dm(ada)}


async def test_a_button_of_the_home_can_open_a_modal(
    workspace: Workspace, bolt: AsyncApp, client: AsyncWebClient, connect: StartApp, ada: str
) -> None:
    @bolt.action("begin")
    async def begin(ack: Any, body: Any) -> None:
        await ack()
        modal = HOME | {"type": "modal", "title": {"type": "plain_text", "text": "New"}}
        await client.views_open(trigger_id=body["trigger_id"], view=modal)

    await connect()
    await client.views_publish(user_id=ada, view=HOME)
    home = workspace.home(ada)
    assert home is not None
    assert await workspace.click_in_view(ada, home.id, "begin")
    await workspace.until(lambda: workspace.views(ada))


@pytest.mark.parametrize("enabled", [True, False])
async def test_a_home_is_published_only_where_the_manifest_has_one(enabled: bool) -> None:
    manifest = {"features": {"app_home": {"home_tab_enabled": enabled}}}
    async with Workspace(manifest=manifest) as workspace:
        client = AsyncWebClient(workspace.bot_token, base_url=f"{workspace.url}/api/")
        call = client.views_publish(user_id=workspace.person("ada"), view=HOME)
        if enabled:
            assert (await call)["ok"]
        else:
            assert await refused(call) == "not_enabled"


# The assistant's pane


@pytest.fixture
async def chat(workspace: Workspace, ada: str) -> dict[str, str]:
    ts = await workspace.open_assistant(ada)
    return {"channel_id": workspace.dm(ada), "thread_ts": ts}


def pane(workspace: Workspace, chat: dict[str, str]) -> Pane:
    found = workspace.messages(chat["channel_id"], chat["thread_ts"])[0].pane
    assert found is not None
    return found


async def test_bolts_own_assistant_is_at_home_in_a_chat(
    workspace: Workspace, bolt: AsyncApp, connect: StartApp, ada: str, general: str
) -> None:
    assistant = AsyncAssistant()
    contexts = []

    @assistant.thread_started
    async def started(
        set_title: AsyncSetTitle,
        set_suggested_prompts: AsyncSetSuggestedPrompts,
        get_thread_context: AsyncGetThreadContext,
    ) -> None:
        context = await get_thread_context()
        assert context is not None
        contexts.append(context["channel_id"])
        await set_title("A new text")
        await set_suggested_prompts(prompts=PROMPTS[:4], title="Try one")

    @assistant.user_message
    async def message(payload: Json, set_status: AsyncSetStatus, say: AsyncSay) -> None:
        await set_status("is writing ...")
        await say(f"You said: {payload['text']}")

    bolt.use(assistant)
    await connect()
    ts = await workspace.open_assistant(ada, general)
    dm = workspace.dm(ada)
    opened = pane(workspace, {"channel_id": dm, "thread_ts": ts})
    await workspace.until(lambda: opened.prompts)
    assert contexts == [general]
    assert (opened.title, opened.prompts_title) == ("A new text", "Try one")
    assert opened.prompts == PROMPTS[:4]
    await workspace.say(ada, dm, "tea", thread_ts=ts)
    await workspace.until(lambda: len(workspace.messages(dm, ts)) == 3)
    assert workspace.messages(dm, ts)[2].text == "You said: tea"
    assert workspace.status(dm, ts) is None


async def test_a_chat_is_told_of_with_where_the_person_looks(
    workspace: Workspace, heard: list[Json], connect: StartApp, ada: str, general: str
) -> None:
    await connect()
    ts = await workspace.open_assistant(ada)
    await workspace.look_at(ada, ts, general)
    started, changed = heard
    assert [e["type"].removeprefix("assistant_thread_") for e in heard] == [
        "started",
        "context_changed",
    ]
    thread = {"user_id": ada, "channel_id": workspace.dm(ada), "thread_ts": ts}
    assert started["assistant_thread"] == thread | {"context": {}}
    context = {"channel_id": general, "team_id": workspace.team, "enterprise_id": None}
    assert changed["assistant_thread"] == thread | {"context": context}


async def test_without_its_scope_no_chat_is_told_of(
    workspace: Workspace, heard: list[Json], connect: StartApp, client: AsyncWebClient, ada: str
) -> None:
    await connect()
    workspace.revoke("assistant:write")
    ts = await workspace.open_assistant(ada)
    assert heard == []
    call = client.assistant_threads_setTitle(
        channel_id=workspace.dm(ada), thread_ts=ts, title="Tea"
    )
    assert await refused(call) == "missing_scope"


async def test_a_title_changes_the_root(
    workspace: Workspace, client: AsyncWebClient, heard: list[Json], connect: StartApp, ada: str
) -> None:
    await connect()
    chat = {"channel_id": workspace.dm(ada), "thread_ts": await workspace.open_assistant(ada)}
    await client.assistant_threads_setTitle(**chat, title="Tea & cake")
    assert pane(workspace, chat).title == "Tea & cake"
    await workspace.until(lambda: len(heard) == 2)
    assert heard[1]["subtype"] == "message_changed"
    assert heard[1]["message"]["assistant_app_thread"]["title"] == "Tea & cake"
    assert heard[1]["previous_message"]["assistant_app_thread"]["title"] == ""


@pytest.mark.parametrize(
    "prompts", [PROMPTS, [], [{"title": "no message"}], [{"message": "no title"}]]
)
async def test_one_to_four_whole_prompts_are_taken(
    workspace: Workspace, client: AsyncWebClient, chat: Json, prompts: list[Json]
) -> None:
    call = client.assistant_threads_setSuggestedPrompts(**chat, prompts=prompts)
    assert await refused(call) == "invalid_arguments"
    assert pane(workspace, chat).prompts == []


async def test_prompts_without_a_thread_are_for_the_newest_chat(
    workspace: Workspace, client: AsyncWebClient, chat: Json, ada: str
) -> None:
    newer = await workspace.open_assistant(ada)
    dm = chat["channel_id"]
    await client.assistant_threads_setSuggestedPrompts(channel_id=dm, prompts=PROMPTS[:1])
    assert pane(workspace, chat | {"thread_ts": newer}).prompts == PROMPTS[:1]
    assert pane(workspace, chat).prompts == []


async def test_a_thread_that_is_no_chat_takes_a_status_and_no_title(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    root = await workspace.say(ada, general, "root")
    place = {"channel_id": general, "thread_ts": root}
    await client.assistant_threads_setStatus(
        **place, status="is writing ...", loading_messages=["Thinking", "Still thinking"]
    )
    status = ThreadStatus("is writing ...", ("Thinking", "Still thinking"))
    assert workspace.status(general, root) == status
    await workspace.open_assistant(ada)
    dm = workspace.dm(ada)
    other = await workspace.say(ada, dm, "x")
    for no_chat in (place, {"channel_id": dm, "thread_ts": other}):
        call = client.assistant_threads_setTitle(**no_chat, title="Tea")
        assert await refused(call) == "invalid_thread_ts"
    with pytest.raises(ValueError, match="no chat"):
        await workspace.look_at(ada, other, general)


@pytest.mark.parametrize("loading", [["x"] * 11, "not a list", [1]])
async def test_loading_messages_are_at_most_ten_strings(
    client: AsyncWebClient, chat: Json, loading: Any
) -> None:
    call = client.assistant_threads_setStatus(**chat, status="x", loading_messages=loading)
    assert await refused(call) == "invalid_arguments"


async def test_an_app_without_the_pane_has_no_chats() -> None:
    async with Workspace(manifest={"features": {}}) as workspace:
        with pytest.raises(ValueError, match="assistant_view"):
            await workspace.open_assistant(workspace.person("ada"))
