"""Buttons and emoji on a draft, over real Socket Mode and HTTP."""

import asyncio
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.app import Bot
from bot.drafting.drafting_settings import DraftingSettings
from bot.workspace import Workspace
from tests.bot.draft_view import form_behind, shown_in
from tests.person import Person, StartBot, buttons, facts
from tests.scripted_engine import ScriptedEngine


@pytest.mark.parametrize(
    ("button", "asks"),
    [
        ("shorter", "Make it shorter"),
        ("longer", "Make it longer"),
        ("simpler", "Make it simpler"),
        ("continue", "Continue the text"),
    ],
)
async def test_each_button_asks_the_model_for_what_it_says(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine, button: str, asks: str
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    assert await ana.press(draft, button)
    _, second = await ana.sees_drafts(2)
    assert asks in engine.requests[1]["messages"][-1]["content"]
    made = "which goes on from" if button == "continue" else "made from"
    assert second.text.startswith(f"**Draft 2**, {made} draft 1\n")


async def test_a_chinese_draft_is_changed_in_chinese(
    start: StartBot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: "今天下雨。"
    async with start(model_languages=["en", "zh"]):
        await ana.draft("博客：雨")
        (draft,) = await ana.sees_drafts(1)
        await ana.press(draft, "shorter")
        await ana.sees_drafts(2)
    assert "写短一些" in engine.requests[1]["messages"][-1]["content"]


async def test_the_emoji_map_is_a_setting(
    start: StartBot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    async with start(emoji="shorter=small_red_triangle_down, delete="):
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        await ana.react(draft, "wastebasket")
        await ana.react(draft, "scissors")
        await ana.react(draft, "small_red_triangle_down")
        await ana.sees_drafts(2)
    assert len(engine.requests) == 2
    assert "shorter" in engine.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize("transport", ["socket", "http"])
async def test_an_emoji_that_is_refused_is_answered_in_its_thread_to_whoever_put_it(
    start: StartBot, ana: Person, workspace: Workspace, transport: str
) -> None:
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    async with start(refiners="requester", slack_transport=transport) as bot:
        workspace.events_url = bot.address
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        for emoji in ("scissors", "wastebasket"):
            await ben.react(draft, emoji)
        await workspace.until(lambda: len(workspace.whispers(ben.id)) == 2)
    told = workspace.whispers(ben.id)
    assert {m.thread_ts for m in told} == {ana.root.ts}
    assert all("Only the person who asked" in m.text for m in told)
    assert not workspace.whispers(ana.id)


@pytest.mark.parametrize("name", ["thumbsup", ":+1:", "thumbsup::skin-tone-3"])
async def test_an_emoji_is_meant_by_any_of_its_names(
    start: StartBot, ana: Person, workspace: Workspace, name: str
) -> None:
    async with start(emoji=f"accept={name}"):
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        await ana.react(draft, "thumbsup::skin-tone-5")
        await workspace.until(lambda: len(workspace.messages(ana.channel)) == 2)
    assert "+1::skin-tone-5" in draft.reactions
    assert "accepted by" in facts(workspace.messages(ana.channel)[-1])


def test_two_names_of_one_emoji_cannot_stand_for_two_wishes() -> None:
    with pytest.raises(ValidationError, match=r"\+1 stands for shorter and for accept"):
        DraftingSettings.model_validate({"emoji": "shorter=+1, accept=thumbsup"})


async def test_wishes_for_a_regeneration_that_runs_join_it_and_later_ones_start_another(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    engine.gate.clear()
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    await asyncio.gather(ana.react(draft, "repeat"), ben.react(draft, "repeat"))
    await ana.press(draft, "regenerate")
    await workspace.until(lambda: len(ana.drafts) == 2)
    engine.gate.set()
    await ana.sees_drafts(2)
    assert len(engine.requests) == 2
    await workspace.until(lambda: engine.running == 0)
    await asyncio.sleep(0.2)
    await workspace.unreact(ana.id, ana.channel, draft.ts, "repeat")
    await ana.react(draft, "repeat")
    await ana.sees_drafts(3)
    assert len(engine.requests) == 3


async def test_the_free_instruction_keeps_what_was_typed_when_it_is_refused(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    form = await form_behind(workspace, ana, draft, "change_form")
    answer = await workspace.submit(ana.id, form.id, {"change": "请写短一点，谢谢"})
    assert "not Chinese" in answer.errors["change"]
    assert (await workspace.submit(ana.id, form.id, {"change": "mention the tram"})).ok
    await ana.sees_drafts(2)
    assert engine.requests[1]["messages"][-1]["content"] == "mention the tram"


@pytest.mark.parametrize(
    ("filled", "asks"),
    [
        ({"rewrite": "formal"}, "Make it more formal."),
        ({"rewrite": "simpler"}, "Make it simpler: short sentences and everyday words."),
        (
            {"rewrite": "translate-zh", "change": "mention the tram"},
            "mention the tram\nTranslate it into Chinese. Change nothing else.",
        ),
    ],
)
async def test_the_form_to_change_a_draft_takes_a_quick_choice_own_words_or_both(
    start: StartBot,
    ana: Person,
    workspace: Workspace,
    engine: ScriptedEngine,
    filled: dict[str, str],
    asks: str,
) -> None:
    async with start(model_languages=["en", "zh"]):
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        form = await form_behind(workspace, ana, draft, "change_form")
        answer = await workspace.submit(ana.id, form.id, {})
        assert answer.errors["change"].startswith("Say what shall be different")
        assert (await workspace.submit(ana.id, form.id, filled)).ok
        await ana.sees_drafts(2)
    assert engine.requests[1]["messages"][-1]["content"] == asks


async def test_only_a_model_of_several_languages_is_asked_to_translate(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    form = await form_behind(workspace, ana, draft, "change_form")
    (select,) = [b["element"] for b in form.blocks if b["block_id"] == "rewrite"]
    assert [o["text"]["text"] for o in select["options"]] == ["More formal", "Simpler"]


async def test_a_finished_draft_has_one_row_of_buttons_its_thumbs_and_no_figures(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("n=2 seed=42 rain")
    first, second = await ana.sees_drafts(2)
    assert [b["type"] for b in first.blocks] == ["actions", "context_actions"]
    row = ["accept_form", "regenerate", "change_form"]
    thumbs = ["good", "bad"]
    assert [*buttons(first)] == [*row, "shorter", "longer", "continue", "simpler", "why", *thumbs]
    view = await form_behind(workspace, ana, second, "why")
    for told in ("seed 42, 2 of 2", "tokens/s", " s · ", "scripted"):
        assert told in shown_in(view)
    await ana.press(first, "shorter")
    *_, third = await ana.sees_drafts(3)
    assert [*buttons(third)] == [*row, "shorter", "longer", "continue", "changes", "why", *thumbs]


async def test_a_draft_that_stopped_at_its_length_limit_says_so_and_what_to_do(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    engine.finish_reason = "length"
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    assert facts(draft) == (
        "There is more to say: the draft reached its length limit. "
        "*Continue*, behind the three dots, goes on from here."
    )


@pytest.mark.parametrize("rest", ["We look for", "We thank Dr. ", "We thank Dr. Ana Sousa for"])
async def test_a_draft_that_stopped_at_its_length_limit_ends_with_its_last_whole_sentence(
    bot: Bot, ana: Person, engine: ScriptedEngine, rest: str
) -> None:
    engine.finish_reason, engine.pause = "length", 0.05
    engine.write = lambda _: f"The office opens on Monday. It has a kitchen. {rest}"
    await ana.draft("our office")
    (draft,) = await ana.sees_drafts(1)
    assert draft.text.endswith("It has a kitchen.")


async def test_what_a_model_says_around_a_draft_is_not_shown(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    engine.pause = 0.02
    engine.write = lambda _: (
        "Sure! Here is your blog post:\n\n**Title: Our Office**\n\nIt opens on Monday.\n\n"
        "This blog post provides an overview. It is friendly in tone. It has two paragraphs."
    )
    await ana.draft("our office")
    (draft,) = await ana.sees_drafts(1)
    assert draft.text.endswith("\n\n**Our Office**\n\nIt opens on Monday.")
    assert "Sure" not in draft.text


async def test_a_draft_that_ended_by_itself_is_shown_as_it_is(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: "The office opens on Monday. See you there"
    await ana.draft("our office")
    (draft,) = await ana.sees_drafts(1)
    assert draft.text.endswith("See you there")


async def test_the_same_choice_of_the_menu_can_be_taken_again(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    for count in (2, 3):
        assert await ana.press(draft, "shorter")
        await ana.sees_drafts(count)
    assert len(engine.requests) == 3


async def test_why_this_names_options_in_chinese_to_who_reads_chinese(
    start: StartBot, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: "今天下雨。"
    mei = Person(workspace, workspace.person("mei", locale="zh-CN"), workspace.channel("launch"))
    async with start(model_languages=["en", "zh"]):
        await mei.draft("博客：语气=正式 字数=50 雨")
        (draft,) = await mei.sees_drafts(1)
        shown = shown_in(await form_behind(workspace, mei, draft, "why"))
    assert "语气=正式、字数=50、语言=中文、温度=" in shown
    (options,) = re.findall("语气=[^']*", shown)
    assert not re.search("[a-z]", options)


async def test_what_changed_shows_the_words_added_and_removed(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda body: (
        "The tram climbs slowly."
        if len(body["messages"]) == 2
        else "The yellow tram climbs. <!here>"
    )
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    assert "changes" not in buttons(draft)
    await ana.reply("colour!")
    _, second = await ana.sees_drafts(2)
    view = await form_behind(workspace, ana, second, "changes")
    styled = [
        (element["text"].strip(), tuple(element.get("style", {})))
        for block in view.body["blocks"]
        if block["type"] == "rich_text"
        for element in block["elements"][0]["elements"]
    ]
    assert ("yellow", ("bold",)) in styled
    assert ("climbs slowly.", ("strike",)) in styled or ("slowly.", ("strike",)) in styled
    assert "Against draft 1" in shown_in(view)


async def test_why_this_tells_how_a_draft_came_about(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: "Mail jo@acme-corp.com about the tram."
    await ana.draft("blog: words=50 seed=11 rain")
    await ana.sees_drafts(1)
    await ana.reply("add the tram")
    _, draft = await ana.sees_drafts(2)
    view = await form_behind(workspace, ana, draft, "why")
    for told in ("a blog post", "draft 1", "add the tram", "words=50", "top_k=50", "scripted"):
        assert told in shown_in(view)
    assert "email" in shown_in(view)
    assert "acme-corp" not in shown_in(view)
    assert "private" not in shown_in(view)


@pytest.mark.parametrize("guest", [True, False])
async def test_who_may_not_ask_reads_no_wish(
    bot: Bot, ana: Person, workspace: Workspace, guest: bool
) -> None:
    person = workspace.person("gus", guest=guest, outsider=not guest)
    ana.channel = workspace.channel("shared", members=[ana.id, person])
    gus = Person(workspace, person, ana.channel)
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    assert await gus.press(draft, "why")
    await gus.hears("is told to people who may ask")
    assert workspace.views(gus.id) == []


async def test_a_draft_that_was_taken_away_offers_another_try(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda body: (
        "Key: AKIAIOSFODNN7EXAMPLQ" if len(engine.requests) == 1 else "A clean text."
    )
    await ana.draft("rain")
    await ana.hears("I took draft 1 away")
    (gone,) = ana.drafts
    assert [*buttons(gone)] == ["regenerate", "why"]
    assert await ana.press(gone, "regenerate")
    await workspace.until(lambda: "A clean text." in ana.drafts[-1].text)


async def test_a_regeneration_is_based_on_what_its_draft_was(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await workspace.upload(
        ana.id, ana.channel, "late.txt", b"It snows.", thread_ts=ana.root.ts, text="use it"
    )
    await ana.sees_drafts(2)
    await ana.react(draft, "repeat")
    await ana.sees_drafts(3)
    with_it = ["It snows." in str(request["messages"]) for request in engine.requests]
    assert with_it == [False, True, False]
    view = await form_behind(workspace, ana, draft, "why")
    assert "late.txt" not in shown_in(view)


async def test_what_is_done_with_a_finished_draft_has_no_limit(
    start: StartBot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    async with start(max_running_per_person=1):
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        elsewhere = Person(workspace, ana.id, workspace.channel("other"))
        engine.gate.clear()
        await elsewhere.draft("snow")
        await workspace.until(lambda: engine.running == 1)
        await ana.react(draft, "white_check_mark")
        await workspace.until(lambda: len(workspace.messages(ana.channel)) == 2)
        engine.gate.set()
        await elsewhere.sees_drafts(1)


async def test_a_click_on_a_draft_that_is_kept_no_more_is_answered(
    start: StartBot, ana: Person, workspace: Workspace, tmp_path: Path
) -> None:
    async with start():
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
    for file in tmp_path.glob("draftsmith.db*"):
        file.unlink()
    async with start():
        for button in ("shorter", "why"):
            assert await ana.press(draft, button)
            await ana.hears("I know nothing of this draft")


async def test_a_click_that_is_refused_is_answered_in_the_thread(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace
) -> None:
    gus = Person(workspace, workspace.person("gus", guest=True), ana.channel)
    workspace.add_to(ana.channel, gus.id)
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    assert await gus.press(draft, "regenerate")
    await gus.hears("open to full members")
    (said,) = workspace.whispers(gus.id)
    assert said.thread_ts == ana.root.ts
