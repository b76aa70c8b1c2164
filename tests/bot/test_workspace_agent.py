"""The app's DM with its home tab and its messages, and the app as an agent: its sessions."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import AgentSession, SuggestedPrompts, ThreadStatus, Workspace
from bot.workspace.features import features_of
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
        whole = body.get("event", body)
        events.append(whole | {"viewer": body.get("authorizations", [{}])[0]})
        await next()

    for name in ("message", "app_home_opened", "app_context_changed", "agent_session_stopped"):
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


# The manifest of an agent


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ({"assistant_view": {"assistant_description": "x"}}, "only use the agent messaging"),
        ({"agent_view": {"agent_description": "x" * 301}}, "at most 300"),
        ({"agent_view": {"suggested_prompts": PROMPTS}}, "at most 4"),
        ({"agent_view": {"suggested_prompts": [{"title": "x"}]}}, "message and title"),
        ({"agent_view": {"actions": [{"name": "x"}]}}, "description and name"),
        ({"agent_view": {"assistant_description": "x"}}, "no assistant_description"),
    ],
)
def test_a_manifest_that_slack_would_refuse_is_refused(features: Json, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Workspace(manifest={"features": features})


@pytest.mark.parametrize("enabled", [True, False])
async def test_where_the_messages_tab_is_switched_off_the_app_can_write_to_nobody(
    enabled: bool,
) -> None:
    manifest = {"features": {"app_home": {"messages_tab_enabled": enabled}}}
    async with Workspace(manifest=manifest) as workspace:
        client = AsyncWebClient(workspace.bot_token, base_url=f"{workspace.url}/api/")
        call = client.chat_postMessage(channel=workspace.dm(workspace.person("ada")), text="x")
        if enabled:
            assert (await call)["ok"]
        else:
            assert await refused(call) == "messages_tab_disabled"
    agent = {"features": {**manifest["features"], "agent_view": {}}}
    assert features_of(agent).messages


@pytest.mark.parametrize("event", ["agent_session_stopped", "app_context_changed"])
def test_the_events_of_agents_are_for_agents_alone(event: str) -> None:
    subscribed = {"settings": {"event_subscriptions": {"bot_events": [event]}}}
    with pytest.raises(ValueError, match=f"{event} needs features.agent_view"):
        Workspace(manifest=subscribed)
    assert features_of(subscribed | {"features": {"agent_view": {}}}).subscribes(event)


def test_to_declare_an_agent_brings_its_scope() -> None:
    asked = {"oauth_config": {"scopes": {"bot": ["chat:write"]}}}
    assert features_of(asked).scopes == frozenset({"chat:write"})
    agent = features_of(asked | {"features": {"agent_view": {}}})
    assert agent.scopes == frozenset({"chat:write", "assistant:write"})


# What a person looks at


def entity(kind: str, value: object, workspace: Workspace) -> Json:
    return {"type": f"slack#/types/{kind}", "value": value, "team_id": workspace.team}


async def test_an_agent_is_told_what_a_person_looks_at_what_matters_most_first(
    workspace: Workspace, heard: list[Json], connect: StartApp, ada: str, general: str
) -> None:
    await connect()
    await workspace.look_at(ada, general, message_ts="1.000000", canvas="F0CANVAS")
    await workspace.look_at(ada)
    message = {"message_ts": "1.000000", "channel_id": general}
    first, second = heard
    assert first["context"]["entities"] == [
        entity("message_context", message, workspace),
        entity("canvas_id", "F0CANVAS", workspace),
        entity("channel_id", general, workspace),
    ]
    assert second["context"] == {}
    assert {event["viewer"]["user_id"] for event in heard} == {ada}
    assert not any("user" in event for event in heard)


async def test_what_is_looked_at_comes_beside_messages_to_the_app_and_opened_tabs(
    workspace: Workspace, heard: list[Json], connect: StartApp, ada: str, general: str
) -> None:
    await connect()
    await workspace.look_at(ada, general)
    await workspace.open_home(ada, "messages")
    await workspace.say(ada, workspace.dm(ada), "tea")
    await workspace.say(ada, general, "tea")
    seen = {"entities": [entity("channel_id", general, workspace)]}
    _, opened, direct, elsewhere = heard
    assert (opened["context"], direct["app_context"]) == (seen, seen)
    assert "app_context" not in elsewhere


async def test_who_does_not_subscribe_to_it_is_not_told_what_is_looked_at(
    workspace: Workspace, heard: list[Json], connect: StartApp, ada: str, general: str
) -> None:
    subscribed = frozenset({"app_home_opened", "message.im"})
    workspace.state.features = replace(workspace.state.features, events=subscribed)
    await connect()
    await workspace.look_at(ada, general)
    await workspace.open_home(ada, "messages")
    await workspace.say(ada, workspace.dm(ada), "tea")
    assert [event["type"] for event in heard] == ["app_home_opened", "message"]
    assert not any("context" in event or "app_context" in event for event in heard)


async def test_only_what_a_person_sees_can_be_looked_at(workspace: Workspace, ada: str) -> None:
    secret = workspace.channel("secret", private=True)
    with pytest.raises(ValueError, match="not in this channel"):
        await workspace.look_at(ada, secret)


async def test_an_app_that_is_no_agent_is_told_nothing_and_has_no_sessions() -> None:
    async with Workspace(manifest={"features": {}}) as workspace:
        client = AsyncWebClient(workspace.bot_token, base_url=f"{workspace.url}/api/")
        ada, general = workspace.person("ada"), workspace.channel("general")
        with pytest.raises(ValueError, match="agent_view"):
            await workspace.look_at(ada, general)
        place: Json = {"channel_id": general, "thread_ts": await workspace.say(ada, general, "x")}
        nowhere = {"channel_id": "C0NOWHERE", "thread_ts": "1.000000"}
        for at in (place, nowhere):
            call = client.agents_sessions_setStatus(**at, status="processing")
            assert await refused(call) == "not_agent_app"
            assert await refused(client.agents_sessions_rename(**at, title="x")) == "not_agent_app"
        prompts = client.assistant_threads_setSuggestedPrompts(
            channel_id=workspace.dm(ada), prompts=PROMPTS[:1]
        )
        assert await refused(prompts) == "not_agent_app"
        await client.assistant_threads_setStatus(**place, status="is writing ...")
        assert workspace.status(**at_thread(place)) == ThreadStatus("is writing ...")
        whose: Json = {"recipient_user_id": ada, "recipient_team_id": workspace.team}
        stream = await client.chat_startStream(**at_thread(place), markdown_text="Tea", **whose)
        await client.chat_stopStream(channel=general, ts=stream["ts"])
        assert workspace.state.sessions == {}


def at_thread(place: Json) -> Json:
    return {"channel": place["channel_id"], "thread_ts": place["thread_ts"]}


# Prompts


@pytest.fixture
async def thread(workspace: Workspace, ada: str, general: str) -> dict[str, str]:
    return {"channel_id": general, "thread_ts": await workspace.say(ada, general, "root")}


@pytest.mark.parametrize(
    "prompts", [PROMPTS, [], [{"title": "no message"}], [{"message": "no title"}]]
)
async def test_one_to_four_whole_prompts_are_taken(
    workspace: Workspace, client: AsyncWebClient, ada: str, prompts: list[Json]
) -> None:
    call = client.assistant_threads_setSuggestedPrompts(
        channel_id=workspace.dm(ada), prompts=prompts
    )
    assert await refused(call) == "invalid_arguments"
    assert workspace.prompts(ada) is None


async def test_prompts_stand_in_a_dm_until_the_person_writes(
    workspace: Workspace, client: AsyncWebClient, ada: str
) -> None:
    dm = workspace.dm(ada)
    await client.assistant_threads_setSuggestedPrompts(
        channel_id=dm, title="Try one", prompts=PROMPTS[:4]
    )
    assert workspace.prompts(ada) == SuggestedPrompts("Try one", tuple(PROMPTS[:4]))
    assert workspace.prompts(workspace.person("ben")) is None
    await workspace.say(ada, dm, "tea")
    assert workspace.prompts(ada) is None


async def test_prompts_for_a_thread_and_titles_in_channels_are_taken_and_not_shown(
    workspace: Workspace, client: AsyncWebClient, ada: str, thread: Json
) -> None:
    ts = await workspace.say(ada, workspace.dm(ada), "tea")
    await client.assistant_threads_setSuggestedPrompts(
        channel_id=workspace.dm(ada), thread_ts=ts, prompts=PROMPTS[:1]
    )
    assert workspace.prompts(ada) is None
    await client.agents_sessions_setStatus(**thread, status="active", title="Tea")
    await client.assistant_threads_setTitle(**thread, title="Cake")
    assert workspace.session(**at_thread(thread)) == AgentSession("active", "Tea")


# Sessions


async def test_a_session_takes_title_and_person_when_it_begins_and_only_then(
    workspace: Workspace, client: AsyncWebClient, ada: str, thread: Json
) -> None:
    begun = await client.agents_sessions_setStatus(
        **thread, status="processing", title="Tea", initiator_user_id=ada
    )
    assert (begun["status"], begun["agent_status"], begun["title"]) == (
        "processing", "processing", "Tea",
    )  # fmt: skip
    await client.agents_sessions_setStatus(**thread, status="active", title="Cake")
    assert workspace.session(**at_thread(thread)) == AgentSession("active", "Tea", ada)
    await client.agents_sessions_rename(**thread, title="Cake")
    assert workspace.session(**at_thread(thread)) == AgentSession("active", "Cake", ada)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"status": "is thinking ..."}, "invalid_arguments"),
        ({"title": "x" * 201}, "invalid_arguments"),
        ({"thread_ts": None}, "invalid_arguments"),
        ({"thread_ts": "yesterday"}, "invalid_thread_ts"),
        ({"thread_ts": "1.000000"}, "thread_not_found"),
        ({"channel_id": "C0NOWHERE"}, "channel_not_found"),
        ({"initiator_user_id": "U0NOBODY"}, "user_not_in_channel"),
    ],
)
async def test_what_is_wrong_with_a_session_is_named(
    workspace: Workspace, client: AsyncWebClient, thread: Json, changed: Json, error: str
) -> None:
    args = {**thread, "status": "processing", **changed}
    assert await refused(client.agents_sessions_setStatus(**args)) == error
    assert workspace.state.sessions == {}


async def test_a_session_belongs_to_the_root_of_a_thread_in_a_channel_of_the_app(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str, thread: Json
) -> None:
    reply = await workspace.say(ada, general, "reply", thread_ts=thread["thread_ts"])
    call = client.agents_sessions_setStatus(
        channel_id=general, thread_ts=reply, status="processing"
    )
    assert await refused(call) == "thread_not_found"
    rename = client.agents_sessions_rename(**thread, title="Tea")
    assert await refused(rename) == "session_not_found"
    await workspace.remove_bot(general)
    call = client.agents_sessions_setStatus(**thread, status="processing")
    assert await refused(call) == "not_in_channel"


@pytest.mark.parametrize("subscribed", [True, False])
async def test_slack_warns_an_agent_that_cannot_be_stopped_and_shows_no_button(
    workspace: Workspace, client: AsyncWebClient, ada: str, thread: Json, subscribed: bool
) -> None:
    events = frozenset({"agent_session_stopped"} if subscribed else {"message.im"})
    workspace.state.features = replace(workspace.state.features, events=events)
    answer = await client.agents_sessions_setStatus(**thread, status="processing")
    warning = "missing_agent_session_stopped_event_subscription"
    assert answer.get("warning") == (None if subscribed else warning)
    if not subscribed:
        assert answer["response_metadata"]["warnings"] == [warning]
        with pytest.raises(ValueError, match="no stop button"):
            await workspace.stop_session(ada, **at_thread(thread))


async def test_a_message_of_the_app_does_not_end_its_work_but_the_end_of_a_stream_may(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str, thread: Json
) -> None:
    ts = thread["thread_ts"]
    await client.agents_sessions_setStatus(**thread, status="processing")
    await client.chat_postMessage(channel=general, thread_ts=ts, text="soon")
    session = workspace.session(general, ts)
    assert session == AgentSession("processing")
    stream = await client.chat_startStream(
        channel=general,
        thread_ts=ts,
        markdown_text="Tea",
        recipient_user_id=ada,
        recipient_team_id=workspace.team,
    )
    at = {"channel": general, "ts": stream["ts"]}
    wrong = client.chat_stopStream(**at, session_status="done")
    assert await refused(wrong) == "invalid_arguments"
    await client.chat_stopStream(**at, session_status="suspended")
    assert session == AgentSession("suspended")


async def test_a_stream_sets_its_session_to_work_and_to_rest_unless_it_is_told_otherwise(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str, thread: Json
) -> None:
    whose: Json = {"recipient_user_id": ada, "recipient_team_id": workspace.team}
    place = {"channel": general, "thread_ts": thread["thread_ts"]}
    first = await client.chat_startStream(**place, markdown_text="Tea", **whose)
    session = workspace.session(**place)
    assert session == AgentSession("processing")
    second = await client.chat_startStream(**place, markdown_text="Cake", **whose)
    await client.chat_stopStream(channel=general, ts=first["ts"], session_status="processing")
    assert session == AgentSession("processing")
    await client.chat_stopStream(channel=general, ts=second["ts"])
    assert session == AgentSession("active")


async def test_slacks_stop_button_ends_the_streams_and_leaves_the_status_to_the_app(
    workspace: Workspace,
    client: AsyncWebClient,
    heard: list[Json],
    connect: StartApp,
    ada: str,
    general: str,
    thread: Json,
) -> None:
    await connect()
    ts = thread["thread_ts"]
    with pytest.raises(ValueError, match="not at work"):
        await workspace.stop_session(ada, general, ts)
    await client.agents_sessions_setStatus(**thread, status="processing")
    stream = await client.chat_startStream(
        channel=general,
        thread_ts=ts,
        markdown_text="Tea",
        recipient_user_id=ada,
        recipient_team_id=workspace.team,
    )
    ben = workspace.person("ben")
    await workspace.stop_session(ben, general, ts)
    told = heard[-1]
    assert told["type"] == "agent_session_stopped"
    assert (told["channel"], told["thread_ts"], told["user"]) == (general, ts, ben)
    assert told["streaming_message_ts"] == [stream["ts"]]
    assert workspace.session(general, ts) == AgentSession("processing")
    more = client.chat_appendStream(channel=general, ts=stream["ts"], markdown_text=" and cake")
    assert await refused(more) == "message_not_in_streaming_state"


@pytest.mark.parametrize("ts", ["yesterday", "1.000000"])
async def test_a_status_without_a_thread_is_refused_by_the_name_of_its_page(
    client: AsyncWebClient, thread: Json, ts: str
) -> None:
    call = client.assistant_threads_setStatus(**thread | {"thread_ts": ts}, status="x")
    assert await refused(call) == "invalid_thread_ts"


@pytest.mark.parametrize("loading", [["x"] * 11, "not a list", [1]])
async def test_loading_messages_are_at_most_ten_strings(
    client: AsyncWebClient, thread: Json, loading: Any
) -> None:
    call = client.assistant_threads_setStatus(**thread, status="x", loading_messages=loading)
    assert await refused(call) == "invalid_arguments"
