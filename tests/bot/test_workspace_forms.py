"""Forms of the workspace: what a person may choose, and what the app then hears of it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.workspace import Workspace
from bot.workspace.objects import Json
from tests.bot.bolt_app import StartApp, refused

OpenForm = Callable[..., Awaitable[str]]
OpenView = Callable[[Json], Awaitable[AsyncSlackResponse]]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str) -> Json:
    return {"text": plain(value.title()), "value": value}


def field(element: Json, **extra: object) -> Json:
    element = {"action_id": "value", **element}
    return {"type": "input", "block_id": "it", "label": plain("It"), "element": element, **extra}


def actions(element: Json) -> Json:
    return {"type": "actions", "elements": [element]}


def modal(*blocks: Json) -> Json:
    buttons = {"title": plain("New draft"), "submit": plain("Draft")}
    return {"type": "modal", "callback_id": "draft", "blocks": list(blocks), **buttons}


@pytest.fixture
async def got(bolt: AsyncApp, connect: StartApp) -> list[Json]:
    """Return the list of submissions and clicks that a connected app receives."""
    bodies: list[Json] = []

    async def take(ack: Any, body: Json) -> None:
        await ack()
        bodies.append(body)

    bolt.view("draft")(take)
    bolt.action("pick")(take)
    await connect()
    return bodies


@pytest.fixture
def open_form(workspace: Workspace, client: AsyncWebClient, ada: str) -> OpenForm:
    """Return a function that opens a modal of some blocks for a person in `channel`."""

    async def opened(*blocks: Json, channel: str | None = None) -> str:
        trigger = workspace.state.new_trigger(ada, channel=channel)
        answer = await client.views_open(trigger_id=trigger, view=modal(*blocks))
        return str(answer["view"]["id"])

    return opened


@pytest.fixture
def open_view(workspace: Workspace, client: AsyncWebClient, ada: str) -> OpenView:
    """Return a function that opens a modal with some fields changed."""

    async def opened(changed: Json) -> AsyncSlackResponse:
        view = modal(field({"type": "plain_text_input"})) | changed
        return await client.views_open(trigger_id=workspace.state.new_trigger(ada), view=view)

    return opened


def submitted(body: Json) -> Json:
    value: Json = body["view"]["state"]["values"]["it"]["value"]
    return value


# Files


async def test_files_of_a_form_come_with_it_and_are_then_the_apps_to_read(
    workspace: Workspace, client: AsyncWebClient, got: list[Json], open_form: OpenForm, ada: str
) -> None:
    form = await open_form(field({"type": "file_input", "filetypes": ["md", "txt"]}))
    file = workspace.attach(ada, "notes.md", b"tea")
    with pytest.raises(SlackApiError, match="file_not_found"):
        await client.files_info(file=file)
    assert (await workspace.submit(ada, form, {"it": [file]})).ok
    value = submitted(got[0])
    assert (value["type"], [f["id"] for f in value["files"]]) == ("file_input", [file])
    headers = {"Authorization": f"Bearer {workspace.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        answer = await session.get(value["files"][0]["url_private"])
        assert await answer.read() == b"tea"
    assert (await client.files_info(file=file))["file"]["name"] == "notes.md"


@pytest.mark.parametrize(
    ("names", "says"),
    [([], "required"), (["a.md"] * 2, "At most 1 file."), (["a.EXE"], "types: md, txt")],
)
async def test_the_client_refuses_files_that_were_not_asked_for(
    workspace: Workspace,
    got: list[Json],
    open_form: OpenForm,
    ada: str,
    names: list[str],
    says: str,
) -> None:
    element = {"type": "file_input", "filetypes": ["md", "txt"], "max_files": 1}
    form = await open_form(field(element))
    files = [workspace.attach(ada, name, b"x") for name in names]
    answer = await workspace.submit(ada, form, {"it": files})
    assert says in answer.errors["it"]
    assert got == []


async def test_a_file_of_a_form_has_at_most_ten_megabytes(
    workspace: Workspace, got: list[Json], open_form: OpenForm, ada: str
) -> None:
    form = await open_form(field({"type": "file_input"}))
    file = workspace.attach(ada, "a.txt", b"x" * 10_000_001)
    assert "10 MB" in (await workspace.submit(ada, form, {"it": [file]})).errors["it"]


# Places and people


async def test_a_select_of_places_begins_where_the_person_is_and_can_be_answered(
    workspace: Workspace, got: list[Json], open_form: OpenForm, ada: str, general: str
) -> None:
    element = {
        "type": "conversations_select",
        "default_to_current_conversation": True,
        "response_url_enabled": True,
    }
    form = await open_form(field(element), channel=general)
    assert (await workspace.submit(ada, form, {})).ok
    assert submitted(got[0])["selected_conversation"] == general
    (place,) = got[0]["response_urls"]
    known = (place["block_id"], place["action_id"], place["channel_id"])
    assert known == ("it", "value", general)
    async with aiohttp.ClientSession() as session:
        body = {"text": "here", "response_type": "in_channel"}
        assert (await session.post(place["response_url"], json=body)).status == 200
    assert [m.text for m in workspace.messages(general)] == ["here"]


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ({}, {"general", "secret", "shared", "dm", "ben"}),
        ({"include": ["public"]}, {"general", "shared"}),
        ({"include": ["private", "im"]}, {"secret", "dm", "ben"}),
        ({"exclude_external_shared_channels": True}, {"general", "secret", "dm", "ben"}),
        ({"exclude_bot_users": True}, {"general", "secret", "shared", "ben"}),
    ],
)
async def test_a_filter_says_which_places_are_offered(
    workspace: Workspace,
    got: list[Json],
    open_form: OpenForm,
    ada: str,
    general: str,
    asked: Json,
    offered: set[str],
) -> None:
    ben, olga = workspace.person("ben"), workspace.person("olga", outsider=True)
    places = {
        "general": general,
        "secret": workspace.channel("secret", private=True, members=[ada]),
        "theirs": workspace.channel("theirs", private=True, members=[ben]),
        "shared": workspace.channel("shared", members=[ada, olga]),
        "dm": workspace.dm(ada),
        "ben": workspace.dm(ada, ben),
    }
    taken = set()
    for name, place in places.items():
        form = await open_form(field({"type": "conversations_select", "filter": asked}))
        with suppress(ValueError):
            await workspace.submit(ada, form, {"it": place})
            taken.add(name)
    assert taken == offered
    assert len(got) == len(offered)


async def test_a_place_that_the_filter_leaves_out_is_no_default(
    workspace: Workspace, got: list[Json], open_form: OpenForm, ada: str, general: str
) -> None:
    element = {
        "type": "conversations_select",
        "default_to_current_conversation": True,
        "filter": {"include": ["im"]},
    }
    form = await open_form(field(element), channel=general)
    assert "required" in (await workspace.submit(ada, form, {})).errors["it"]


async def test_a_modal_over_another_knows_the_same_place(
    workspace: Workspace,
    client: AsyncWebClient,
    got: list[Json],
    open_form: OpenForm,
    ada: str,
    general: str,
) -> None:
    first = await open_form(field({"type": "plain_text_input"}), channel=general)
    element = {"type": "conversations_select", "default_to_current_conversation": True}
    trigger = workspace.state.new_trigger(ada, view=first)
    pushed = await client.views_push(trigger_id=trigger, view=modal(field(element)))
    assert (await workspace.submit(ada, pushed["view"]["id"], {})).ok
    assert submitted(got[0])["selected_conversation"] == general


async def test_a_person_is_chosen_or_was_before(
    workspace: Workspace, got: list[Json], open_form: OpenForm, ada: str
) -> None:
    ben = workspace.person("ben")
    for given in ({}, {"it": ada}):
        form = await open_form(field({"type": "users_select", "initial_user": ben}))
        await workspace.submit(ada, form, given)
    assert [submitted(body)["selected_user"] for body in got] == [ben, ada]


# Options


GROUPS = [
    {"label": plain("Long"), "options": [option("blog"), option("report")]},
    {"label": plain("Short"), "options": [option("mail")]},
]


async def test_options_may_be_in_groups(
    workspace: Workspace, got: list[Json], open_form: OpenForm, ada: str
) -> None:
    form = await open_form(field({"type": "static_select", "option_groups": GROUPS}))
    with pytest.raises(ValueError, match="No option 'poem'"):
        await workspace.submit(ada, form, {"it": "poem"})
    await workspace.submit(ada, form, {"it": "mail"})
    assert submitted(got[0])["selected_option"] == option("mail")


async def test_what_is_optional_may_be_left_out(
    workspace: Workspace, got: list[Json], open_form: OpenForm, ada: str
) -> None:
    form = await open_form(
        field({"type": "number_input", "is_decimal_allowed": False}, optional=True),
        field({"type": "static_select", "options": [option("blog")]}, optional=True)
        | {"block_id": "kind"},
    )
    assert (await workspace.submit(ada, form, {})).ok
    assert submitted(got[0]) == {"type": "number_input", "value": None}
    kind = got[0]["view"]["state"]["values"]["kind"]["value"]
    assert kind == {"type": "static_select", "selected_option": None}


def selects() -> list[Json]:
    options = [option("shorter"), option("longer")]
    overflow = {"type": "overflow", "action_id": "pick", "options": options}
    select = {"type": "static_select", "action_id": "pick", "options": options}
    other = select | {"action_id": "other", "initial_option": option("longer")}
    return [
        {"type": "section", "block_id": "top", "text": plain("x"), "accessory": overflow},
        {"type": "actions", "block_id": "row", "elements": [other, select]},
    ]


@pytest.mark.parametrize("position", [0, 1], ids=["overflow", "static_select"])
async def test_a_choice_in_a_message_reaches_the_app(
    workspace: Workspace,
    client: AsyncWebClient,
    got: list[Json],
    ada: str,
    general: str,
    position: int,
) -> None:
    blocks = selects()
    blocks[1 - position] = {"type": "divider"}
    ts = (await client.chat_postMessage(channel=general, text="x", blocks=blocks))["ts"]
    assert await workspace.click(ada, general, ts, "pick", value="shorter")
    (action,) = got[0]["actions"]
    assert action["type"] == ("overflow", "static_select")[position]
    assert action["selected_option"] == option("shorter")
    shown = got[0]["state"]["values"].get("row", {})
    kept = {name: entry["selected_option"]["value"] for name, entry in shown.items()}
    assert kept == ({}, {"other": "longer", "pick": "shorter"})[position]
    with pytest.raises(ValueError, match="No option"):
        await workspace.click(ada, general, ts, "pick", value="sideways")


async def test_a_choice_in_a_modal_comes_with_the_whole_form(
    workspace: Workspace, got: list[Json], open_form: OpenForm, ada: str
) -> None:
    text = field({"type": "plain_text_input"})
    form = await open_form(text, selects()[1])
    assert await workspace.click_in_view(ada, form, "pick", {"it": "tea"}, value="longer")
    values = got[0]["view"]["state"]["values"]
    assert values["it"]["value"]["value"] == "tea"
    row = {name: entry["selected_option"]["value"] for name, entry in values["row"].items()}
    assert row == {"other": "longer", "pick": "longer"}


async def test_an_input_that_dispatches_tells_of_its_change(
    workspace: Workspace, got: list[Json], open_form: OpenForm, ada: str
) -> None:
    select = {"type": "static_select", "action_id": "pick", "option_groups": GROUPS}
    form = await open_form(field(select, dispatch_action=True))
    assert await workspace.click_in_view(ada, form, "pick", {"it": "mail"}, value="mail")
    (action,) = got[0]["actions"]
    assert (action["block_id"], action["selected_option"]) == ("it", option("mail"))


def thumbs(**changed: Json) -> Json:
    good = {"text": plain("Good"), "value": "good", "accessibility_label": "This is good"}
    pair = {"positive_button": good, "negative_button": {"text": plain("Bad"), "value": "bad"}}
    element = {"type": "feedback_buttons", "action_id": "pick", **pair, **changed}
    return {"type": "context_actions", "elements": [element]}


async def test_each_click_on_a_thumb_reaches_the_app_with_its_value_and_words(
    workspace: Workspace, client: AsyncWebClient, got: list[Json], ada: str, general: str
) -> None:
    ts = (await client.chat_postMessage(channel=general, text="x", blocks=[thumbs()]))["ts"]
    for value in ("good", "bad", "bad"):
        assert await workspace.click(ada, general, ts, "pick", value=value)
    clicks = [body["actions"][0] for body in got]
    assert [click["value"] for click in clicks] == ["good", "bad", "bad"]
    assert [click["text"] for click in clicks] == [plain(w) for w in ("Good", "Bad", "Bad")]
    assert {click["type"] for click in clicks} == {"feedback_buttons"}
    assert all(body["trigger_id"] and body["state"]["values"] == {} for body in got)
    for nothing in (None, "fair"):
        with pytest.raises(ValueError, match="No button"):
            await workspace.click(ada, general, ts, "pick", value=nothing)


async def test_an_update_keeps_what_was_filled_in_where_the_ids_are_the_same(
    workspace: Workspace, client: AsyncWebClient, got: list[Json], open_form: OpenForm, ada: str
) -> None:
    def text(name: str, **extra: object) -> Json:
        return field({"type": "plain_text_input", **extra}) | {"block_id": name}

    form = await open_form(text("same"), text("other"), text("gone"), selects()[1])
    typed = {"same": "tea", "other": "milk", "gone": "sugar"}
    assert await workspace.click_in_view(ada, form, "pick", typed, value="longer")
    blocks = [text("same", initial_value="x"), text("other", action_id="new"), text("more")]
    await client.views_update(view_id=form, view=modal(*blocks))
    assert (await workspace.submit(ada, form, {"more": "ice", "other": "oat"})).ok
    values = got[1]["view"]["state"]["values"]
    shown = {name: entry["value"] for block in values.values() for name, entry in block.items()}
    assert values["same"]["value"]["value"] == "tea"
    assert values["more"]["value"]["value"] == "ice"
    assert shown["new"] == "oat"
    assert set(values) == {"same", "other", "more"}


async def test_what_the_client_refused_stays_filled_in(
    workspace: Workspace, got: list[Json], open_form: OpenForm, ada: str
) -> None:
    form = await open_form(field({"type": "plain_text_input", "max_length": 3}))
    assert "At most 3" in (await workspace.submit(ada, form, {"it": "green"})).errors["it"]
    assert "At most 3" in (await workspace.submit(ada, form, {})).errors["it"]
    assert (await workspace.submit(ada, form, {"it": "tea"})).ok
    assert submitted(got[0])["value"] == "tea"


# What Slack refuses to show

ICON = {"type": "icon_button", "icon": "trash", "text": plain("Delete")}


@pytest.mark.parametrize(
    ("block", "where"),
    [
        (thumbs(positive_button={"value": "x"}), "elements/0/positive_button/text"),
        (thumbs(negative_button={"text": plain("Bad")}), "elements/0/negative_button/value"),
        (
            thumbs(negative_button={"text": plain("x" * 76), "value": "bad"}),
            "elements/0/negative_button/text/text",
        ),
        (
            thumbs(negative_button={"text": {"type": "mrkdwn", "text": "x"}, "value": "bad"}),
            "elements/0/negative_button/text",
        ),
        (
            thumbs(negative_button={"text": plain("Bad"), "value": "x" * 2001}),
            "elements/0/negative_button/value",
        ),
        (
            thumbs(
                negative_button={
                    "text": plain("Bad"),
                    "value": "bad",
                    "accessibility_label": "x" * 76,
                }
            ),
            "elements/0/negative_button/accessibility_label",
        ),
        ({"type": "context_actions", "elements": [ICON] * 6}, "elements"),
        ({"type": "context_actions", "elements": [ICON | {"icon": "pen"}]}, "elements/0/icon"),
        (
            {"type": "context_actions", "elements": [{"type": "button", "text": plain("x")}]},
            "elements/0",
        ),
        (actions({"type": "feedback_buttons"}), "elements/0"),
    ],
)
async def test_faulty_thumbs_are_pointed_at(
    client: AsyncWebClient, general: str, block: Json, where: str
) -> None:
    with pytest.raises(SlackApiError, match="invalid_blocks") as caught:
        await client.chat_postMessage(channel=general, text="x", blocks=[block])
    (message,) = caught.value.response["response_metadata"]["messages"]
    assert f"[json-pointer:/blocks/0/{where}]" in message


async def test_thumbs_are_for_messages_only(open_form: OpenForm) -> None:
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await open_form(thumbs())


CONFIRM = {name: plain(name) for name in ("title", "text", "confirm", "deny")}
SURE = {"type": "button", "action_id": "a", "text": plain("x"), "confirm": CONFIRM}


NUMBER = {"type": "number_input", "is_decimal_allowed": False}
SELECT = {"type": "static_select", "options": [option("a")]}
STYLED = {"text": {"type": "mrkdwn", "text": "*a*"}, "value": "a"}
TEXT = {"type": "plain_text_input"}
NUMBER = {"type": "number_input", "is_decimal_allowed": True}


@pytest.mark.parametrize(
    "block",
    [
        actions(SURE),
        actions({"type": "static_select", "option_groups": GROUPS}),
        field(SELECT, hint=plain("A hint"), optional=True),
        field({"type": "checkboxes", "options": [STYLED]}),
        field(SELECT | {"initial_option": option("a")}),
        field(TEXT | {"initial_value": "x" * 3000, "placeholder": plain("x" * 150)}),
        field(NUMBER | {"initial_value": "0.5", "min_value": "-1", "max_value": "2"}),
        field({"type": "file_input", "max_files": 10}),
        field({"type": "number_input", "is_decimal_allowed": False, "max_value": "9.5"}),
        field({"type": "plain_text_input", "placeholder": plain("x" * 150)}),
    ],
)
async def test_a_good_block_is_shown(open_form: OpenForm, block: Json) -> None:
    assert await open_form(block)


@pytest.mark.parametrize(
    ("block", "where"),
    [
        (field({"type": "button", "text": plain("x")}), "element"),
        (actions({"type": "file_input"}), "elements/0"),
        (actions({"type": "plain_text_input"}), "elements/0"),
        (actions(SELECT | {"options": []}), "elements/0"),
        (actions({"type": "overflow", "options": [option("a")] * 6}), "elements/0/options"),
        (actions({"type": "overflow", "options": [STYLED]}), "elements/0/options/0/text"),
        (actions(SELECT | {"options": [STYLED]}), "elements/0/options/0/text"),
        (
            actions({"type": "static_select", "option_groups": [{"label": plain("x" * 76)}]}),
            "elements/0/option_groups/0/label/text",
        ),
        (actions(SELECT | {"options": [option("x" * 76)]}), "elements/0/options/0/text/text"),
        (
            actions(SURE | {"confirm": CONFIRM | {"deny": plain("x" * 31)}}),
            "elements/0/confirm/deny",
        ),
        (field({"type": "conversations_select", "filter": "im"}), "element/filter"),
        (field({"type": "file_input", "max_files": 11}), "element/max_files"),
        (field({"type": "file_input", "filetypes": "md"}), "element/filetypes"),
        (field(SELECT, hint=plain("x" * 2001)), "hint/text"),
        (field(SELECT | {"initial_option": option("b")}), "element/initial_option"),
        (
            field({"type": "checkboxes", "options": [option("a")], "initial_options": []}),
            "element/initial_options",
        ),
        (field(NUMBER | {"min_value": 1}), "element/min_value"),
        (field(NUMBER | {"max_value": "nine"}), "element/max_value"),
        (field(NUMBER | {"min_value": "9", "max_value": "1"}), "element/min_value"),
        (field({"type": "number_input"}), "element"),
        (field(TEXT | {"initial_value": "x" * 3001}), "element/initial_value"),
        (field(TEXT | {"initial_value": ""}), "element/initial_value"),
        (field(TEXT | {"placeholder": plain("x" * 151)}), "element/placeholder/text"),
        (field(NUMBER | {"initial_value": "hot"}), "element/initial_value"),
        ({"type": "section", "fields": [plain("x")] * 11}, "fields"),
    ],
)
async def test_a_faulty_element_is_pointed_at(open_form: OpenForm, block: Json, where: str) -> None:
    with pytest.raises(SlackApiError) as caught:
        await open_form(block)
    (message,) = caught.value.response["response_metadata"]["messages"]
    assert f"[json-pointer:/view/blocks/0/{where}" in message


FOCUSED = {"type": "plain_text_input", "focus_on_load": True}


@pytest.mark.parametrize(
    "wrong",
    [
        {"blocks": [field(FOCUSED), field(FOCUSED, block_id="other")]},
        {"private_metadata": "x" * 3001},
        {"private_metadata": {"id": 1}},
        {"callback_id": "x" * 256},
    ],
)
async def test_a_faulty_form_does_not_open(open_view: OpenView, wrong: Json) -> None:
    assert await refused(open_view(wrong)) == "invalid_arguments"


async def test_a_form_has_at_most_250_kilobytes(open_view: OpenView) -> None:
    """See https://docs.slack.dev/reference/methods/views.open."""
    text = {"type": "section", "text": plain("x" * 3000)}
    assert await refused(open_view({"blocks": [text] * 90})) == "view_too_large"


async def test_a_name_of_the_apps_own_is_given_to_one_form(open_view: OpenView) -> None:
    await open_view({"external_id": "one"})
    assert await refused(open_view({"external_id": "one"})) == "duplicate_external_id"
