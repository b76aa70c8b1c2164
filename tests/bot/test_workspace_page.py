"""The workspace's page in a real browser: what a person does there, and sees."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace
from bot.workspace.features import features_of
from bot.workspace.objects import Json
from tests.bot.bolt_app import StartApp
from tests.reader import Reader


async def test_a_typed_command_streams_into_its_thread(
    workspace: Workspace, bolt: AsyncApp, connect: StartApp, reader: Reader, ada: str, general: str
) -> None:
    proceed = asyncio.Event()

    @bolt.command("/draft")
    async def draft(ack: AsyncAck, command: Json, client: AsyncWebClient) -> None:
        await ack("I am on it.")
        root = await client.chat_postMessage(channel=general, text=f"*{command['text']}*")
        stream = await client.chat_stream(
            channel=general,
            thread_ts=root["ts"],
            recipient_team_id=workspace.team,
            recipient_user_id=ada,
            buffer_size=1,
        )
        await stream.append(markdown_text="We are ")
        await proceed.wait()
        await stream.append(markdown_text="**open**.")
        await stream.stop()

    await connect()
    await reader.open("ada")
    await reader.type("#composer-text", "/draft our new office", Keys.ENTER)
    await reader.see("#messages .whisper", "Only visible to you")
    await reader.see("#messages strong", "our new office")
    await reader.click("#messages button.replies")
    assert "open" not in await reader.see("#replies .streaming", "We are")
    proceed.set()
    await reader.see("#replies .message strong", "open")
    await reader.not_see("#replies .streaming")


async def test_a_reaction_is_put_and_counted_and_taken_away(
    workspace: Workspace, reader: Reader, ada: str, general: str
) -> None:
    ts = await workspace.say(ada, general, "draft")
    await reader.open("ada")
    await reader.click('#messages [data-key="react/repeat"]')
    await reader.see('#messages .chip[data-emoji="repeat"]', "1")
    ben = workspace.person("ben")
    await workspace.react(ben, general, ts, "repeat")
    await reader.see('#messages .chip[data-emoji="repeat"][aria-pressed="true"]', "2")
    await reader.click("#messages .chip")
    await reader.see('#messages .chip[aria-pressed="false"]', "1")
    assert workspace.messages(general)[0].reactions == {"repeat": [ben]}


async def test_a_button_reaches_the_app(
    workspace: Workspace,
    bolt: AsyncApp,
    connect: StartApp,
    reader: Reader,
    client: AsyncWebClient,
    general: str,
) -> None:
    clicked = asyncio.Event()

    @bolt.action("again")
    async def again(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        await respond(text="again it is", replace_original=True)
        clicked.set()

    await connect()
    label = {"type": "plain_text", "text": "Again"}
    row = {"type": "actions", "elements": [{"type": "button", "action_id": "again", "text": label}]}
    await client.chat_postMessage(channel=general, text="x", blocks=[row])
    await reader.open("ada")
    await reader.click('#messages button[data-action="again"]')
    await asyncio.wait_for(clicked.wait(), 10)
    await reader.see("#messages .content", "again it is")


def form() -> Json:
    def label(text: str) -> dict[str, str]:
        return {"type": "plain_text", "text": text}

    options = [{"text": label(text.title()), "value": text} for text in ("blog", "mail")]
    inputs: dict[str, Json] = {
        "what": {"type": "plain_text_input", "multiline": True, "max_length": 12},
        "kind": {"type": "static_select", "options": options},
        "flags": {"type": "checkboxes", "options": options},
    }
    rows = [
        {"type": "input", "block_id": b, "label": label(b), "element": e | {"action_id": "v"}}
        for b, e in inputs.items()
    ]
    title = {"title": label("New draft"), "submit": label("Draft"), "callback_id": "draft"}
    return {"type": "modal", "blocks": rows, **title}


@pytest.fixture
async def opened_form(
    workspace: Workspace,
    bolt: AsyncApp,
    connect: StartApp,
    reader: Reader,
    general: str,
) -> Reader:
    """Return a page on which a command has opened a modal."""

    @bolt.command("/draft")
    async def draft(ack: Any, command: Any, client: Any) -> None:
        await client.views_open(trigger_id=command["trigger_id"], view=form())
        await ack()

    await connect()
    await reader.open("ada")
    await reader.type("#composer-text", "/draft", Keys.ENTER)
    await reader.see("#modal-title", "New draft")
    return reader


async def test_a_modal_shows_errors_and_cuts_nothing_that_was_typed(
    workspace: Workspace, bolt: AsyncApp, opened_form: Reader
) -> None:
    got: list[Any] = []

    @bolt.view("draft")
    async def submitted(ack: AsyncAck, view: Json) -> object:
        values = view["state"]["values"]
        got.append([o["value"] for o in values["flags"]["v"]["selected_options"]])
        if values["what"]["v"]["value"] == "tea":
            return await ack(response_action="errors", errors={"what": "Say more."})
        return await ack()

    reader = opened_form
    assert await reader.focused() == "input-what"
    await reader.type("#input-what", "tea")
    await reader.click('#modal [type="submit"]')
    await reader.see('[data-error="kind"]', "required")
    assert got == []
    Select(reader.browser.find_element(By.ID, "input-kind")).select_by_value("mail")
    await reader.click('#input-flags input[value="blog"]')
    await reader.click('#modal [type="submit"]')
    await reader.see('[data-error="what"]', "Say more.")
    await reader.type("#input-what", " and cakes")
    await reader.click('#modal [type="submit"]')
    await reader.see('[data-error="what"]', "At most 12 characters.")
    await reader.type("#input-what", Keys.BACKSPACE)
    await reader.click('#modal [type="submit"]')
    await reader.not_see("#modal")
    assert got == [["blog"], ["blog"]]


async def test_escape_closes_a_modal(workspace: Workspace, opened_form: Reader, ada: str) -> None:
    await opened_form.type("#input-what", Keys.ESCAPE)
    await opened_form.not_see("#modal")
    assert workspace.views(ada) == []


async def test_a_thread_is_opened_answered_and_left_by_keyboard(
    workspace: Workspace, reader: Reader, ada: str, general: str
) -> None:
    root = await workspace.say(ada, general, "root")
    await reader.open("ada")
    await reader.click('#messages [data-key="thread"]')
    assert await reader.focused() == "reply-text"
    await reader.type(
        "#reply-text", "make it", Keys.SHIFT, Keys.ENTER, Keys.NULL, "formal", Keys.ENTER
    )
    await reader.see("#replies", "formal")
    assert [m.text for m in workspace.messages(general, root)] == ["root", "make it\nformal"]
    await reader.type("#reply-text", "/draft x", Keys.ENTER)
    await reader.see("#reply .hint", "do not work in threads")
    await reader.type("#reply-text", Keys.ESCAPE)
    await reader.not_see("#thread")


async def test_the_sidebar_keeps_the_focus_when_somebody_says_something(
    workspace: Workspace, reader: Reader, ada: str, general: str
) -> None:
    await reader.open("ada")
    focus = "document.querySelector('#channels button').focus()"
    reader.browser.execute_script(focus)
    await workspace.say(ada, general, "hello")
    await reader.see("#messages", "hello")
    assert await reader.focused("data-channel") == "general"


async def test_what_is_said_is_never_html(
    workspace: Workspace, client: AsyncWebClient, reader: Reader, ada: str, general: str
) -> None:
    evil = '<img src=x onerror=alert(1)><script>document.title="owned"</script>'
    await workspace.say(ada, general, evil)
    await client.chat_postMessage(
        channel=general,
        text=evil,
        blocks=[
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": f"<javascript:alert(1)|press> {evil}"},
            },
            {"type": "markdown", "text": f"[press](javascript:alert(1)) {evil}"},
        ],
    )
    await reader.open("ada")
    await reader.see("#messages .block-markdown", "press")
    count = (
        "return document.querySelectorAll('#messages img, #messages script, #messages a').length"
    )
    assert reader.browser.execute_script(count) == 0


@pytest.mark.parametrize(
    ("text", "selector", "shown"),
    [
        ("a *bold* word", "strong", "bold"),
        ("an _italic_ word", "em", "italic"),
        ("a ~gone~ word", "s", "gone"),
        ("some `a*b*c` code", "code", "a*b*c"),
        ("```\nif a &lt; b:\n```", "pre", "if a < b:"),
        ("&gt; quoted", "blockquote", "quoted"),
        ("• one\n• two", "ul li:nth-child(2)", "two"),
        ("• one\n  • two", "ul ul li", "two"),
        ("until <!date^86400^{date_num} {time}|later>", "time", "1970"),
        ("see <https://example.com|the page>", 'a[rel~="noopener"]', "the page"),
        ("2*3*4 and snake_case_name", "p", "2*3*4 and snake_case_name"),
        ("&lt;!channel&gt; &amp;amp;", "p", "<!channel> &amp;"),
        ("hello <!here>", ".mention", "@here"),
    ],
)  # fmt: skip
async def test_mrkdwn_is_shown_as_slack_shows_it(
    workspace: Workspace,
    client: AsyncWebClient,
    reader: Reader,
    general: str,
    text: str,
    selector: str,
    shown: str,
) -> None:
    await client.chat_postMessage(channel=general, text=text)
    await reader.open("ada")
    await reader.see(f"#messages .content {selector}", shown)


async def test_rich_text_has_its_styles_and_no_markup_of_its_own(
    workspace: Workspace, client: AsyncWebClient, reader: Reader, general: str
) -> None:
    def text(words: str, **style: bool) -> Json:
        return {"type": "text", "text": words, "style": style}

    link = {"type": "link", "url": "https://example.com", "text": "a page"}
    section = [text("*as it is* <!here>\n"), text("new", bold=True, italic=True), link]
    parts = {"rich_text_section": section, "rich_text_preformatted": [text("if a < b")]}
    elements = [{"type": kind, "elements": inner} for kind, inner in parts.items()]
    item = {"type": "rich_text_section", "elements": [{"type": "channel", "channel_id": general}]}
    listed = {"type": "rich_text_list", "style": "ordered", "offset": 2, "elements": [item]}
    blocks = [{"type": "rich_text", "elements": [*elements, listed]}]
    await client.chat_postMessage(channel=general, text="x", blocks=blocks)
    await reader.open("ada")
    place = "#messages .block-rich_text"
    await reader.see(f"{place} p", "*as it is* <!here>\nnew")
    await reader.see(f"{place} em strong", "new")
    await reader.see(f"{place} a", "a page")
    await reader.see(f"{place} pre", "if a < b")
    await reader.see(f'{place} ol[start="3"] .mention', "#general")


async def test_a_person_sees_only_what_is_theirs(
    workspace: Workspace, client: AsyncWebClient, reader: Reader, ada: str, general: str
) -> None:
    ben = workspace.person("ben")
    workspace.channel("secret", private=True, members=[ben])
    await client.chat_postEphemeral(channel=general, user=ada, text="for ada alone")
    await reader.open("ada")
    await reader.see("#messages .whisper", "for ada alone")
    assert "secret" not in await reader.see("#channels")
    select = Select(reader.browser.find_element(By.ID, "you"))
    await asyncio.to_thread(select.select_by_visible_text, "ben")
    await reader.see("#channels", "secret")
    await reader.not_see("#messages .whisper")


async def test_a_deleted_message_leaves_the_page(
    workspace: Workspace, reader: Reader, ada: str, general: str
) -> None:
    ts = await workspace.say(ada, general, "away with me")
    await reader.open("ada")
    await reader.see("#messages", "away with me")
    await workspace.delete(ada, general, ts)
    await reader.see("#messages .empty")


MANIFEST = {
    "features": {
        "app_home": {"home_tab_enabled": True},
        "agent_view": {},
        "shortcuts": [
            {"name": "New draft", "type": "global", "callback_id": "draft"},
            {"name": "Draft from this", "type": "message", "callback_id": "from_message"},
        ],
    }
}


async def test_shortcuts_are_offered_by_name(
    workspace: Workspace, bolt: AsyncApp, connect: StartApp, reader: Reader, ada: str, general: str
) -> None:
    workspace.state.features = features_of(MANIFEST)

    @bolt.shortcut("draft")
    async def draft(ack: AsyncAck, shortcut: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=shortcut["trigger_id"], view=form())

    @bolt.shortcut("from_message")
    async def from_message(ack: AsyncAck, shortcut: Json, respond: AsyncRespond) -> None:
        await ack()
        await respond(f"I read: {shortcut['message']['text']}")

    await workspace.say(ada, general, "our plan")
    await connect()
    await reader.open("ada")
    await reader.type("#shortcuts summary", Keys.ENTER)
    await reader.see("#shortcuts .menu-items", "New draft")
    await reader.type("#shortcuts summary", Keys.ESCAPE)
    await reader.not_see("#shortcuts .menu-items")
    await reader.click("#messages .toolbar summary")
    await reader.click("#messages .menu-items button")
    await reader.see("#messages .whisper", "I read: our plan")
    await reader.click("#shortcuts summary")
    await reader.click("#shortcuts .menu-items button")
    await reader.see("#modal-title", "New draft")


async def test_a_file_is_attached_sent_and_fetched(
    workspace: Workspace, reader: Reader, ada: str, general: str, tmp_path: Path
) -> None:
    notes = tmp_path / "notes <1>.md"
    notes.write_text("We move to Lisbon.")
    await reader.open("ada")
    await reader.type("#composer [type=file]", str(notes))
    await reader.see("#composer .attached", "notes <1>.md")
    await reader.click("#composer .attached button")
    await reader.not_see("#composer .attached li")
    await reader.type("#composer [type=file]", str(notes))
    await reader.type("#composer-text", "/draft it", Keys.ENTER)
    await reader.see("#composer .hint", "carry no files")
    await reader.see("#composer .attached", "notes <1>.md")
    await reader.type("#composer-text", *[Keys.BACKSPACE] * 9, "look", Keys.ENTER)
    await reader.see("#messages .files a", "18 bytes")
    await reader.not_see("#composer .attached li")
    (message,) = workspace.messages(general)
    (file,) = message.files
    assert (message.text, file.name, file.mimetype) == ("look", "notes <1>.md", "text/markdown")
    link = reader.browser.find_element(By.CSS_SELECTOR, "#messages .files a").get_attribute("href")
    assert link is not None
    async with aiohttp.ClientSession() as session, session.get(link) as response:
        assert await response.text() == "We move to Lisbon."
        assert response.headers["Content-Disposition"].startswith("attachment")
    ben = workspace.person("ben")
    await workspace.upload(ben, workspace.dm(ben), "secret.txt", b"x")
    theirs = link.replace(file.id, list(workspace.state.files)[-1])
    async with aiohttp.ClientSession() as session, session.get(theirs) as response:
        assert response.status == 404


async def test_a_form_takes_files_places_and_groups(
    workspace: Workspace,
    bolt: AsyncApp,
    connect: StartApp,
    reader: Reader,
    ada: str,
    general: str,
    tmp_path: Path,
) -> None:
    got: list[Any] = []
    label = {"type": "plain_text", "text": "It"}
    option = {"text": label, "value": "it"}
    elements: dict[str, Json] = {
        "file": {"type": "file_input", "filetypes": ["md"], "max_files": 1},
        "place": {"type": "conversations_select", "default_to_current_conversation": True},
        "kind": {"type": "static_select", "option_groups": [{"label": label, "options": [option]}]},
    }
    rows = [
        {"type": "input", "block_id": b, "label": label, "element": e | {"action_id": "v"}}
        for b, e in elements.items()
    ]
    rows[0]["hint"] = {"type": "plain_text", "text": "A page of notes"}

    @bolt.command("/draft")
    async def draft(ack: AsyncAck, command: Json, client: AsyncWebClient) -> None:
        view = form() | {"blocks": rows}
        await client.views_open(trigger_id=command["trigger_id"], view=view)
        await ack()

    @bolt.view("draft")
    async def submitted(ack: AsyncAck, view: Json) -> None:
        got.append({block: value["v"] for block, value in view["state"]["values"].items()})
        await ack()

    await connect()
    await reader.open("ada")
    await reader.type("#composer-text", "/draft", Keys.ENTER)
    await reader.see("#input-file-hint", "A page of notes")
    notes = tmp_path / "notes.md"
    notes.write_text("tea")
    await reader.type("#input-file", str(notes))
    await reader.click('#modal [type="submit"]')
    await reader.see('[data-error="kind"]', "required")
    Select(reader.browser.find_element(By.ID, "input-kind")).select_by_value("it")
    await reader.click('#modal [type="submit"]')
    await reader.not_see("#modal")
    (values,) = got
    assert [file["name"] for file in values["file"]["files"]] == ["notes.md"]
    assert values["place"]["selected_conversation"] == general
    assert values["kind"]["selected_option"]["value"] == "it"
    assert len(workspace.state.files) == 1


async def test_an_input_keeps_what_was_typed_over_an_update_with_the_same_ids(
    workspace: Workspace, bolt: AsyncApp, client: AsyncWebClient, opened_form: Reader, ada: str
) -> None:
    texts: list[str] = []

    def chosen(title: str) -> Json:
        view = form() | {"title": {"type": "plain_text", "text": title}}
        view["blocks"][1]["dispatch_action"] = True
        view["blocks"][0]["element"]["placeholder"] = view["title"]
        return view

    @bolt.action("v")
    async def choose(ack: AsyncAck, body: Json, action: Json) -> None:
        await ack()
        texts.append(body["view"]["state"]["values"]["what"]["v"]["value"])
        title = f"A {action['selected_option']['value']}"
        await client.views_update(view_id=body["view"]["id"], view=chosen(title))

    reader = opened_form
    (view,) = workspace.views(ada)
    await client.views_update(view_id=view.id, view=chosen("Choose"))
    await reader.see("#modal-title", "Choose")
    for kind, more in (("mail", "tea"), ("blog", " and cake")):
        await reader.type("#input-what", more)
        Select(reader.browser.find_element(By.ID, "input-kind")).select_by_value(kind)
        await reader.see("#modal-title", f"A {kind}")
    assert texts == ["tea", "tea and cake"]


async def test_an_open_menu_stays_open_when_its_message_is_drawn_again(
    workspace: Workspace, client: AsyncWebClient, reader: Reader, ada: str, general: str
) -> None:
    options = [{"text": {"type": "plain_text", "text": "Why?"}, "value": "why"}]
    menus = [{"type": "overflow", "action_id": name, "options": options} for name in ("a", "b")]
    posted = await client.chat_postMessage(
        channel=general, text="draft", blocks=[{"type": "actions", "elements": menus}]
    )
    await reader.open("ada")
    await reader.click('#messages [data-action="b"] summary')
    await reader.type('#messages [data-action="b"] button', Keys.ARROW_DOWN)
    await workspace.react(ada, general, posted["ts"], "eyes")
    await reader.see("#messages .chip")
    await reader.see('#messages [data-action="b"] button', "Why?")
    assert reader.shown('#messages [data-action="a"] button') == []
    assert await reader.focused("data-key") == "b/why"
    await reader.type('#messages [data-action="b"] button', Keys.ESCAPE)
    await reader.not_see("#messages .menu-items")


async def test_a_choice_is_made_once_the_person_is_sure(
    workspace: Workspace,
    bolt: AsyncApp,
    connect: StartApp,
    reader: Reader,
    client: AsyncWebClient,
    ada: str,
    general: str,
) -> None:
    chosen: list[str] = []

    @bolt.action("pick")
    async def pick(ack: AsyncAck, action: Json) -> None:
        await ack()
        chosen.append(action["selected_option"]["value"])

    await connect()

    def text(words: str) -> dict[str, str]:
        return {"type": "plain_text", "text": words}

    options = [{"text": text(word), "value": word} for word in ("longer", "shorter")]
    sure = {name: text(name) for name in ("title", "text", "confirm", "deny")}
    select = {"type": "static_select", "action_id": "pick", "options": options, "confirm": sure}
    more = {"type": "overflow", "action_id": "pick", "options": options}
    blocks: list[Json] = [
        {"type": "actions", "elements": [select]},
        {"type": "section", "text": text("x"), "accessory": more},
    ]
    await client.chat_postMessage(channel=general, text="x", blocks=blocks)
    await reader.open("ada")
    field = '#messages select[data-action="pick"]'
    for answer in ("no", "yes"):
        Select(reader.browser.find_element(By.CSS_SELECTOR, field)).select_by_value("longer")
        await reader.see("#confirm-title", "title")
        await reader.click(f'#confirm [data-answer="{answer}"]')
        await reader.not_see("#confirm")
    await workspace.until(lambda: chosen)
    await reader.click("#messages .block-section summary")
    await reader.click("#messages .block-section .menu-items button:last-child")
    await workspace.until(lambda: len(chosen) == 2)
    assert chosen == ["longer", "shorter"]


async def test_thumbs_show_which_one_was_pressed_and_tell_the_app_each_time(
    bolt: AsyncApp,
    connect: StartApp,
    reader: Reader,
    client: AsyncWebClient,
    workspace: Workspace,
    general: str,
) -> None:
    clicked: list[str] = []

    @bolt.action("rate")
    async def rate(ack: AsyncAck, action: Json) -> None:
        await ack()
        clicked.append(action["value"])

    await connect()
    pair = {
        f"{name}_button": {"text": {"type": "plain_text", "text": value}, "value": value}
        for name, value in (("positive", "Good"), ("negative", "Bad"))
    }
    thumbs = {"type": "feedback_buttons", "action_id": "rate", **pair}
    blocks: list[Json] = [{"type": "context_actions", "elements": [thumbs]}]
    await client.chat_postMessage(channel=general, text="x", blocks=blocks)
    await reader.open("ada")
    pressed = '#messages .button[aria-pressed="true"]'
    for name in ("Good", "Bad", "Bad"):
        await reader.click(f'#messages .feedback [aria-label="{name}"]')
    await workspace.until(lambda: len(clicked) == 3)
    assert clicked == ["Good", "Bad", "Bad"]
    await reader.not_see(pressed)
    await reader.click('#messages .feedback [aria-label="Good"]')
    await reader.see(f'{pressed}[aria-label="Good"]')


async def test_the_app_has_a_home_beside_its_messages(
    workspace: Workspace,
    bolt: AsyncApp,
    connect: StartApp,
    reader: Reader,
    client: AsyncWebClient,
    ada: str,
) -> None:
    tabs: list[str] = []
    clicked: list[str] = []

    @bolt.event("app_home_opened")
    async def opened(event: Json) -> None:
        tabs.append(event["tab"])

    @bolt.action("begin")
    async def begin(ack: AsyncAck, action: Json) -> None:
        await ack()
        clicked.append(action["value"])

    await connect()
    label = {"type": "plain_text", "text": "Begin a draft"}
    button = {"type": "button", "action_id": "begin", "text": label}
    other = button | {"value": "other"}
    rows = [{"type": "actions", "elements": [each]} for each in (other, button | {"value": "it"})]
    view = {"type": "home", "blocks": rows}
    await reader.open("ada", "draftsmith")
    await reader.click("#tab-home")
    await reader.see("#home", "not shown anything")
    await client.views_publish(user_id=ada, view=view)
    await reader.see('#home button[data-action="begin"]', "Begin a draft")
    await reader.not_see("#composer")
    await reader.click('#home .block:nth-child(2) button[data-action="begin"]')
    await workspace.until(lambda: clicked)
    assert clicked == ["it"]
    await reader.click("#tab-messages")
    await reader.see("#composer-text")
    await workspace.until(lambda: len(tabs) == 2)
    assert tabs == ["home", "messages"]


async def test_the_messages_tab_has_prompts_and_says_what_the_app_sees(
    workspace: Workspace, bolt: AsyncApp, connect: StartApp, reader: Reader, ada: str, general: str
) -> None:
    @bolt.event("app_home_opened")
    async def opened(event: Json, client: AsyncWebClient) -> None:
        prompt = {"title": "A blog post", "message": "blog: our new office"}
        await client.assistant_threads_setSuggestedPrompts(
            channel_id=event["channel"], title="What shall I write?", prompts=[prompt]
        )

    @bolt.event("app_context_changed")
    async def moved() -> None:
        return

    await connect()
    await reader.open("ada", "general")
    await reader.not_see("#prompts")
    await reader.click('#dms [data-channel="draftsmith"]')
    await reader.see("#prompts", "What shall I write?")
    await reader.see("#beside", "#general")
    await reader.click("#tab-home")
    await reader.not_see("#prompts")
    await reader.click("#tab-messages")
    await reader.click("#prompts button")
    await reader.see("#messages", "blog: our new office")
    await reader.not_see("#prompts")
    (message,) = workspace.messages(workspace.dm(ada))
    assert (message.text, message.thread_ts) == ("blog: our new office", None)


async def test_a_thread_shows_that_the_app_works_and_slacks_own_stop_button(
    workspace: Workspace, bolt: AsyncApp, connect: StartApp, reader: Reader, ada: str, general: str
) -> None:
    @bolt.event("agent_session_stopped")
    async def stopped(event: Json, client: AsyncWebClient) -> None:
        at = {"channel_id": event["channel"], "thread_ts": event["thread_ts"]}
        await client.agents_sessions_setStatus(**at, status="active")

    await connect()
    client = bolt.client
    ts = await workspace.say(ada, general, "tea")
    await workspace.say(ada, general, "please", thread_ts=ts)
    await reader.open("ada", "general")
    await reader.click("#messages button.replies")
    await reader.see("#thread-name", "Thread")
    await reader.not_see("#session")
    at = {"channel_id": general, "thread_ts": ts}
    await client.agents_sessions_setStatus(**at, status="processing", title="A text on tea")
    await reader.see("#session", "Working on: A text on tea")
    await reader.see("#thread-name", "A text on tea")
    await reader.click("#session button")
    await reader.not_see("#session")
    session = workspace.session(general, ts)
    assert session is not None
    assert session.status == "active"


async def test_a_thread_shows_what_the_app_says_that_it_does(
    workspace: Workspace, reader: Reader, client: AsyncWebClient, ada: str, general: str
) -> None:
    ts = await workspace.say(ada, general, "tea")
    await workspace.say(ada, general, "please", thread_ts=ts)
    await client.assistant_threads_setStatus(
        channel_id=general,
        thread_ts=ts,
        status="is writing ...",
        loading_messages=["Sharpening the pencil"],
    )
    await reader.open("ada", "general")
    await reader.click("#messages button.replies")
    await reader.see("#status", "Sharpening the pencil")
    await client.chat_postMessage(channel=general, thread_ts=ts, text="We are open.")
    await reader.see("#replies", "We are open.")
    await reader.not_see("#status")
