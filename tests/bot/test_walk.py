"""The whole walk at the page, as four stories: whoever writes, and those who read along."""

import pytest
from selenium.webdriver.common.keys import Keys

from bot.app import Bot
from bot.workspace import Workspace, cast
from bot.workspace.cast import Cast
from tests.reader import Reader
from tests.scripted_engine import Json, ScriptedEngine

LISBON = "# Lisbon\n\nWe open on Monday.\n\nThe kitchen has the best view. Come and see it."


def lisbon(body: Json) -> str:
    """Write a text that shows what was asked for."""
    wish = body["messages"][-1]["content"]
    if "shorter" in wish:
        return "# Lisbon\n\nWe open on Monday."
    return LISBON.replace("Come", "Take the tram") if "tram" in wish else LISBON


@pytest.fixture
def people(workspace: Workspace) -> Cast:
    return cast.enter(workspace)


@pytest.fixture
async def writer(bot: Bot, people: Cast, engine: ScriptedEngine, reader: Reader) -> Reader:
    """Return Ana in #launch, where Mei, who reads Chinese, and Gus, a guest, are as well."""
    engine.write = lisbon
    await reader.open("ana", "launch")
    return reader


def draft(number: int, inside: str = "") -> str:
    """Return the selector of a place in a finished draft."""
    return f'#replies li:has([data-value="why:{number}"]) {inside}'.strip()


async def test_from_a_prompt_to_a_canvas_of_the_channel_that_was_in_sight(
    writer: Reader, engine: ScriptedEngine
) -> None:
    # The Messages tab: a prompt is taken.
    await writer.click('#dms [data-channel="draftsmith"]')
    await writer.see("#beside", "The app sees that you look at #launch")
    await writer.see("#prompts", "What shall I write?")
    engine.write = lambda _: "It rains. " * 500
    engine.pause = 0.02
    await writer.click("#prompts button")

    # Slack's own button stops the draft, and what was shown stays.
    await writer.see("#thread-name", "our new office in Lisbon")
    await writer.see("#replies .streaming", "It rains.")
    engine.gate.clear()
    await writer.click("#session button")
    await writer.see(draft(1, ".block-context"), "Stopped.")
    await writer.see(draft(1), "It rains.")
    await writer.not_see("#session")

    # Another one, which is not liked.
    engine.write, engine.pause = lisbon, 0.0
    engine.gate.set()
    await writer.click(draft(1, '[data-action="regenerate"]'))
    await writer.see(draft(2), "Draft 2, another version of draft 1")
    await writer.click(draft(2, '.feedback [aria-label="Bad draft"]'))
    await writer.see("#modal-title", "What is wrong with it?")
    await writer.click('#modal input[value="long"]')
    await writer.type("#input-words", "nobody reads that far")
    await writer.click('#modal [type="submit"]')
    await writer.not_see("#modal")
    await writer.see(draft(2, '.feedback [aria-label="Bad draft"][aria-pressed="true"]'))

    # It is changed by a quick choice, by the menu, and by a reply.
    await writer.click(draft(2, '[data-action="change_form"]'))
    await writer.choose("#input-rewrite", "formal")
    await writer.click('#modal [type="submit"]')
    await writer.see(draft(3), "Draft 3, made from draft 2")
    await writer.pick(draft(3), "shorter")
    await writer.see(draft(4), "Draft 4, made from draft 3")
    assert "kitchen" not in await writer.see(draft(4))
    await writer.type("#reply-text", "3: mention the tram", Keys.ENTER)
    await writer.see(draft(5), "Take the tram and see it.")

    # Where it came from, and what is new in it.
    await writer.pick(draft(5), "why")
    await writer.see("#modal", "draft 3, and this wish: mention the tram")
    await writer.click("#modal footer .button")
    await writer.not_see("#modal")
    await writer.pick(draft(5), "changes")
    await writer.see("#modal", "Against draft 3: 3 words added, 1 removed.")
    await writer.click("#modal footer .button")
    await writer.not_see("#modal")

    # It goes as a canvas into the channel that was in sight.
    await writer.click(draft(5, '[data-action="accept_form"]'))
    await writer.see("#modal", "The channel is #launch.")
    await writer.click('#modal input[value="canvas"]')
    await writer.click('#modal [type="submit"]')
    await writer.see("#replies li:last-child", "Draft 5 was posted to #launch by @ana.")
    await writer.click('#channels [data-channel="launch"]')
    await writer.see("#messages li:last-child", "Drafted with AI, accepted by @ana · draft 5")
    await writer.click("#canvases button")
    await writer.see("#canvas-title", "Lisbon")
    await writer.see("#canvas", "Take the tram and see it.")


async def test_from_a_slip_to_a_private_draft_that_asks_before_the_channel_reads_it(
    writer: Reader, engine: ScriptedEngine
) -> None:
    # The form opens with what was typed.
    slip = "/draft tones=formal private=yes blog: our new office in Lisbon"
    await writer.type("#composer-text", slip, Keys.ENTER)
    await writer.see("#modal", "There is no option tones: use tone.")
    for name, value in {
        "kind": "blog",
        "tone": "formal",
        "brief": "our new office in Lisbon",
    }.items():
        await writer.sees_value(f"#input-{name}", value)
    await writer.see("#input-private :checked")

    # More of it unfolds, and it is sent from there.
    await writer.click('#modal [data-action="more_options"]')
    await writer.type("#input-seed", "7")
    await writer.click('#modal [type="submit"]')
    await writer.not_see("#modal")
    await writer.click('#dms [data-channel="draftsmith"]')
    await writer.click("#messages button.replies")
    await writer.see(draft(1), "The kitchen has the best view.")
    assert engine.requests[-1]["seed"] == 7

    # The emoji asks first, for the draft is private.
    await writer.see("#replies", "accepted, it goes to #launch")
    await writer.click(draft(1, '[data-key="pick"]'))
    await writer.click(draft(1, '[data-key="react/white_check_mark"]'))
    await writer.see(
        "#replies li:last-child", "Post draft 1 to #launch? Everybody there will read it."
    )
    await writer.click("#replies li:last-child .button.primary")
    await writer.see("#replies", "Draft 1 was posted to #launch by @ana.")
    await writer.click('#channels [data-channel="launch"]')
    await writer.see("#messages li:last-child", "The kitchen has the best view.")


async def test_in_a_thread_of_others_the_app_drafts_from_it_and_is_quiet_when_told(
    writer: Reader, workspace: Workspace, people: Cast, engine: ScriptedEngine
) -> None:
    # Mei and Gus talk; Ana has it summarised.
    root = await workspace.say(people.mei, people.launch, "We move in on Monday.")
    await workspace.say(people.gus, people.launch, "The lift is broken.", thread_ts=root)
    await writer.click("#messages button.replies")
    wish = "@draftsmith summarise this thread as a news post"
    await writer.type("#reply-text", wish, Keys.ENTER)
    await writer.see(draft(1), "The kitchen has the best view.")
    material = engine.requests[-1]["messages"][1]["content"]
    assert "We move in on Monday." in material
    assert "The lift is broken." in material
    await writer.pick(draft(1), "why")
    await writer.see("#modal", "2 messages of a thread")
    await writer.click("#modal footer .button")
    await writer.not_see("#modal")

    # It is told to be quiet, which everybody sees; Mei is answered in her language.
    await writer.type("#reply-text", "@draftsmith mute", Keys.ENTER)
    quiet = "quiet: replies change nothing (muted by @ana)"
    await writer.see("#replies .block-context", quiet)
    await writer.become(people.mei)
    await writer.see("#replies .block-context", quiet)
    await writer.type("#reply-text", "@draftsmith mention the tram", Keys.ENTER)
    await writer.see("#replies .whisper", "这个消息列已静音")
    assert len(engine.requests) == 1


async def test_who_reads_chinese_has_chinese_pages_of_the_same_draft_and_a_guest_is_refused(
    writer: Reader, people: Cast, engine: ScriptedEngine
) -> None:
    await writer.type("#composer-text", "/draft blog: our new office in Lisbon", Keys.ENTER)
    await writer.see(draft(1), "The kitchen has the best view.")

    await writer.become(people.mei)
    await writer.see(draft(1), "The kitchen has the best view.")
    await writer.pick(draft(1), "why")
    await writer.see("#modal-title", "为什么这样写？")
    await writer.see("#modal", "一篇博客")
    await writer.click("#modal footer .button")
    await writer.not_see("#modal")
    await writer.click(draft(1, '[data-action="accept_form"]'))
    await writer.see("#modal", "频道是 #launch。")
    await writer.click("#modal footer .button")
    await writer.not_see("#modal")

    await writer.become(people.gus)
    await writer.click(draft(1, '[data-action="regenerate"]'))
    refused = "Drafting is open to full members of this workspace."
    await writer.see("#replies .whisper", refused)
    await writer.type("#composer-text", "/draft rain", Keys.ENTER)
    await writer.see("#messages .whisper", refused)
    assert len(engine.requests) == 1
