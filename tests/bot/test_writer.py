"""A writer's way through the app, at the page in a real browser: what they do and see."""

import io
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import docx
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from bot.app import Bot
from bot.workspace import Workspace
from tests.person import Person, StartBot
from tests.reader import Reader, reply, row
from tests.scripted_engine import Json, ScriptedEngine

LISBON = "We open on Monday.\n\nThe kitchen has the best view. Come and see it."


def lisbon(body: Json) -> str:
    """Write a text that shows what was asked for."""
    wish = body["messages"][-1]["content"]
    if "shorter" in wish:
        return "We open on Monday."
    return LISBON.replace("Come", "Take the tram") if "tram" in wish else LISBON


@pytest.fixture
async def writer(bot: Bot, ana: Person, engine: ScriptedEngine, reader: Reader) -> Reader:
    """Return Ana, in the channel where she works."""
    engine.write = lisbon
    await reader.open("ana", "launch")
    return reader


async def ask(writer: Reader, brief: str) -> None:
    """Type the command, and open the thread that it begins."""
    await writer.type("#composer-text", f"/draft {brief}", Keys.ENTER)
    await writer.click("#messages li:last-child button.replies")


async def test_the_form_makes_two_drafts_of_a_file_side_by_side(
    writer: Reader, engine: ScriptedEngine, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text("The kitchen looks over the river.")
    engine.gate.clear()
    await writer.type("#composer-text", "/draft", Keys.ENTER)
    await writer.see("#modal-title", "New draft")
    assert await writer.focused() == "input-brief"
    await writer.choose("#input-kind", "blog")
    await writer.type("#input-brief", "our new office in Lisbon")
    await writer.type("#input-files", str(notes))
    await writer.choose("#input-drafts", "2")
    await writer.click('#modal [type="submit"]')
    await writer.see("#messages", "asked for a blog post: our new office in Lisbon")
    await writer.see("#messages .block-context", "2 drafts are being written.")
    await writer.click("#messages button.replies")
    await writer.see(reply(2) + ".streaming", "Draft 2")
    await writer.see(reply(1) + ".streaming", "Draft 1")
    engine.gate.set()
    for number in (1, 2):
        await writer.see(reply(number, ".button.primary"), "Accept")
        assert "best view" in await writer.see(reply(number, ".content"))
    assert "looks over the river" in engine.requests[0]["messages"][1]["content"]
    await writer.see("#replies .block-context", "2 drafts · newest: Draft 2")


async def test_a_button_a_reply_and_an_emoji_each_make_another_draft(writer: Reader) -> None:
    await ask(writer, "blog: our new office in Lisbon")
    await writer.pick(row(1), "shorter")
    await writer.see(row(2))
    assert "kitchen" not in await writer.see(reply(2, ".content"), "Draft 2, made from draft 1")
    await writer.type("#reply-text", "1: mention the tram", Keys.ENTER)
    await writer.see(reply(4, ".content"), "Draft 3, made from draft 1")
    await writer.see(row(4))
    await writer.click(reply(4, '.toolbar [data-key="react/repeat"]'))
    await writer.see(reply(5, ".content"), "Draft 4, another version of draft 3")


async def test_what_changed_and_why_are_told_in_pages_that_close(writer: Reader) -> None:
    await ask(writer, "blog: our new office in Lisbon")
    await writer.see(row(1))
    await writer.type("#reply-text", "mention the tram", Keys.ENTER)
    await writer.pick(row(3), "changes")
    await writer.see("#modal", "Against draft 1: 3 words added, 1 removed.")
    await writer.see("#modal .block-rich_text strong", "Take the tram")
    await writer.see("#modal .block-rich_text s", "Come")
    await writer.see("#modal .block-rich_text", "We open on Monday.\n\nThe kitchen")
    await writer.click("#modal footer .button")
    await writer.not_see("#modal")
    await writer.pick(row(3), "why")
    page = await writer.see("#modal", "draft 1, and this wish: mention the tram")
    assert "a blog post" in page
    assert "scripted" in page


async def test_a_free_instruction_is_typed_into_a_form(writer: Reader) -> None:
    await ask(writer, "blog: our new office in Lisbon")
    await writer.click(reply(1, '[data-action="change_form"]'))
    await writer.see("#modal-title", "Change a draft")
    await writer.type("#input-change", "请写短一点")
    await writer.click('#modal [type="submit"]')
    await writer.see('[data-error="change"]', "not Chinese")
    await writer.type("#input-change", Keys.CONTROL, "a", Keys.NULL, "mention the tram")
    await writer.click('#modal [type="submit"]')
    await writer.see(reply(2, ".content"), "Take the tram")


async def test_a_quick_choice_is_taken_in_the_same_form_and_one_of_both_is_needed(
    writer: Reader,
) -> None:
    await ask(writer, "blog: our new office in Lisbon")
    await writer.click(reply(1, '[data-action="change_form"]'))
    await writer.click('#modal [type="submit"]')
    await writer.see('[data-error="change"]', "take one of the choices below")
    await writer.choose("#input-rewrite", "formal")
    await writer.click('#modal [type="submit"]')
    await writer.see(reply(2, ".content"), "Draft 2, made from draft 1")


async def test_the_menu_of_the_last_draft_opens_in_sight(writer: Reader) -> None:
    await ask(writer, "n=2 blog: our new office in Lisbon")
    await writer.see(row(2))
    await writer.click(f"{row(2)} summary")
    item = f'{row(2)} [data-value^="why:"]'
    await writer.see(item)
    corners = (
        "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
        "return [box.x + 5, box.right - 5].map("
        "(x) => document.elementFromPoint(x, box.y + 5).dataset.value)"
    )
    left, right = writer.browser.execute_script(corners, item)
    assert left == right
    assert left.startswith("why:")
    widths = "const { scrollWidth, clientWidth } = arguments[0]; return [scrollWidth, clientWidth]"
    thread = writer.browser.find_element(By.ID, "replies")
    inside, shown = writer.browser.execute_script(widths, thread)
    assert inside == shown


async def test_a_thumb_down_asks_what_is_wrong_and_shows_that_it_is_pressed(
    writer: Reader,
) -> None:
    await ask(writer, "blog: our new office in Lisbon")
    await writer.click(reply(1, '.feedback [aria-label="Bad draft"]'))
    await writer.see("#modal-title", "What is wrong with it?")
    await writer.click('#modal input[value="tone"]')
    await writer.type("#input-words", "too stiff")
    await writer.click('#modal [type="submit"]')
    await writer.not_see("#modal")
    await writer.see(reply(1, '.feedback [aria-label="Bad draft"][aria-pressed="true"]'))


async def test_stop_at_the_head_of_the_thread_keeps_what_was_shown(
    writer: Reader, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: "It rains. " * 500
    engine.pause = 0.02
    await ask(writer, "rain")
    await writer.see(reply(1, ".content"), "It rains.")
    await writer.click(reply(0, '[data-action="stop_thread"]'))
    await writer.see(reply(1, ".block-context"), "Stopped.")
    await writer.see(reply(1, ".content"), "It rains.")
    await writer.not_see('[data-action="stop_thread"]')


async def test_an_accepted_draft_stands_in_the_channel_and_comes_as_a_word_file(
    writer: Reader,
) -> None:
    await ask(writer, "blog: our new office in Lisbon")
    await writer.click(reply(1, '[data-action="accept_form"]'))
    await writer.see("#modal-title", "Accept a draft")
    await writer.see("#modal", "The channel is #")
    await writer.click('#modal [type="submit"]')
    await writer.see("#messages li:last-child", "Drafted with AI, accepted by @ana · draft 1")
    await writer.see("#messages li:last-child", "best view")
    await writer.see("#messages li:first-child .block-context", "accepted: Draft 1")
    await writer.click(reply(1, '[data-action="accept_form"]'))
    await writer.click('#modal input[value="docx"]')
    await writer.click('#modal [type="submit"]')
    await writer.see("#replies .files a", ".docx")
    link = writer.browser.execute_script(
        "return document.querySelector('#replies .files a').getAttribute('href')"
    )
    async with aiohttp.ClientSession() as session:
        response = await session.get(urljoin(writer.url, link))
        document = docx.Document(io.BytesIO(await response.read()))
    assert [p.text for p in document.paragraphs] == LISBON.split("\n\n")
    # A link to a file shows the message that it came with.
    await writer.click("#thread-close")
    await writer.click("#messages li:first-child .block-context a[href*='/files/']")
    await writer.see("#replies .files a", ".docx")


async def test_the_head_of_a_thread_leads_to_the_newest_draft(writer: Reader) -> None:
    await ask(writer, "rain")
    await writer.see("#messages .block-context", "newest: Draft 1")
    await writer.click("#thread-close")
    await writer.click("#messages .block-context a")
    await writer.see(reply(1, ".content"), "Draft 1")


async def test_a_message_of_somebody_becomes_a_draft_by_its_menu(
    writer: Reader, workspace: Workspace, engine: ScriptedEngine, ana: Person
) -> None:
    await workspace.say(workspace.person("ben"), ana.channel, "We move in on Monday.")
    await writer.click("#messages .toolbar summary")
    await writer.click("#messages .toolbar .menu-items button")
    await writer.see("#modal", "Based on the message: 21 characters.")
    await writer.type("#input-brief", "news: our move")
    await writer.click('#modal [type="submit"]')
    await writer.click("#messages li:last-child button.replies")
    await writer.see(row(1))
    assert "We move in on Monday." in engine.requests[0]["messages"][1]["content"]


async def test_the_home_lists_what_was_begun_and_begins_another(
    writer: Reader, ana: Person
) -> None:
    await ask(writer, "blog: our new office in Lisbon")
    await writer.see("#messages .block-context", "newest: Draft 1")
    await writer.click('#dms [data-channel="draftsmith"]')
    await writer.click("#tab-home")
    await writer.see("#home", "a blog post: our new office in Lisbon · 1 draft")
    await writer.click('#home [data-action="new_draft"]')
    await writer.type("#input-brief", "the tram")
    await writer.choose("#input-channel", ana.channel)
    await writer.click('#modal [type="submit"]')
    await writer.not_see("#modal")
    await writer.click("#home a")
    await writer.see("#channel-name", "launch")
    await writer.see(reply(1, ".content"), "Draft 1")
    await writer.see("#messages li:last-child", "asked for a text: the tram")


async def test_a_conversation_begins_with_a_prompt_and_goes_on_in_its_thread(
    writer: Reader,
) -> None:
    await writer.click('#dms [data-channel="draftsmith"]')
    await writer.see("#prompts", "What shall I write?")
    await writer.click("#prompts button")
    await writer.click("#messages button.replies")
    await writer.see("#thread-name", "our new office in Lisbon")
    await writer.see("#replies", "best view")
    await writer.see('#replies [data-action="more"]')
    await writer.type("#reply-text", "mention the tram", Keys.ENTER)
    await writer.see("#replies", "Take the tram")


async def test_a_chinese_person_has_the_same_in_chinese(
    start: StartBot, workspace: Workspace, engine: ScriptedEngine, ana: Person, reader: Reader
) -> None:
    engine.write = lambda body: "短。" if len(body["messages"]) > 2 else "星期一开业。"
    workspace.person("mei", locale="zh-CN")
    async with start(model_languages=["en", "zh"]):
        await reader.open("mei", "launch")
        await ask(reader, "博客：里斯本的新办公室")
        await reader.see(reply(0), "要写一篇博客：里斯本的新办公室")
        await reader.see(reply(1, ".content"), "星期一开业。")
        await reader.see(reply(1, '[data-action="change_form"]'), "修改…")
        await reader.pick(row(1), "shorter")
        await reader.see(reply(2, ".content"), "短。")
        await reader.pick(row(2), "changes")
        await reader.see("#modal footer", "关闭")


async def test_a_draft_has_its_headings_lists_tables_and_code_and_no_live_link(
    writer: Reader, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: (
        "# The tram\n\nIt **climbs** *slowly*.\n\n1. castle\n   - its walls\n2. market\n\n"
        "| Stop | Minutes |\n| --- | ---: |\n| Graça | **12** |\n\n"
        "```\nif a < b: <!here>\n```\n\nSee [the line](https://tram.example.pt/28)."
    )
    await ask(writer, "the tram")
    await writer.see(reply(1, "h3"), "The tram")
    await writer.see(reply(1, "strong"), "climbs")
    await writer.see(reply(1, "em"), "slowly")
    await writer.see(reply(1, "ol > li:nth-child(1) > ul > li"), "its walls")
    await writer.see(reply(1, "ol > li:nth-child(2)"), "market")
    await writer.see(reply(1, "thead th:nth-child(2)"), "Minutes")
    await writer.see(reply(1, "tbody td:nth-child(2) strong"), "12")
    await writer.see(reply(1, "pre"), "if a < b:")
    await writer.see(reply(1, ".content"), "the line (tram[.]example[.]pt/28)")
    await writer.not_see(reply(1, "a"))


async def test_chinese_right_to_left_text_and_emoji_come_through_unchanged(
    writer: Reader, engine: ScriptedEngine
) -> None:
    lines = [
        "החשמלית מטפסת לאט, 28 פעמים ביום.",
        "يصعد الترام التلّ ببطء 🚋.",
        "電車慢慢爬上山，„叮叮”。",
        "👩‍👩‍👧‍👦 🇵🇹 👍🏽 1️⃣",
    ]
    engine.write = lambda _: "\n\n".join(lines)
    await ask(writer, "the tram")
    await writer.see(row(1))
    for line in lines:
        await writer.see(reply(1, "p"), line)
    await writer.see(reply(1, "p:dir(rtl)"), lines[0])
    await writer.see(reply(1, "p:dir(rtl)"), lines[1])
    await writer.see(reply(1, "p:dir(ltr)"), lines[2])


async def test_a_draft_of_more_than_12000_characters_goes_on_at_paragraph_borders(
    writer: Reader, engine: ScriptedEngine
) -> None:
    paragraphs = [f"Stop {i}. {'The tram climbs the hill. ' * 18}".strip() for i in range(28)]
    engine.write = lambda _: "\n\n".join(paragraphs)
    await ask(writer, "the tram")
    await writer.see('#replies [data-action="more"]')
    shown = writer.shown("#replies :is(.text, .block-markdown) p")
    heads = [text for text in shown if text.startswith("Draft")]
    assert heads == ["Draft 1", *(f"Draft 1, part {part}" for part in range(2, len(heads) + 1))]
    assert len("".join(paragraphs)) > 12_000
    assert len(heads) > 3
    assert [text for text in shown if text not in heads] == paragraphs
