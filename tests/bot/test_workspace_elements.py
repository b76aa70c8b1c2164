"""The page shows what Block Kit offers to click, and what it answers."""

from collections.abc import Awaitable, Callable

import pytest
from selenium.webdriver.common.keys import Keys
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace
from bot.workspace.objects import Json
from tests.bot.bolt_app import StartApp
from tests.reader import Reader

Show = Callable[..., Awaitable[Reader]]


def plain(words: str) -> Json:
    return {"type": "plain_text", "text": words}


def mrkdwn(words: str) -> Json:
    return {"type": "mrkdwn", "text": words}


def options(*words: str) -> list[Json]:
    return [{"text": plain(word), "value": word} for word in words]


@pytest.fixture
def heard(bolt: AsyncApp) -> list[Json]:
    """Return the actions that the app hears of, as they come."""
    actions: list[Json] = []

    @bolt.action("do")
    async def done(ack: AsyncAck, action: Json) -> None:
        await ack()
        actions.append(action)

    return actions


@pytest.fixture
def show(
    connect: StartApp, reader: Reader, client: AsyncWebClient, heard: list[Json], general: str
) -> Show:
    """Return what shows blocks in a message to a person at the page."""

    async def shown(*blocks: Json) -> Reader:
        await connect()
        await client.chat_postMessage(channel=general, text="x", blocks=list(blocks))
        await reader.open("ada")
        return reader

    return shown


async def test_an_overflow_menu_is_chosen_from_and_asks_first_where_it_should(
    workspace: Workspace, show: Show, heard: list[Json]
) -> None:
    sure = {name: plain(name) for name in ("title", "text", "confirm", "deny")}
    more = {"type": "overflow", "action_id": "do", "options": options(":repeat: Again", "Delete")}
    reader = await show({"type": "actions", "elements": [more | {"confirm": sure}]})
    for answer in ("no", "yes"):
        await reader.click("#messages .block-actions summary")
        await reader.see("#messages .menu-items button:has(.icon-repeat)", "Again")
        await reader.click("#messages .menu-items button:last-child")
        await reader.see("#confirm", "text")
        await reader.click(f'#confirm [data-answer="{answer}"]')
        await reader.not_see("#confirm")
    await workspace.until(lambda: heard)
    assert [action["selected_option"]["value"] for action in heard] == ["Delete"]


async def test_feedback_buttons_are_heard_each_time_and_the_last_one_is_marked(
    workspace: Workspace, show: Show, heard: list[Json]
) -> None:
    buttons = {
        "type": "feedback_buttons",
        "action_id": "do",
        "positive_button": {"text": plain("Good"), "value": "good"},
        "negative_button": {"text": plain("Bad"), "value": "bad"},
    }
    reader = await show({"type": "context_actions", "elements": [buttons]})
    for name in ("Good", "Bad"):
        await reader.click(f'#messages .feedback [aria-label="{name}"]')
        await reader.see(f'#messages .feedback [aria-label="{name}"][aria-pressed="true"]')
    await workspace.until(lambda: len(heard) == 2)
    assert [action["value"] for action in heard] == ["good", "bad"]
    assert len(reader.shown('#messages .feedback [aria-pressed="true"]')) == 1


async def test_a_button_of_an_ephemeral_message_is_heard(
    workspace: Workspace,
    connect: StartApp,
    reader: Reader,
    client: AsyncWebClient,
    heard: list[Json],
    ada: str,
    general: str,
) -> None:
    await connect()
    button = {"type": "button", "action_id": "do", "text": plain("Take it"), "value": "7"}
    rows = [{"type": "actions", "elements": [button]}]
    await client.chat_postEphemeral(channel=general, user=ada, text="x", blocks=rows)
    await reader.open("ada")
    await reader.click('#messages .whisper [data-action="do"]')
    await workspace.until(lambda: heard)
    assert heard[0]["value"] == "7"


async def test_a_link_that_is_a_button_opens_and_is_heard(
    workspace: Workspace, show: Show, heard: list[Json]
) -> None:
    # A page of this very server, for a test opens nothing else.
    link = {"type": "button", "action_id": "do", "text": plain("Open"), "url": workspace.url}
    reader = await show({"type": "actions", "elements": [link]})
    await reader.click('#messages a.button[rel~="noopener"]')
    await workspace.until(lambda: heard)
    first, *others = reader.browser.window_handles
    for other in others:
        reader.browser.switch_to.window(other)
        reader.browser.close()
    reader.browser.switch_to.window(first)
    assert len(others) == 1


@pytest.mark.parametrize(
    ("kind", "held"), [("radio_buttons", "selected_option"), ("checkboxes", "selected_options")]
)
async def test_a_choice_beside_a_text_acts_at_once(
    workspace: Workspace, show: Show, heard: list[Json], kind: str, held: str
) -> None:
    a, b = options("a", "b")
    choice = {"type": kind, "action_id": "do", "options": [a, b]}
    reader = await show({"type": "section", "text": plain("Which?"), "accessory": choice})
    await reader.click("#messages .block-section input[value=b]")
    await workspace.until(lambda: heard)
    assert heard[0][held] in (b, [b])


async def test_a_date_beside_a_text_acts_at_once(
    workspace: Workspace, show: Show, heard: list[Json]
) -> None:
    date = {"type": "datepicker", "action_id": "do", "initial_date": "2026-11-29"}
    reader = await show({"type": "section", "text": plain("When?"), "accessory": date})
    await reader.type("#messages input[type=date]", "11302026")
    await workspace.until(lambda: heard)
    await workspace.until(lambda: heard[-1]["selected_date"] == "2026-11-30")


async def test_a_form_shows_hints_markup_in_options_and_what_is_wrong(
    workspace: Workspace, bolt: AsyncApp, connect: StartApp, reader: Reader, ada: str, general: str
) -> None:
    kinds = options("blog", "mail")
    kinds[0] |= {"text": mrkdwn("a *blog* post"), "description": mrkdwn("_about_ 300 words")}
    radio = {"type": "radio_buttons", "action_id": "v", "options": kinds}
    brief = {"type": "plain_text_input", "action_id": "v"}
    rows = [
        {"type": "input", "block_id": "kind", "label": plain("Kind"), "element": radio},
        {"type": "input", "block_id": "brief", "label": plain("Brief"), "element": brief},
    ]
    rows[1]["hint"] = plain("What to write :repeat:")

    @bolt.command("/draft")
    async def draft(ack: AsyncAck, command: Json, client: AsyncWebClient) -> None:
        title = {"title": plain("New draft"), "submit": plain("Draft"), "callback_id": "draft"}
        view = {"type": "modal", "blocks": rows, **title}
        await client.views_open(trigger_id=command["trigger_id"], view=view)
        await ack()

    @bolt.view("draft")
    async def submitted(ack: AsyncAck, view: Json) -> None:
        kind = view["state"]["values"]["kind"]["v"]["selected_option"]["value"]
        await ack(response_action="errors", errors={"brief": f"No {kind} today."})

    await connect()
    await reader.open("ada")
    await reader.type("#composer-text", "/draft", Keys.ENTER)
    await reader.see("#input-kind strong", "blog")
    await reader.see("#input-kind small em", "about")
    await reader.see("#input-brief-hint:has(.icon-repeat)", "What to write")
    await reader.click('#modal [type="submit"]')
    await reader.see('[data-error="kind"]', "required")
    await reader.click('#input-kind input[value="blog"]')
    await reader.type("#input-brief", "rain", Keys.ENTER)
    await reader.see('[data-error="brief"]', "No blog today.")
    await reader.see("#input-brief[aria-invalid]")


async def test_markdown_has_its_headings_and_tables(show: Show) -> None:
    text = "# A title\n\n## A part\n\n| what | how *much* |\n| --- | ---: |\n| tea | **2** |\n"
    reader = await show({"type": "markdown", "text": text})
    place = "#messages .block-markdown"
    await reader.see(f"{place} h3", "A title")
    await reader.see(f"{place} h4", "A part")
    await reader.see(f"{place} thead th:last-child em", "much")
    await reader.see(f"{place} tbody td strong", "2")
