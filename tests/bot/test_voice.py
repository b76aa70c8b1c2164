"""The house's voice, from its form to the drafts that are written in it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.app import Bot
from bot.listeners import voice
from bot.store import SavedVoice, Store
from bot.workspace import Workspace
from bot.workspace.objects import OpenView
from tests.person import Person, StartBot, buttons, facts
from tests.reader import Reader
from tests.scripted_engine import ScriptedEngine

VOICE = {
    "description": "We write as we talk.",
    "avoided": "utilise -> use\nsynergy",
    "english": "british",
    "signature": "The Lisbon team",
    "sample_1": "We moved. The lift works. Come and see.",
}


@pytest.fixture
def chief(workspace: Workspace, ana: Person) -> Person:
    return Person(workspace, workspace.person("chief", admin=True), ana.channel)


async def form_of(who: Person, words: str = "voice") -> OpenView:
    assert (await who.draft(words)).ok
    return (await who.workspace.until(lambda: who.workspace.views(who.id)))[-1]


async def save(who: Person, typed: dict[str, Any], words: str = "voice") -> str:
    """Save a voice; return what the form then shows, and close it."""
    form = await form_of(who, words)
    assert (await who.workspace.submit(who.id, form.id, typed)).errors == {}
    shown = who.workspace.views(who.id)[-1]
    await who.workspace.close_view(who.id, shown.id)
    return str(shown.blocks)


def filled_in(view: OpenView) -> dict[str, str]:
    elements = {block["block_id"]: block["element"] for block in view.blocks if "element" in block}
    found = {
        name: element.get("initial_value") or element.get("initial_option", {}).get("value")
        for name, element in elements.items()
    }
    return {name: value for name, value in found.items() if value not in (None, "any")}


def system(engine: ScriptedEngine) -> str:
    return str(engine.requests[-1]["messages"][0]["content"])


async def test_what_an_admin_saves_is_what_the_next_form_begins_with(
    bot_by_either_way: Bot, chief: Person, workspace: Workspace
) -> None:
    assert "Saved as version 1" in await save(chief, VOICE)
    assert "Saved as version 2" in await save(chief, {"signature": "Lisbon", "english": "any"})
    form = await form_of(chief)
    about = str(form.blocks[0])
    assert "For the whole workspace" in about
    assert f"Version 2, saved by <@{chief.id}>" in about
    kept = VOICE | {"signature": "Lisbon"}
    del kept["english"]
    assert filled_in(form) == kept


async def test_a_draft_is_written_in_the_voice_and_says_so(
    bot: Bot, chief: Person, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await save(chief, VOICE)
    engine.write = lambda _: "We Utilise synergy in our color. We utilised it."
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    for said in ("We write as we talk.", "utilise (write use)", "British", VOICE["sample_1"]):
        assert said in system(engine)
    assert "We Use synergy" in draft.text or "We Use synergy" in str(draft.blocks)
    assert facts(draft) == "Against the house's voice: “synergy”, “utilised”"
    await ana.press(draft, "why")
    (why,) = await workspace.until(lambda: workspace.views(ana.id))
    assert "*The house's voice*\\nversion 1 of the workspace's" in str(why.blocks)


async def test_the_check_lists_where_a_draft_departs(
    bot: Bot, chief: Person, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await save(chief, VOICE)
    engine.write = lambda _: "Synergy in our color. We utilised it."
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await ana.press(draft, "voice_check")
    (shown,) = await workspace.until(lambda: workspace.views(ana.id))
    said = str(shown.blocks)
    assert "“Synergy”, “utilised” (better: “use”)" in said
    assert "“color” (better: “colour”)" in said
    assert "The draft does not end with it." in said


async def test_a_draft_in_the_voice_departs_nowhere(
    bot: Bot, chief: Person, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await save(chief, VOICE)
    engine.write = lambda _: "We use colour.\n\nThe Lisbon team"
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await ana.press(draft, "voice_check")
    (shown,) = await workspace.until(lambda: workspace.views(ana.id))
    assert "nothing in draft 1 that departs" in str(shown.blocks)


async def test_without_a_voice_nothing_is_told_and_nothing_can_be_checked(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    assert "voice_check" not in buttons(draft)
    assert "\n" not in system(engine)


async def test_the_voice_of_a_channel_is_its_makers_and_wins_there(
    bot: Bot, chief: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    maker = workspace.person("maker")
    plans = Person(workspace, maker, workspace.channel("plans", creator=maker))
    await save(chief, VOICE)
    form = await form_of(plans)
    assert f"For <#{plans.channel}> alone" in str(form.blocks[0])
    assert filled_in(form) == {}
    await workspace.close_view(maker, form.id)
    await save(plans, {"signature": "Plans"}, "voice here")
    await plans.draft("rain")
    await plans.sees_drafts(1)
    assert "signature: Plans" in system(engine)
    assert "We write as we talk." in system(engine)
    await chief.draft("rain")
    await chief.sees_drafts(1)
    assert "signature: The Lisbon team" in system(engine)


@pytest.mark.parametrize("words", ["voice", "voice here", "文风", "Voice  here"])
async def test_others_get_a_sentence(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine, words: str
) -> None:
    await ana.draft(words)
    await ana.hears("Only admins can change")
    assert not workspace.views(ana.id)
    assert not engine.requests


async def test_an_outsider_who_made_a_shared_channel_does_not_say_how_we_write_there(
    bot: Bot, workspace: Workspace
) -> None:
    outsider = workspace.person("otto", outsider=True)
    shared = Person(workspace, outsider, workspace.channel("shared", creator=outsider))
    await shared.draft("voice here")
    await shared.hears("Only admins can change")


@pytest.mark.parametrize("mention", [True, False])
async def test_a_message_is_told_that_a_command_opens_the_form(
    bot: Bot, chief: Person, workspace: Workspace, engine: ScriptedEngine, mention: bool
) -> None:
    if mention:
        await workspace.say(chief.id, chief.channel, f"<@{workspace.bot_user}> voice")
        await chief.hears("it opens a form, which a message cannot")
    else:
        alone = workspace.dm(chief.id)
        ts = await workspace.say(chief.id, alone, "voice")
        await workspace.until(lambda: "opens a form" in workspace.messages(alone, ts)[-1].text)
    assert not engine.requests


async def test_who_is_no_admin_any_more_saves_nothing(
    start: StartBot, chief: Person, workspace: Workspace
) -> None:
    async with start():
        form = await form_of(chief)
    workspace.state.users[chief.id].admin = False
    async with start():
        answer = await workspace.submit(chief.id, form.id, VOICE)
        assert "Only admins" in answer.errors["description"]


async def test_what_the_filter_stops_is_said_at_its_field_and_nothing_is_saved(
    bot: Bot, chief: Person, workspace: Workspace
) -> None:
    form = await form_of(chief)
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\n-----END RSA PRIVATE KEY-----"
    answer = await workspace.submit(chief.id, form.id, VOICE | {"sample_1": key})
    assert "safety filter" in answer.errors["sample_1"]
    await workspace.close_view(chief.id, form.id)
    assert filled_in(await form_of(chief)) == {}


async def test_a_line_that_cannot_be_meant_is_said_at_its_field(
    bot: Bot, chief: Person, workspace: Workspace
) -> None:
    form = await form_of(chief)
    answer = await workspace.submit(chief.id, form.id, {"avoided": "-> use"})
    assert answer.errors == {"avoided": "Line 1 has nothing before its arrow."}


async def test_what_would_be_too_long_to_be_shown_again_is_said_at_its_field(
    bot: Bot, chief: Person, workspace: Workspace
) -> None:
    lines = "\n".join(f"{n:02}{'x' * 26}=y" for n in range(94))
    assert len(lines) < 3000
    form = await form_of(chief)
    answer = await workspace.submit(chief.id, form.id, {"avoided": lines})
    assert "at most 3,000 characters" in answer.errors["avoided"]


async def test_what_was_committed_is_called_saved_however_long_it_took(
    bot: Bot, chief: Person, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Store.add_voice

    async def slowly(*given: Any) -> SavedVoice:
        saved = await add(*given)
        await asyncio.sleep(0.3)
        return saved

    form = await form_of(chief)
    monkeypatch.setattr(Store, "add_voice", slowly)
    monkeypatch.setattr(voice, "JUDGE_SECONDS", 0.2)
    assert not (await workspace.submit(chief.id, form.id, {"english": "british"})).errors
    assert "Saved as version 1" in str(workspace.views(chief.id)[-1].blocks)


async def test_the_check_names_each_word_once_and_says_how_many_more_there_are(
    bot: Bot, chief: Person, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    words = [f"word{a}{b}" for a in "abcdef" for b in "abcdef"]
    await save(chief, {"avoided": "\n".join(words)})
    engine.write = lambda _: "worda a. " + "wordaa " * 40 + " ".join(words)
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await ana.press(draft, "voice_check")
    (shown,) = await workspace.until(lambda: workspace.views(ana.id))
    said = str(shown.blocks)
    assert said.count("“wordaa”") == 1
    assert "“wordef”, and 6 more" in said


async def test_who_saved_what_is_in_the_audit_without_its_words(
    bot: Bot, chief: Person, tmp_path: Path
) -> None:
    await save(chief, VOICE)
    log = (tmp_path / "audit.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in log.splitlines()]
    (saved,) = [line for line in lines if line["action"] == "saved"]
    assert saved["who"] == chief.id
    assert saved["request"].startswith("voice-T")
    assert len(saved["hmac"]) == 64
    assert "Lisbon" not in log


async def test_what_the_model_is_not_told_is_said_after_saving(
    start: StartBot, chief: Person
) -> None:
    async with start(voice_budget=300):
        long = {"sample_2": "The kitchen is blue. " * 60}
        said = await save(chief, VOICE | long)
    assert "at most 300 characters" in said
    assert "Samples" in said
    assert "Signature" not in said


async def test_a_form_that_does_not_open_is_said(
    bot: Bot, chief: Person, workspace: Workspace
) -> None:
    workspace.fail("views.open", error="fatal_error", times=9)
    await chief.draft("voice")
    await chief.hears("could not open the form")


async def test_in_our_conversation_there_is_no_channel(
    bot: Bot, chief: Person, workspace: Workspace
) -> None:
    alone = workspace.dm(chief.id)
    await workspace.command(chief.id, alone, "/draft", "voice here")
    await chief.hears("This is no channel")


async def test_an_admin_types_a_voice_and_checks_a_draft_at_the_page(
    bot: Bot, chief: Person, workspace: Workspace, engine: ScriptedEngine, reader: Reader
) -> None:
    engine.write = lambda _: "We utilise synergy in our color."
    await reader.open("chief", "launch")
    await reader.type("#composer-text", "/draft voice\n")
    await reader.see("#modal-title", "The house's voice")
    await reader.type("#input-avoided", "utilise -> use\nsynergy")
    await reader.choose("#input-english", "british")
    await reader.click('#modal [type="submit"]')
    await reader.see("#modal", "Saved as version 1.")
    await reader.click("#modal footer .button")
    await reader.not_see("#modal")
    await reader.type("#composer-text", "/draft rain\n")
    await reader.click("#messages button.replies")
    await reader.see("#replies", "We use synergy in our color.")
    await reader.see("#replies .block-context", "Against the house's voice: “synergy”")
    await reader.click('#replies [data-action="voice_check"]')
    await reader.see("#modal", "“color” (better: “colour”)")
