"""The page keeps its place: threads in sight, half-written text, reloads, Back, and tabs."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace, cast
from bot.workspace.objects import Json
from tests.bot.bolt_app import StartApp
from tests.reader import Reader


@pytest.fixture
def drafting(bolt: AsyncApp) -> None:
    """Let `/draft x` post a root for whoever asked, and a reply under it."""

    @bolt.command("/draft")
    async def draft(ack: AsyncAck, command: Json, client: AsyncWebClient) -> None:
        await ack()
        text = f"<@{command['user_id']}> asked for {command['text']}"
        root = await client.chat_postMessage(channel=command["channel_id"], text=text)
        place = {"channel": command["channel_id"], "thread_ts": root["ts"]}
        await client.chat_postMessage(text=f"A draft on {command['text']}.", **place)


def value(reader: Reader, box: str) -> str:
    return str(reader.browser.find_element(By.CSS_SELECTOR, box).get_property("value"))


async def test_the_thread_that_a_command_begins_is_in_sight(
    workspace: Workspace, drafting: None, connect: StartApp, reader: Reader, general: str
) -> None:
    await connect()
    await reader.open("ada")
    await reader.type("#composer-text", "/draft rain", Keys.ENTER)
    await reader.see("#replies", "A draft on rain.")
    assert await reader.focused() == "composer-text"
    await reader.type("#composer-text", "/draft sun", Keys.ENTER)
    await reader.see("#replies", "A draft on sun.")
    (_, second) = workspace.messages(general)
    assert f"thread={second.ts}" in reader.browser.current_url


async def test_an_answer_to_a_message_opens_and_the_drafts_of_others_do_not(
    workspace: Workspace, client: AsyncWebClient, reader: Reader, ada: str, general: str
) -> None:
    ben = workspace.person("ben")
    await reader.open("ada")
    await reader.type("#composer-text", "@draftsmith blog: rain", Keys.ENTER)
    await reader.see("#messages", "blog: rain")
    other = await client.chat_postMessage(channel=general, text=f"<@{ben}> asked for sun")
    await client.chat_postMessage(channel=general, thread_ts=other["ts"], text="For Ben.")
    await client.chat_postMessage(channel=general, text="What somebody accepted.")
    theirs = await workspace.say(ben, general, "shall we?")
    await client.chat_postMessage(channel=general, thread_ts=theirs, text="For Ben.")
    await reader.see("#messages li:last-child", "1 reply")
    assert reader.shown("#thread") == []
    (mine, *_) = workspace.messages(general)
    await client.chat_postMessage(channel=general, thread_ts=mine.ts, text="For Ada.")
    await reader.see("#replies", "For Ada.")


async def test_whoever_went_elsewhere_is_not_fetched_back(
    workspace: Workspace, client: AsyncWebClient, reader: Reader, ada: str, general: str
) -> None:
    workspace.channel("other", members=[ada])
    await reader.open("ada")
    await reader.type("#composer-text", "@draftsmith rain", Keys.ENTER)
    await reader.see("#messages", "rain")
    await reader.click('#channels [data-channel="other"]')
    root = await client.chat_postMessage(channel=general, text=f"<@{ada}> asked for rain")
    await client.chat_postMessage(channel=general, thread_ts=root["ts"], text="It rains.")
    await reader.see('#channels [data-channel="general"].unread')
    await reader.click('#channels [data-channel="general"]')
    await reader.see("#messages", "1 reply")
    assert reader.shown("#thread") == []


async def test_half_written_text_stays_with_its_channel_its_thread_and_its_person(
    workspace: Workspace, reader: Reader, ada: str, general: str
) -> None:
    ben = workspace.person("ben")
    workspace.channel("other", members=[ada])
    await workspace.say(ada, general, "root")
    await reader.open("ada")
    await reader.type("#composer-text", "in general")
    await reader.click('#channels [data-channel="other"]')
    await reader.see("#channel-name", "other")
    assert value(reader, "#composer-text") == ""
    await reader.type("#composer-text", "in the other")
    await reader.click('#channels [data-channel="general"]')
    await reader.see("#channel-name", "general")
    assert value(reader, "#composer-text") == "in general"
    await reader.click('#messages [data-key="thread"]')
    await reader.type("#reply-text", "in the thread")
    assert value(reader, "#composer-text") == "in general"
    await reader.choose("#you", ben)
    await reader.sees_value("#reply-text", "")
    assert value(reader, "#composer-text") == ""
    await reader.choose("#you", ada)
    await reader.sees_value("#reply-text", "in the thread")
    assert value(reader, "#composer-text") == "in general"


async def test_a_refused_text_comes_back_where_it_was_typed(
    workspace: Workspace, reader: Reader, ada: str, general: str
) -> None:
    other = workspace.channel("other", members=[ada])
    workspace.archive(general)
    await reader.open("ada")
    await reader.type("#composer-text", "too late", Keys.ENTER)
    await reader.see("#composer .hint", "archived")
    await reader.sees_value("#composer-text", "too late")
    await reader.click('#channels [data-channel="other"]')
    await reader.not_see("#composer .hint")
    await reader.type("#composer-text", "in time", Keys.ENTER)
    await reader.see("#messages", "in time")
    assert [m.text for m in workspace.messages(other)] == ["in time"]
    await reader.click('#channels [data-channel="general"]')
    await reader.sees_value("#composer-text", "too late")


async def test_a_reload_keeps_the_thread_and_what_was_typed_and_the_address_has_no_text(
    workspace: Workspace, reader: Reader, ada: str, general: str
) -> None:
    workspace.channel("other", members=[ada])
    await workspace.say(ada, general, "root")
    await reader.open("ada", "other")
    await reader.click('#channels [data-channel="general"]')
    await reader.click('#messages [data-key="thread"]')
    await reader.type("#composer-text", "unsent words")
    await reader.type("#reply-text", "of mine")
    await reader.reload()
    await reader.see("#replies", "root")
    await reader.see("#channel-name", "general")
    assert value(reader, "#composer-text") == "unsent words"
    assert value(reader, "#reply-text") == "of mine"
    assert "unsent" not in reader.browser.current_url
    assert "mine" not in reader.browser.current_url
    await reader.type("#reply-text", Keys.ENTER)
    await reader.see("#replies", "of mine")
    await reader.reload()
    await reader.see("#replies", "of mine")
    assert value(reader, "#reply-text") == ""


async def test_back_and_forward_lead_through_channels_threads_and_people(
    workspace: Workspace, reader: Reader, ada: str, general: str
) -> None:
    ben = workspace.person("ben")
    workspace.channel("other", members=[ada])
    await workspace.say(ada, general, "root")
    await reader.open("ada")
    await reader.click('#messages [data-key="thread"]')
    await reader.see("#thread")
    await reader.click('#channels [data-channel="other"]')
    await reader.not_see("#thread")
    await reader.choose("#you", ben)
    await reader.see("#channel-name", "other")
    reader.browser.back()
    await reader.sees_value("#you", ada)
    reader.browser.back()
    await reader.see("#channel-name", "general")
    await reader.see("#replies", "root")
    reader.browser.back()
    await reader.not_see("#thread")
    await reader.see("#channel-name", "general")
    reader.browser.forward()
    await reader.see("#replies", "root")


async def test_the_cast_is_three_people_in_two_channels_and_each_sees_their_own(
    workspace: Workspace, reader: Reader
) -> None:
    people = cast.enter(workspace)
    await reader.open("ana", "launch")
    offered = await reader.see("#you")
    assert [line.strip() for line in offered.splitlines() if line.strip()] == [
        "ana", "mei (reads Chinese)", "gus (guest)",
    ]  # fmt: skip
    await reader.see('#channels [data-channel="plans"]:has(.icon-lock)')
    assert "plans" in await reader.see("#channels")
    await reader.click('#channels [data-channel="plans"]')
    await reader.see("#channel-name", "plans")
    await reader.choose("#you", people.mei)
    await reader.sees_value("#you", people.mei)
    await reader.see("#channel-name", "plans")
    await reader.choose("#you", people.gus)
    await reader.see("#channel-name", "launch")
    assert "plans" not in await reader.see("#channels")


async def test_a_reload_keeps_what_was_typed_in_a_form_until_it_is_closed(
    bolt: AsyncApp, connect: StartApp, reader: Reader, general: str
) -> None:
    def label(words: str) -> Json:
        return {"type": "plain_text", "text": words}

    options = [{"text": label(word), "value": word} for word in ("blog", "mail")]
    elements: list[Json] = [
        {"type": "plain_text_input", "multiline": True},
        {"type": "static_select", "options": options},
        {"type": "radio_buttons", "options": options},
    ]
    rows = [
        {
            "type": "input",
            "block_id": f"b{i}",
            "label": label("it"),
            "element": e | {"action_id": "v"},
        }
        for i, e in enumerate(elements)
    ]

    @bolt.command("/draft")
    async def draft(ack: AsyncAck, command: Json, client: AsyncWebClient) -> None:
        view = {"type": "modal", "title": label("New"), "submit": label("Go"), "blocks": rows}
        await client.views_open(trigger_id=command["trigger_id"], view=view)
        await ack()

    await connect()
    await reader.open("ada")
    await reader.type("#composer-text", "/draft", Keys.ENTER)
    await reader.type("#input-b0", "half a sentence")
    await reader.choose("#input-b1", "mail")
    await reader.click('#input-b2 input[value="blog"]')
    await reader.reload()
    await reader.see("#input-b0")
    await reader.sees_value("#input-b0", "half a sentence")
    await reader.sees_value("#input-b1", "mail")
    await reader.see('#input-b2 input[value="blog"]:checked')
    await reader.click("#modal header button")
    await reader.not_see("#modal")
    kept = "return Object.values(sessionStorage).filter((text) => text.includes('half')).length"
    assert reader.browser.execute_script(kept) == 0


@pytest.fixture
def second_tab(reader: Reader) -> Iterator[Reader]:
    """Yield the same reader once a second tab is there, which is closed at the end."""
    yield reader
    first, *others = reader.browser.window_handles
    for other in others:
        reader.browser.switch_to.window(other)
        reader.browser.get("about:blank")
        reader.browser.close()
    reader.browser.switch_to.window(first)


@pytest.fixture
async def forms(bolt: AsyncApp, connect: StartApp) -> None:
    """Let `/draft x` open a form with the title x."""

    @bolt.command("/draft")
    async def draft(ack: AsyncAck, command: Json, client: AsyncWebClient) -> None:
        title = {"type": "plain_text", "text": command["text"]}
        text = {"type": "section", "text": title}
        view = {"type": "modal", "title": title, "blocks": [text]}
        await client.views_open(trigger_id=command["trigger_id"], view=view)
        await ack()

    await connect()


@pytest.mark.usefixtures("forms")
async def test_a_modal_opens_only_in_the_tab_in_which_the_person_acted(
    workspace: Workspace, second_tab: Reader, ada: str, general: str
) -> None:
    reader = second_tab
    await reader.open("ada")
    first = reader.browser.current_window_handle
    reader.browser.switch_to.new_window("tab")
    second = reader.browser.current_window_handle
    await reader.open("ada")
    await reader.type("#composer-text", "/draft second", Keys.ENTER)
    await reader.see("#modal-title", "second")
    reader.browser.switch_to.window(first)
    await workspace.say(ada, general, "the first tab is up to date")
    await reader.see("#messages", "up to date")
    assert reader.shown("#modal") == []
    await reader.type("#composer-text", "/draft first", Keys.ENTER)
    await reader.see("#modal-title", "first")
    await reader.reload()
    await reader.see("#modal-title", "first")
    reader.browser.switch_to.window(second)
    await reader.see("#modal-title", "second")
    await reader.click("#modal header button")
    await reader.not_see("#modal")
    assert [view.body["title"]["text"] for view in workspace.views(ada)] == ["first"]


@pytest.mark.usefixtures("forms", "general")
async def test_a_copy_of_a_tab_is_another_tab(second_tab: Reader) -> None:
    reader = second_tab
    await reader.open("ada")
    # Like "Duplicate tab", this copies what the tab keeps.
    reader.browser.execute_script("window.open(location.href)")
    first, second = reader.browser.window_handles
    reader.browser.switch_to.window(second)
    await reader.type("#composer-text", "/draft second", Keys.ENTER)
    await reader.see("#modal-title", "second")
    await reader.reload()
    await reader.see("#modal-title", "second")
    reader.browser.switch_to.window(first)
    await reader.see("#messages", "Nothing here yet")
    assert reader.shown("#modal") == []
    await reader.reload()
    await reader.see("#messages", "Nothing here yet")
    assert reader.shown("#modal") == []


async def test_group_dms_stand_below_direct_messages_under_the_names_of_their_people(
    workspace: Workspace, reader: Reader, ada: str, general: str
) -> None:
    group = workspace.group_dm(ada, workspace.person("ben"), workspace.person("cy"))
    await reader.open("ada")
    await reader.see("#dms", "ben, cy, draftsmith")
    await reader.click('#dms [data-channel="ben, cy, draftsmith"]')
    await reader.see("#channel-name", "ben, cy, draftsmith")
    await reader.type("#composer-text", "hello, all", Keys.ENTER)
    await reader.see("#messages", "hello, all")
    assert [m.text for m in workspace.messages(group)] == ["hello, all"]
    await reader.reload()
    await reader.see("#messages", "hello, all")


async def test_no_app_is_invited_into_a_group_dm_for_slack_has_no_way_to_do_it(
    workspace: Workspace, reader: Reader, ada: str, general: str
) -> None:
    workspace.group_dm(ada, workspace.person("ben"), workspace.person("cy"), bot=False)
    await reader.open("ada")
    await reader.click('#dms [data-channel="ben, cy"]')
    await reader.see("#channel-note", "The app is not in here.")
    assert reader.shown("#invite") == []
