"""What a real Bolt app receives from the workspace, by Socket Mode and by signed HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.http_server import serve_http
from bot.workspace import Workspace
from bot.workspace.features import features_of
from bot.workspace.objects import Json
from tests.bot.bolt_app import StartApp


@pytest.fixture
def bolt(client: AsyncWebClient, workspace: Workspace) -> AsyncApp:
    """Return an app that also receives its own messages."""
    secret = workspace.signing_secret
    return AsyncApp(client=client, signing_secret=secret, ignoring_self_events_enabled=False)


@pytest.fixture
def heard(bolt: AsyncApp) -> list[Json]:
    """Return the list of outer events that the app receives, in order."""
    events: list[Json] = []

    @bolt.use
    async def hear(body: Json, next: Callable[[], Awaitable[None]]) -> None:
        if body.get("type") == "event_callback":
            events.append(body)
        await next()

    return events


@pytest.fixture
async def serve(workspace: Workspace, bolt: AsyncApp) -> AsyncIterator[StartApp]:
    """Yield a function that serves the Bolt app over HTTP."""
    async with AsyncExitStack() as stack:

        async def served() -> None:
            serving = serve_http(bolt.web_app(path="/slack/events"), "127.0.0.1", 0)
            workspace.events_url = f"{await stack.enter_async_context(serving)}/slack/events"

        yield served


@pytest.fixture(params=["socket", "http"])
def start(request: pytest.FixtureRequest) -> StartApp:
    """Return a function that starts the app, first by Socket Mode, then by HTTP."""
    started: StartApp = request.getfixturevalue("connect" if request.param == "socket" else "serve")
    return started


def everything(bolt: AsyncApp) -> None:
    """Add a listener for each kind of event, so that all are acked."""
    for name in ("message", "app_mention", "reaction_added", "reaction_removed"):
        bolt.event(name)(nothing)
    bolt.event("member_joined_channel")(nothing)
    bolt.event("app_home_opened")(nothing)


async def nothing() -> None:
    return


def kinds(heard: list[Json]) -> list[str]:
    return [body["event"]["type"] for body in heard]


# Commands


async def test_a_command_arrives_whole_and_its_ack_is_shown(
    workspace: Workspace, bolt: AsyncApp, start: StartApp, ada: str, general: str
) -> None:
    got = {}

    @bolt.command("/draft")
    async def draft(ack: AsyncAck, command: Json, respond: AsyncRespond) -> None:
        got.update(command)
        await ack("on it")
        await respond("done")

    await start()
    ack = await workspace.command(ada, general, "/draft", "tea & <cake>")
    assert (ack.ok, ack.text) == (True, "on it")
    assert (got["user_id"], got["channel_id"]) == (ada, general)
    assert got["text"] == "tea &amp; &lt;cake&gt;"
    await workspace.until(lambda: len(workspace.whispers(ada)) == 2)
    assert {m.text for m in workspace.whispers(ada)} == {"on it", "done"}


async def test_a_command_without_an_app_fails_as_the_person_sees(
    workspace: Workspace, ada: str, general: str
) -> None:
    ack = await workspace.command(ada, general, "/draft", "x")
    assert (ack.ok, ack.text) == (False, '/draft failed with the error "dispatch_failed"')
    assert [m.text for m in workspace.whispers(ada)] == [ack.text]


async def test_a_command_that_is_not_acked_in_time_fails(
    bolt: AsyncApp, start: StartApp, workspace: Workspace, ada: str, general: str
) -> None:
    workspace.state.ack_seconds = 0.05

    @bolt.command("/draft")
    async def draft(ack: AsyncAck) -> None:
        await asyncio.sleep(0.2)
        await ack()

    await start()
    ack = await workspace.command(ada, general, "/draft", "x")
    assert (ack.ok, ack.text) == (False, '/draft failed with the error "operation_timeout"')


async def test_a_response_url_serves_five_times(
    workspace: Workspace, bolt: AsyncApp, connect: StartApp, ada: str, general: str
) -> None:
    urls = []

    @bolt.command("/draft")
    async def draft(ack: AsyncAck, command: Json) -> None:
        await ack()
        urls.append(command["response_url"])

    await connect()
    await workspace.command(ada, general, "/draft", "x")
    async with aiohttp.ClientSession() as session:
        answers = []
        for number in range(6):
            async with session.post(urls[0], json={"text": str(number)}) as response:
                answers.append((response.status, await response.text()))
    assert answers == [(200, "ok")] * 5 + [(404, "used_url")]
    assert [m.text for m in workspace.whispers(ada)] == ["0", "1", "2", "3", "4"]


async def test_an_answer_in_channel_is_for_everybody(
    workspace: Workspace, bolt: AsyncApp, start: StartApp, ada: str, general: str
) -> None:
    @bolt.command("/draft")
    async def draft(ack: AsyncAck) -> None:
        await ack(text="look", response_type="in_channel")

    await start()
    await workspace.command(ada, general, "/draft", "x")
    assert [m.text for m in workspace.messages(general)] == ["look"]
    assert workspace.whispers(ada) == []


# Events


async def test_typed_text_arrives_as_slack_writes_it(
    workspace: Workspace, bolt: AsyncApp, heard: list[Json], start: StartApp, ada: str, general: str
) -> None:
    everything(bolt)
    await start()
    await workspace.say(ada, general, "@draftsmith 1 < 2 & see https://example.com, @here #general")
    assert kinds(heard) == ["message", "app_mention"]
    bot = workspace.bot_user
    written = f"<@{bot}> 1 &lt; 2 &amp; see <https://example.com>, <!here> <#{general}|general>"
    assert heard[0]["event"]["text"] == written
    assert heard[0]["event"]["channel_type"] == "channel"
    assert heard[0]["authorizations"][0]["user_id"] == bot


async def test_control_markup_that_a_person_types_is_only_text(
    workspace: Workspace, ada: str, general: str
) -> None:
    ts = await workspace.say(ada, general, "<!channel> <@U0STRANGER1>")
    (message,) = workspace.messages(general)
    assert message.ts == ts
    assert message.text == "&lt;!channel&gt; &lt;@U0STRANGER1&gt;"


async def test_a_thread_reply_names_its_root(
    workspace: Workspace, bolt: AsyncApp, heard: list[Json], start: StartApp, ada: str, general: str
) -> None:
    everything(bolt)
    await start()
    root = await workspace.say(ada, general, "root")
    await workspace.say(ada, general, "reply", thread_ts=root)
    assert [body["event"].get("thread_ts") for body in heard] == [None, root]


async def test_reactions_tell_whose_message_it_was(
    workspace: Workspace, bolt: AsyncApp, heard: list[Json], start: StartApp, ada: str, general: str
) -> None:
    everything(bolt)
    await start()
    posted = await bolt.client.chat_postMessage(channel=general, text="draft")
    await workspace.react(ada, general, posted["ts"], ":repeat:")
    await workspace.unreact(ada, general, posted["ts"], "repeat")
    added, removed = (body["event"] for body in heard[1:])
    item = {"type": "message", "channel": general, "ts": posted["ts"]}
    assert (added["type"], removed["type"]) == ("reaction_added", "reaction_removed")
    assert (added["user"], added["reaction"], added["item"]) == (ada, "repeat", item)
    assert added["item_user"] == workspace.bot_user
    assert "thread_ts" not in added["item"]


async def test_the_bot_hears_of_its_own_messages(
    workspace: Workspace, bolt: AsyncApp, heard: list[Json], start: StartApp, general: str
) -> None:
    everything(bolt)
    await start()
    ts = (await bolt.client.chat_postMessage(channel=general, text="one"))["ts"]
    await bolt.client.chat_update(channel=general, ts=ts, text="two")
    await bolt.client.chat_delete(channel=general, ts=ts)
    await workspace.until(lambda: len(heard) == 3)
    events = [body["event"] for body in heard]
    subtypes = [event.get("subtype") for event in events]
    assert subtypes == [None, "message_changed", "message_deleted"]
    assert events[0]["bot_id"]
    assert (events[1]["previous_message"]["text"], events[1]["message"]["text"]) == ("one", "two")
    assert events[2]["deleted_ts"] == ts


async def test_nothing_is_heard_from_where_the_bot_is_not(
    workspace: Workspace, bolt: AsyncApp, heard: list[Json], start: StartApp, ada: str
) -> None:
    everything(bolt)
    await start()
    away = workspace.channel("away", bot=False)
    theirs = workspace.dm(ada, workspace.person("ben"))
    await workspace.say(ada, away, "hello @draftsmith")
    await workspace.say(ada, theirs, "hello")
    await workspace.invite(away)
    await workspace.say(ada, away, "hello again")
    assert kinds(heard) == ["member_joined_channel", "message"]
    assert heard[0]["event"]["user"] == workspace.bot_user


async def test_without_its_scope_an_event_is_not_told(
    workspace: Workspace, bolt: AsyncApp, heard: list[Json], start: StartApp, ada: str, general: str
) -> None:
    everything(bolt)
    await start()
    workspace.revoke("reactions:read")
    ts = await workspace.say(ada, general, "hello")
    await workspace.react(ada, general, ts, "eyes")
    assert kinds(heard) == ["message"]


async def test_what_the_manifest_does_not_ask_for_is_not_told(
    workspace: Workspace, bolt: AsyncApp, heard: list[Json], start: StartApp, ada: str, general: str
) -> None:
    everything(bolt)
    await start()
    asked = {"event_subscriptions": {"bot_events": ["message.im", "reaction_added"]}}
    workspace.state.features = features_of({"settings": asked})
    ts = await workspace.say(ada, general, "@draftsmith hello")
    await workspace.react(ada, general, ts, "eyes")
    await workspace.unreact(ada, general, ts, "eyes")
    await workspace.say(ada, workspace.dm(ada), "hello")
    assert kinds(heard) == ["reaction_added", "message"]
    assert heard[1]["event"]["channel_type"] == "im"


async def test_a_dm_with_the_bot_is_an_im(
    workspace: Workspace, bolt: AsyncApp, heard: list[Json], start: StartApp, ada: str
) -> None:
    everything(bolt)
    await start()
    await workspace.say(ada, workspace.dm(ada), "hello")
    await workspace.open_home(ada)
    assert [body["event"].get("channel_type") for body in heard] == ["im", None]
    assert kinds(heard)[1] == "app_home_opened"


async def test_an_event_comes_again_until_it_is_acked(
    workspace: Workspace, bolt: AsyncApp, start: StartApp, ada: str, general: str
) -> None:
    tries = []

    @bolt.use
    async def slow(req: AsyncBoltRequest, next: Callable[[], Awaitable[None]]) -> None:
        tries.append(req.headers.get("x-slack-retry-num"))
        if len(tries) < 3:
            await asyncio.sleep(0.3)
        await next()

    everything(bolt)
    workspace.state.ack_seconds = 0.1
    await start()
    await workspace.say(ada, general, "hello")
    await workspace.until(lambda: len(tries) == 3)
    numbers = [number and number[0] for number in tries]
    assert numbers[1:] == ["1", "2"]
    assert numbers[0] in (None, "0")


async def test_an_event_that_nobody_acks_comes_four_times(
    workspace: Workspace, bolt: AsyncApp, heard: list[Json], start: StartApp, general: str
) -> None:
    workspace.state.ack_seconds = 0.1
    await start()
    assert not await workspace.deliver({"type": "message", "channel": general, "text": "x"})
    await workspace.until(lambda: len(heard) == 4)
    assert len({body["event_id"] for body in heard}) == 1
    await workspace.until(lambda: workspace.settled)
    assert len(heard) == 4


async def test_an_event_can_be_delivered_as_often_as_one_likes(
    workspace: Workspace, bolt: AsyncApp, heard: list[Json], start: StartApp
) -> None:
    everything(bolt)
    await start()
    for _ in range(3):
        assert await workspace.deliver({"type": "reaction_added"}, event_id="Ev1")
    assert [body["event_id"] for body in heard] == ["Ev1"] * 3


# Shortcuts


async def test_a_global_shortcut_opens_a_modal_for_where_the_person_is(
    workspace: Workspace, bolt: AsyncApp, start: StartApp, ada: str, general: str
) -> None:
    got = {}

    @bolt.shortcut("draft")
    async def draft(ack: AsyncAck, shortcut: Json, client: AsyncWebClient) -> None:
        got.update(shortcut)
        await client.views_open(trigger_id=shortcut["trigger_id"], view=form())
        await ack()

    await start()
    assert await workspace.shortcut(ada, "draft", channel=general)
    assert (got["type"], got["callback_id"], got["user"]["id"]) == ("shortcut", "draft", ada)
    assert not {"channel", "response_url", "message"} & set(got)
    (view,) = workspace.views(ada)
    assert view.channel == general


async def test_a_message_shortcut_brings_the_message_and_can_be_answered(
    workspace: Workspace, bolt: AsyncApp, start: StartApp, ada: str
) -> None:
    got = {}

    @bolt.shortcut("from_message")
    async def draft(ack: AsyncAck, shortcut: Json, respond: AsyncRespond) -> None:
        await ack()
        got.update(shortcut)
        await respond("I read it.")

    await start()
    away = workspace.channel("away", bot=False)
    ts = await workspace.say(ada, away, "we open & dance")
    assert await workspace.message_shortcut(ada, away, ts, "from_message")
    assert (got["type"], got["callback_id"]) == ("message_action", "from_message")
    assert (got["channel"], got["message_ts"]) == ({"id": away, "name": "away"}, ts)
    assert (got["message"]["text"], got["message"]["user"]) == ("we open &amp; dance", ada)
    await workspace.until(lambda: workspace.whispers(ada))
    assert [m.text for m in workspace.whispers(ada)] == ["I read it."]


async def test_a_shortcut_that_nobody_takes_is_not_acked(
    workspace: Workspace, start: StartApp, ada: str, general: str
) -> None:
    workspace.state.ack_seconds = 0.1
    await start()
    assert not await workspace.shortcut(ada, "draft")
    ts = await workspace.say(ada, general, "x")
    assert not await workspace.message_shortcut(ada, general, ts, "draft")


async def test_only_shortcuts_of_the_manifest_are_there() -> None:
    entry = {"name": "New draft", "type": "global", "callback_id": "draft", "description": "x"}
    async with Workspace(manifest={"features": {"shortcuts": [entry]}}) as workspace:
        ada = workspace.person("ada")
        assert not await workspace.shortcut(ada, "draft")
        with pytest.raises(ValueError, match="no global shortcut 'erase', only"):
            await workspace.shortcut(ada, "erase")


# Clicks and modals


async def test_a_click_reaches_the_app_and_can_change_the_message(
    workspace: Workspace, bolt: AsyncApp, start: StartApp, ada: str, general: str
) -> None:
    got = []

    @bolt.action("again")
    async def again(ack: AsyncAck, body: Json, action: Json, respond: AsyncRespond) -> None:
        await ack()
        got.append((action["value"], body["container"]["message_ts"], body["user"]["id"]))
        await respond(text="changed", replace_original=True)

    @bolt.command("/draft")
    async def draft(ack: AsyncAck) -> None:
        label = {"type": "plain_text", "text": "Again"}
        row = [{"type": "button", "action_id": "again", "text": label, "value": "7"}]
        await ack(text="x", blocks=[{"type": "actions", "elements": row}])

    bolt.event("message")(nothing)
    await start()
    await workspace.command(ada, general, "/draft", "x")
    (whisper,) = workspace.whispers(ada)
    assert await workspace.click(ada, general, whisper.ts, "again")
    await workspace.until(lambda: whisper.text == "changed")
    assert got == [("7", whisper.ts, ada)]
    with pytest.raises(ValueError, match="no button"):
        await workspace.click(ada, general, whisper.ts, "again")


@pytest.mark.parametrize("start", ["socket"], indirect=True)
async def test_buttons_with_one_name_are_told_apart_by_value_or_block(
    workspace: Workspace,
    bolt: AsyncApp,
    client: AsyncWebClient,
    start: StartApp,
    ada: str,
    general: str,
) -> None:
    got = []

    @bolt.action("open")
    async def opened(ack: AsyncAck, action: Json) -> None:
        await ack()
        got.append((action["block_id"], action["value"]))

    bolt.event("message")(nothing)
    await start()
    label = {"type": "plain_text", "text": "Open"}
    button = {"type": "button", "action_id": "open", "text": label}
    rows = [
        {"type": "actions", "block_id": f"row{v}", "elements": [button | {"value": v}]}
        for v in "123"
    ]
    ts = (await client.chat_postMessage(channel=general, text="x", blocks=rows))["ts"]
    assert await workspace.click(ada, general, ts, "open", value="2")
    assert await workspace.click(ada, general, ts, "open", block_id="row3")
    assert await workspace.click(ada, general, ts, "open")
    assert got == [("row2", "2"), ("row3", "3"), ("row1", "1")]


NUMBER = {"type": "number_input", "is_decimal_allowed": False}


def form() -> Json:
    def label(text: str) -> dict[str, str]:
        return {"type": "plain_text", "text": text}

    def row(block_id: str, element: Json, **extra: object) -> Json:
        element |= {"action_id": "value"}
        named = {"type": "input", "block_id": block_id, "label": label(block_id)}
        return named | {"element": element} | extra

    options = [{"text": label("Blog"), "value": "blog"}, {"text": label("Mail"), "value": "mail"}]
    return {
        "type": "modal",
        "callback_id": "draft",
        "private_metadata": "kept",
        "title": label("New draft"),
        "submit": label("Draft"),
        "blocks": [
            row("what", {"type": "plain_text_input", "multiline": True}),
            row("kind", {"type": "static_select", "options": options}, optional=True),
            row("flags", {"type": "checkboxes", "options": options}, optional=True),
            row("count", NUMBER | {"max_value": "5", "initial_value": "2"}),
        ],
    }


@pytest.fixture
async def modal(workspace: Workspace, bolt: AsyncApp, start: Any, ada: str, general: str) -> str:
    """Return the id of a modal that a command has opened."""

    @bolt.command("/draft")
    async def draft(ack: Any, command: Any, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=command["trigger_id"], view=form())
        await ack()

    await start()
    await workspace.command(ada, general, "/draft", "")
    (view,) = workspace.views(ada)
    return view.id


async def test_a_submitted_form_arrives_and_closes(
    workspace: Workspace, bolt: AsyncApp, modal: str, ada: str
) -> None:
    got = {}

    @bolt.view("draft")
    async def submitted(ack: AsyncAck, view: Json) -> None:
        got.update(view)
        await ack()

    values = {"what": "tea", "kind": "mail", "flags": ["blog"]}
    answer = await workspace.submit(ada, modal, values)
    assert answer.ok
    assert workspace.views(ada) == []
    state = {block: entry["value"] for block, entry in got["state"]["values"].items()}
    assert state["what"] == {"type": "plain_text_input", "value": "tea"}
    assert state["kind"]["selected_option"]["value"] == "mail"
    assert [option["value"] for option in state["flags"]["selected_options"]] == ["blog"]
    assert state["count"]["value"] == "2"
    assert got["private_metadata"] == "kept"


@pytest.mark.parametrize("start", ["socket"], indirect=True)
@pytest.mark.parametrize(
    ("values", "block", "says"),
    [
        ({}, "what", "required"),
        ({"what": "tea", "count": "9"}, "count", "to 5"),
        ({"what": "x" * 3001}, "what", "3000"),
        ({"what": "tea", "count": "many"}, "count", "number"),
    ],
)
async def test_the_client_itself_refuses(
    workspace: Workspace, modal: str, ada: str, values: Json, block: str, says: str
) -> None:
    answer = await workspace.submit(ada, modal, values)
    assert says in answer.errors[block]
    assert [view.id for view in workspace.views(ada)] == [modal]


async def test_errors_keep_the_form_open(
    workspace: Workspace, bolt: AsyncApp, modal: str, ada: str
) -> None:
    @bolt.view("draft")
    async def submitted(ack: AsyncAck) -> None:
        await ack(response_action="errors", errors={"what": "Say more."})

    answer = await workspace.submit(ada, modal, {"what": "tea"})
    assert (answer.ok, answer.errors) == (False, {"what": "Say more."})
    assert [view.errors for view in workspace.views(ada)] == [{"what": "Say more."}]


@pytest.mark.parametrize("errors", [{"nowhere": "Say more."}, {"what": ""}, {}, "Say more."])
async def test_errors_that_belong_to_no_input_are_trouble(
    workspace: Workspace, bolt: AsyncApp, modal: str, ada: str, errors: Any
) -> None:
    @bolt.view("draft")
    async def submitted(ack: AsyncAck) -> None:
        await ack(response_action="errors", errors=errors)

    answer = await workspace.submit(ada, modal, {"what": "tea"})
    assert answer.errors == {"": "We had some trouble connecting. Try again?"}


@pytest.mark.parametrize(
    ("action", "left"), [("update", ["second"]), ("push", ["draft", "second"]), ("clear", [])]
)
async def test_an_ack_can_change_the_stack_of_views(
    workspace: Workspace, bolt: AsyncApp, modal: str, ada: str, action: str, left: list[str]
) -> None:
    @bolt.view("draft")
    async def submitted(ack: AsyncAck) -> None:
        view = None if action == "clear" else form() | {"callback_id": "second"}
        await ack(response_action=action, view=view)

    assert (await workspace.submit(ada, modal, {"what": "tea"})).ok
    assert [view.callback_id for view in workspace.views(ada)] == left


# Transports


async def test_the_app_comes_back_when_it_is_asked_to(
    workspace: Workspace,
    bolt: AsyncApp,
    heard: list[Json],
    connect: StartApp,
    ada: str,
    general: str,
) -> None:
    everything(bolt)
    await connect()
    await workspace.refresh_sockets()
    await workspace.until(lambda: workspace.connected)
    await workspace.say(ada, general, "still there?")
    assert kinds(heard) == ["message"]


async def test_what_was_said_during_a_broken_connection_arrives_later(
    workspace: Workspace,
    bolt: AsyncApp,
    heard: list[Json],
    connect: StartApp,
    ada: str,
    general: str,
) -> None:
    workspace._delivery.retry_delays = (0.1, 1.0, 1.0, 1.0)
    everything(bolt)
    await connect()
    workspace.drop_sockets()
    await workspace.say(ada, general, "anybody?")
    await workspace.until(lambda: heard)
    assert [body["event"]["text"] for body in heard] == ["anybody?"]


async def test_a_socket_address_serves_once(workspace: Workspace, client: AsyncWebClient) -> None:
    url = (await client.apps_connections_open(app_token=workspace.app_token))["url"]
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            assert (await socket.receive_json())["type"] == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_the_address_for_events_is_verified_by_a_challenge(
    workspace: Workspace, serve: StartApp
) -> None:
    await serve()
    assert await workspace.verify_events_url()


async def test_a_wrong_signature_is_refused_by_the_app(
    workspace: Workspace, bolt: AsyncApp, heard: list[Json], serve: StartApp
) -> None:
    everything(bolt)
    await serve()
    workspace.state.signing_secret = "another"
    assert not await workspace.deliver({"type": "message"})
    assert heard == []


async def test_an_app_can_decline_redelivery(workspace: Workspace) -> None:
    came = []

    async def decline(request: web.Request) -> web.Response:
        came.append(request.headers.get("X-Slack-Retry-Num"))
        return web.Response(status=500, headers={"X-Slack-No-Retry": "1"})

    app = web.Application()
    app.router.add_post("/", decline)
    async with serve_http(app, "127.0.0.1", 0) as address:
        workspace.events_url = f"{address}/"
        assert not await workspace.deliver({"type": "message"})
        await workspace.until(lambda: workspace.settled)
    assert came == [None]
