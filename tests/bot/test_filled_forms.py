"""What was typed is not lost: a slip is answered with a form that is filled in."""

import asyncio
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from bot.app import Bot
from bot.listeners.filling import cut_at_break
from bot.workspace import Workspace
from bot.workspace.objects import OpenView
from tests.person import Person, StartBot, facts, is_head
from tests.reader import Reader
from tests.scripted_engine import ScriptedEngine

LONG = "The tram climbs the hill, and everybody waves. "


def top_of(view: OpenView) -> list[str]:
    """Return the sentences at the top of a form."""
    return [block["text"]["text"] for block in view.blocks if block["type"] == "section"]


def filled_in(view: OpenView) -> dict[str, Any]:
    """Return what the inputs of a form begin with, by their names."""
    begun = {}
    for block in view.blocks:
        element = block.get("element", {})
        one, many = element.get("initial_option"), element.get("initial_options", [])
        value = element.get("initial_value") or (one or {}).get("value")
        if value or many:
            begun[block["block_id"]] = value or many[0]["value"]
    return begun


async def form_of(workspace: Workspace, who: Person) -> OpenView:
    return (await workspace.until(lambda: workspace.views(who.id)))[-1]


SLIPS: list[tuple[str, str, dict[str, str]]] = [
    (
        "tones=formal words=300 blog: our office",
        "There is no option tones: use tone.",
        {"kind": "blog", "tone": "formal", "words": "300", "brief": "our office"},
    ),
    (
        "network=linkedn we are hiring",
        "Did you mean linkedin?",
        {"network": "linkedin", "brief": "we are hiring"},
    ),
    (
        "blog: kind=zh our office",
        "kind=zh does not work: use lang=zh.",
        {"kind": "blog", "brief": "our office"},
    ),
    (
        "kind=news blog: our office",
        "You named two kinds of text, news and blog: leave one of them out.",
        {"kind": "news", "brief": "our office"},
    ),
    (
        "n=9 private=yes rain",
        "n takes a whole number from 1 to 5, not 9.",
        {"private": "yes", "brief": "rain"},
    ),
    ("n=3 kind=blgo rain", "Did you mean blog?", {"kind": "blog", "drafts": "3", "brief": "rain"}),
    (
        'audience="new parents" n=3 blog:',
        "nothing to write",
        {"audience": "new parents", "kind": "blog", "drafts": "3"},
    ),
    (
        "temprature=1.50 seed=11 top_p=0.9 rain",
        "There is no option temprature: use temperature.",
        {"temperature": "1.5", "seed": "11", "top_p": "0.9", "brief": "rain"},
    ),
    ("volume=11 tone=warm rain", "no option volume", {"tone": "warm", "brief": "volume=11 rain"}),
    ("博客：里斯本的新办公室", "not Chinese", {"kind": "blog", "brief": "里斯本的新办公室"}),
    (
        'audience="' + "x" * 120 + '" blog: rain',
        "up to 100 characters",
        {"kind": "blog", "audience": "x" * 100, "brief": "rain"},
    ),
]


@pytest.mark.parametrize(("typed", "says", "filled"), SLIPS)
async def test_a_command_with_a_slip_opens_the_form_filled_in(
    bot: Bot, ana: Person, workspace: Workspace, typed: str, says: str, filled: dict[str, str]
) -> None:
    ack = await ana.draft(typed)
    assert (ack.ok, ack.text) == (True, "")
    form = await form_of(workspace, ana)
    (said,) = top_of(form)
    assert says in said
    assert "`" not in said
    assert filled_in(form) == {"drafts": "1", **filled}
    assert workspace.messages(ana.channel) == []


async def test_the_form_speaks_chinese_to_those_who_read_it(bot: Bot, workspace: Workspace) -> None:
    mei = Person(workspace, workspace.person("mei", locale="zh-CN"), workspace.channel("general"))
    await mei.draft("tones=正式 博客：our office")
    form = await form_of(workspace, mei)
    assert top_of(form) == ["没有“tones”这个选项，请用“语气”。"]
    assert filled_in(form) == {
        "kind": "blog",
        "tone": "formal",
        "brief": "our office",
        "drafts": "1",
    }
    assert "小红书" in str(form.blocks)
    assert "更多选项" in str(form.blocks)


async def test_a_filled_form_is_sent_as_it_is(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("tones=formal network=linkedn n=2 we are hiring")
    form = await form_of(workspace, ana)
    assert (await workspace.submit(ana.id, form.id, {})).ok
    await ana.sees_drafts(2)
    asked = engine.requests[0]["messages"][1]["content"]
    assert "formal" in asked
    assert "we are hiring" in asked


async def test_the_end_of_a_long_text_goes_along_with_the_form(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine, tmp_path: Path
) -> None:
    text = (LONG * 120).strip()
    await ana.draft(f"tones=formal {text}")
    form = await form_of(workspace, ana)
    shown = filled_in(form)["brief"]
    assert text.startswith(shown)
    assert len(shown) <= 3000
    assert shown.rstrip().endswith(".")
    assert f"its last {len(text) - len(shown):,} characters are kept" in top_of(form)[1]
    with sqlite3.connect(tmp_path / "draftsmith.db") as kept:
        assert "climbs the hill" not in "\n".join(kept.iterdump())
    assert (await workspace.submit(ana.id, form.id, {"tone": "warm"})).ok
    await ana.sees_drafts(1)
    asked = engine.requests[0]["messages"][1]["content"]
    assert text in asked
    with sqlite3.connect(tmp_path / "draftsmith.db") as kept:
        assert kept.execute("SELECT count(*) FROM kept_texts").fetchone() == (0,)


async def test_a_text_that_is_too_long_for_a_brief_is_kept_as_material(
    bot_by_either_way: Bot,
    ana: Person,
    workspace: Workspace,
    engine: ScriptedEngine,
    tmp_path: Path,
) -> None:
    text = ("Write a blog post about this.\n\n" + LONG * 210)[:9505]
    assert (await ana.draft(text)).ok
    form = await form_of(workspace, ana)
    said, kept = top_of(form)
    assert "9,505 characters" in said
    assert "All 9,505 characters of your text are kept as material" in kept
    assert text.startswith(filled_in(form)["brief"])
    with sqlite3.connect(tmp_path / "draftsmith.db") as kept_texts:
        assert "everybody waves" not in "\n".join(kept_texts.iterdump())
    assert (await workspace.submit(ana.id, form.id, {"brief": "blog: the tram"})).ok
    await ana.sees_drafts(1)
    asked = str(engine.requests[0]["messages"])
    assert "blog" in asked
    assert asked.count("everybody waves") > 100


async def test_a_form_whose_text_is_forgotten_says_so(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine, tmp_path: Path
) -> None:
    await ana.draft("tones=formal " + LONG * 100)
    form = await form_of(workspace, ana)
    with sqlite3.connect(tmp_path / "draftsmith.db") as kept:
        kept.execute("DELETE FROM kept_texts")
    answer = await workspace.submit(ana.id, form.id, {})
    assert "that day is over" in answer.errors["brief"]
    assert not engine.requests


async def test_where_no_form_opens_the_text_is_given_back(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    workspace.fail("views.open", error="fatal_error", times=9)
    ack = await ana.draft("tones=formal our <office> & ```more```")
    assert ack.text == "There is no option tones: use tone."
    (whisper,) = workspace.whispers(ana.id)
    (text,) = [block for block in whisper.blocks if block["type"] == "rich_text"]
    (code,) = text["elements"]
    assert code["type"] == "rich_text_preformatted"
    assert code["elements"][0]["text"] == "tones=formal our <office> & ```more```"


async def test_a_request_that_is_one_too_many_is_given_back(
    start: StartBot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    async with start(max_running_per_person=1):
        engine.gate.clear()
        await ana.draft("one")
        ack = await ana.draft("another one")
        assert "at most 1 of your requests at a time" in ack.text
        assert "another one" in str(workspace.whispers(ana.id)[-1].blocks)
        await ana.draft("")
        form = await form_of(workspace, ana)
        answer = await workspace.submit(ana.id, form.id, {"brief": "a third one"})
        assert "at most 1 of your requests at a time" in answer.errors["brief"]
        engine.gate.set()
        await ana.sees_drafts(1)


@pytest.mark.parametrize("typed", ["mute", "Unmute", "静音"])
async def test_mute_is_no_brief(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine, typed: str
) -> None:
    ack = await ana.draft(typed)
    assert ack.text == f"Reply {typed} in the thread of a draft: it works in threads alone."
    await workspace.say(ana.id, ana.channel, f"<@{workspace.bot_user}> {typed}")
    await workspace.until(lambda: len(workspace.whispers(ana.id)) == 2)
    # Below a message without replies, Slack would not show it.
    assert workspace.whispers(ana.id)[-1].thread_ts is None
    alone = workspace.dm(ana.id)
    ts = await workspace.say(ana.id, alone, typed)
    await workspace.until(lambda: "works in threads" in workspace.messages(alone, ts)[-1].text)
    assert not engine.requests


# Messages, which carry no right to open a form


async def button_below(workspace: Workspace, channel: str, ts: str) -> str:
    """Return the ts of the answer that has the button, below a message or for one person alone."""

    def found() -> str:
        answers = [m for m in workspace.messages(channel, ts) if "open_filled" in str(m.blocks)]
        whispers = [
            m
            for m in workspace.state.whispers
            if m.ts > ts and m.channel == channel and "open_filled" in str(m.blocks)
        ]
        return next((m.ts for m in (*answers, *whispers)), "")

    return await workspace.until(found)


def is_drafted(workspace: Workspace, channel: str, ts: str) -> bool:
    """Say whether a whole draft stands below a message."""
    return any("Sentence 8" in m.text for m in workspace.messages(channel, ts))


async def test_a_message_with_a_slip_is_answered_with_a_button_that_opens_the_form(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    for channel, name in ((ana.channel, f"<@{workspace.bot_user}> "), (workspace.dm(ana.id), "")):
        text = f"{name}tones=formal words=90 blog: our office"
        file = workspace.attach(ana.id, "facts.txt", b"It has a roof.")
        files = [] if name else [file]
        ts = await workspace.say(ana.id, channel, text, files=files)
        button = await button_below(workspace, channel, ts)
        assert await workspace.click(ana.id, channel, button, "open_filled_form")
        form = await form_of(workspace, ana)
        assert top_of(form) == ["There is no option tones: use tone."]
        assert filled_in(form) == {
            "kind": "blog",
            "tone": "formal",
            "words": "90",
            "brief": "our office",
            "drafts": "1",
        }
        assert (await workspace.submit(ana.id, form.id, {})).ok
        await workspace.until(partial(is_drafted, workspace, channel, ts))
        assert ("It has a roof." in str(engine.requests[-1])) is (not name)


async def test_a_slip_in_a_thread_of_others_loses_neither_their_words_nor_their_peace(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    ben = workspace.person("ben")
    root = await workspace.say(ben, ana.channel, "The tram is late again.")
    asked = f"<@{workspace.bot_user}> tones=formal news: what this thread says"
    await workspace.say(ana.id, ana.channel, asked, thread_ts=root)
    button = await button_below(workspace, ana.channel, root)
    assert await workspace.click(ana.id, ana.channel, button, "open_filled_form")
    form = await form_of(workspace, ana)
    assert (await workspace.submit(ana.id, form.id, {})).ok
    await workspace.until(partial(is_drafted, workspace, ana.channel, root))
    assert "ben: The tram is late again." in str(engine.requests[0])
    await workspace.say(ben, ana.channel, "make it shorter", thread_ts=root)
    await workspace.until(lambda: workspace.settled)
    await asyncio.sleep(0.2)
    assert len(engine.requests) == 1


async def test_a_slip_beside_a_channel_keeps_where_the_text_goes(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    alone = Person(workspace, ana.id, workspace.dm(ana.id))
    await workspace.look_at(ana.id, ana.channel)
    ts = await workspace.say(ana.id, alone.channel, "tones=formal rain")
    button = await button_below(workspace, alone.channel, ts)
    await workspace.look_at(ana.id, canvas="F0CANVAS")
    assert await workspace.click(ana.id, alone.channel, button, "open_filled_form")
    form = await form_of(workspace, ana)
    assert (await workspace.submit(ana.id, form.id, {})).ok
    await workspace.until(partial(is_drafted, workspace, alone.channel, ts))
    heads = [m for m in workspace.messages(alone.channel, ts)[1:] if is_head(m)]
    await workspace.until(lambda: f"<#{ana.channel}>" in facts(heads[0]))


async def test_a_button_opens_only_what_its_author_typed_and_for_a_day(
    bot: Bot, ana: Person, workspace: Workspace, tmp_path: Path
) -> None:
    ts = await workspace.say(ana.id, ana.channel, f"<@{workspace.bot_user}> tones=formal rain")
    button = await button_below(workspace, ana.channel, ts)
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    assert await workspace.click(ben.id, ana.channel, button, "open_filled_form")
    await ben.hears("that day is over")
    with sqlite3.connect(tmp_path / "draftsmith.db") as kept:
        assert "rain" not in "\n".join(kept.iterdump())
        kept.execute("DELETE FROM kept_texts")
    assert await workspace.click(ana.id, ana.channel, button, "open_filled_form")
    await ana.hears("that day is over")
    assert not workspace.views(ana.id) + workspace.views(ben.id)


async def test_what_is_kept_is_forgotten_after_a_day(
    start: StartBot, ana: Person, workspace: Workspace, tmp_path: Path
) -> None:
    async with start():
        ts = await workspace.say(ana.id, ana.channel, f"<@{workspace.bot_user}> tones=formal rain")
        await button_below(workspace, ana.channel, ts)
    with sqlite3.connect(tmp_path / "draftsmith.db") as kept:
        assert kept.execute("SELECT count(*) FROM kept_texts").fetchone() == (1,)
        kept.execute("UPDATE kept_texts SET at = '2020-01-01 00:00:00.000000'")
    async with start():
        with sqlite3.connect(tmp_path / "draftsmith.db") as kept:
            assert kept.execute("SELECT count(*) FROM kept_texts").fetchone() == (0,)


async def test_a_long_reply_opens_the_form_that_changes_its_draft(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("n=2 rain")
    await ana.sees_drafts(2)
    root = ana.root.ts
    await ana.reply("1: " + LONG * 200)
    button = await button_below(workspace, ana.channel, root)
    assert await workspace.click(ana.id, ana.channel, button, "open_filled_form")
    form = await form_of(workspace, ana)
    assert form.callback_id == "change"
    assert "kept as material" in top_of(form)[0]
    assert filled_in(form)["change"].startswith("The tram climbs")
    assert (await workspace.submit(ana.id, form.id, {"change": "use the material"})).ok
    *_, third = await ana.sees_drafts(3)
    assert "made from draft 1" in third.text
    assert str(engine.requests[1]["messages"]).count("everybody waves") > 100


# The form itself


async def test_the_form_has_the_further_options_folded_away(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("")
    form = await form_of(workspace, ana)
    names = [block["block_id"] for block in form.blocks]
    assert "temperature" not in names
    typed = {"brief": "rain", "words": "50", "network": "", "tone": "warm"}
    assert await workspace.click_in_view(ana.id, form.id, "more_options", typed)
    further = ["seed", "temperature", "top_k", "top_p", "repetition_penalty", "max_tokens"]

    def unfolded() -> bool:
        return [block["block_id"] for block in form.blocks] == [*names[:-1], *further]

    await workspace.until(unfolded)
    assert "usually 0.5" in str(form.blocks)
    answer = await workspace.submit(
        ana.id, form.id, {"seed": "11", "temperature": "1.5", "top_p": "0"}
    )
    assert "above 0, up to 1" in answer.errors["top_p"]
    assert (await workspace.submit(ana.id, form.id, {"top_p": "0.8", "max_tokens": "90"})).ok
    await ana.sees_drafts(1)
    (asked,) = engine.requests
    sampled = {name: asked[name] for name in ("seed", "temperature", "top_p", "max_tokens")}
    assert sampled == {"seed": 11, "temperature": 1.5, "top_p": 0.8, "max_tokens": 90}
    assert "warm" in str(asked["messages"])


async def test_a_second_click_on_more_options_changes_nothing(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("")
    form = await form_of(workspace, ana)
    click = workspace.click_in_view(ana.id, form.id, "more_options")
    again = workspace.click_in_view(ana.id, form.id, "more_options")
    assert all(await asyncio.gather(click, again))
    await workspace.until(lambda: "temperature" in str(form.blocks))
    await asyncio.sleep(0.2)
    assert [block["block_id"] for block in form.blocks].count("temperature") == 1


async def test_the_form_offers_the_networks_and_says_what_is_wrong_at_the_field(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("")
    form = await form_of(workspace, ana)
    typed = {"brief": "we are hiring", "network": "mastodon", "kind": "blog"}
    answer = await workspace.submit(ana.id, form.id, typed)
    assert "for no network" in answer.errors["network"]
    assert (await workspace.submit(ana.id, form.id, {"kind": ""})).ok
    (draft,) = await ana.sees_drafts(1)
    assert "of 500 characters (mastodon)" in str(draft.blocks)


async def test_the_form_says_how_much_text_fits_and_where_more_goes(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("")
    form = await form_of(workspace, ana)
    (source,) = [block for block in form.blocks if block["block_id"] == "source"]
    assert source["hint"]["text"] == (
        "Up to 3,000 characters fit here. For more, attach a file below."
    )
    long = {"brief": "rain", "source": "x" * 3001}
    assert "3000" in (await workspace.submit(ana.id, form.id, long)).errors["source"]
    assert not engine.requests


async def test_the_form_on_the_page_unfolds_and_keeps_what_was_typed(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine, reader: Reader
) -> None:
    await reader.open("ana", "launch")
    await reader.type("#composer-text", "/draft tones=formal rain", Keys.ENTER)
    await reader.see("#modal form", "There is no option tones: use tone.")
    await reader.type("#input-brief", Keys.END, " in Lisbon")
    await reader.click('#modal [data-action="more_options"]')
    await reader.see("#modal form", "Temperature")
    await reader.type("#input-seed", "11")
    await reader.click('#modal [type="submit"]')
    await reader.not_see("#modal")
    await ana.sees_drafts(1)
    (asked,) = engine.requests
    assert "rain in Lisbon" in str(asked["messages"])
    assert "formal" in str(asked["messages"])
    assert asked["seed"] == 11


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("One. Two. Three", "One. Two. "),
        ("one two three four", "one two "),
        ("第一句。第二句。第三句没完", "第一句。第二句。"),
        ("a\n\nbbbbb\n\nccccc", "a\n\nbbbbb\n\n"),
        ("x" * 20, "x" * 12),
    ],
)
def test_a_text_is_cut_where_something_ends(text: str, shown: str) -> None:
    assert cut_at_break(text, 12) == shown


async def test_the_focus_is_never_lost_in_a_form_nor_the_cursor_behind_it(
    bot: Bot, ana: Person, reader: Reader
) -> None:
    await reader.open("ana", "launch")
    await reader.type("#composer-text", "/draft", Keys.ENTER)
    more = '#modal [data-action="more_options"]'
    await reader.type(more, Keys.ENTER)
    await reader.see("#input-seed")
    assert await reader.focused() == "input-seed"
    await reader.press("#modal footer .button")
    await reader.not_see("#modal")
    await reader.type("#composer-text", "on with it")
    await reader.sees_value("#composer-text", "on with it")
