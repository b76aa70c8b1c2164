"""What a person sets for their own drafts: kept for them alone, used where a brief says nothing."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.app import Bot
from bot.drafting.brief.brief import Brief, parse
from bot.drafting.brief.recipe import load_recipes
from bot.drafting.preferences import LONGEST, adapted
from bot.listeners import own_settings
from bot.store import Job, JobKind, Preferences, Store, Thread
from bot.workspace import Workspace
from safety import Filter
from tests.bot.draft_view import form_behind, shown_in
from tests.bot.test_recipes import OPTIONS
from tests.person import Person, StartBot
from tests.reader import Reader
from tests.scripted_engine import ScriptedEngine

RECIPES = load_recipes()
SECRET = "AKIA" + "Q3EGRIZV7N2KXW5B"


async def home_of(workspace: Workspace, who: Person) -> Any:
    await workspace.open_home(who.id)
    return await workspace.until(lambda: workspace.home(who.id))


async def home_shows(workspace: Workspace, who: Person, words: str) -> str:
    """Return what the home tab shows, once it has these words."""

    def shown() -> str:
        home = workspace.home(who.id)
        blocks = str(home.body["blocks"]) if home else ""
        return blocks if words in blocks else ""

    return await workspace.until(shown)


async def set_own(workspace: Workspace, who: Person, values: Mapping[str, object]) -> Any:
    """Fill in the form behind the button of the home tab, and return Slack's answer."""
    home = await home_of(workspace, who)
    assert await workspace.click_in_view(who.id, home.id, "own_settings")
    (form,) = await workspace.until(lambda: workspace.views(who.id))
    return await workspace.submit(who.id, form.id, values)


def told(engine: ScriptedEngine) -> str:
    """Return the first thing that the model was asked last."""
    content: str = engine.requests[-1]["messages"][1]["content"]
    return content


async def test_what_a_person_set_holds_where_a_brief_says_nothing(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    answer = await set_own(workspace, ana, {"tone": "playful", "n": "2", "length": "short"})
    assert answer.ok
    await home_shows(workspace, ana, "*Tone*: playful")
    await ana.draft("blog: the tram")
    first, _ = await ana.sees_drafts(2)
    assert "Keep the tone playful." in told(engine)
    assert "Write about 150 words." in told(engine)
    page = shown_in(await form_behind(workspace, ana, first, "why"))
    assert "From the own settings of whoever asked" in page
    assert "Tone, Number of drafts, Length in words" in page
    await ana.draft("blog: the tram tone=formal n=1 words=80")
    await ana.sees_drafts(1)
    assert "Keep the tone formal." in told(engine)
    assert "Write about 80 words." in told(engine)


async def test_what_was_set_lasts_through_regenerations_and_is_told_of_each(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await set_own(workspace, ana, {"tone": "playful"})
    await ana.draft("blog: the tram")
    (draft,) = await ana.sees_drafts(1)
    await ana.press(draft, "regenerate")
    _, again = await ana.sees_drafts(2)
    assert "Keep the tone playful." in told(engine)
    page = shown_in(await form_behind(workspace, ana, again, "why"))
    assert "whoever asked, in the app's home*\\nTone" in page


async def test_what_the_model_shall_know_of_a_person_goes_with_their_own_briefs_alone(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    about = {"about": "I run the trams.", "signature": "Ana, Trams", "spelling": "british"}
    assert (await set_own(workspace, ana, about)).ok
    await ana.draft("email: the tram is late")
    (draft,) = await ana.sees_drafts(1)
    assert "in their own words: I run the trams." in told(engine)
    assert "Sign it with these words: Ana, Trams" in told(engine)
    assert "Use British spelling." in told(engine)
    page = shown_in(await form_behind(workspace, ben, draft, "why"))
    assert "What I know about you, Spelling, Signature" in page
    assert "trams." not in page
    await ben.reply("shorter, please")
    await ana.sees_drafts(3 - 1)
    assert "I run the trams." not in told(engine)
    await ana.draft("blog: the tram")
    await ana.sees_drafts(1)
    assert "Sign it" not in told(engine)
    assert "I run the trams." in told(engine)


async def test_what_was_chosen_once_is_taken_back(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await set_own(workspace, ana, {"tone": "playful", "length": "short", "spelling": "british"})
    await home_shows(workspace, ana, "*Tone*: playful")
    open_again = dict.fromkeys(("tone", "length", "n", "spelling"), "any")
    assert (await set_own(workspace, ana, open_again)).ok
    await home_shows(workspace, ana, "Nothing yet: set a tone")
    await set_own(workspace, ana, {"tone": "playful"})
    await home_shows(workspace, ana, "*Tone*: playful")
    await ana.draft("")
    (form,) = await workspace.until(lambda: workspace.views(ana.id))
    assert (await workspace.submit(ana.id, form.id, {"brief": "the tram", "tone": "any"})).ok
    await ana.sees_drafts(1)
    assert "playful" not in told(engine)


async def test_a_filter_that_is_slow_is_said_in_time_and_nothing_is_kept(
    bot: Bot, ana: Person, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(*_: object, **__: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(Filter, "judge", slow)
    monkeypatch.setattr(own_settings, "JUDGE_SECONDS", 0.05)
    answer = await set_own(workspace, ana, {"about": "I run the trams.", "tone": "formal"})
    assert "could not save this" in answer.errors["about"]
    assert "*Tone*" not in str((await home_of(workspace, ana)).body["blocks"])


async def test_what_grows_too_long_for_the_form_is_said_at_its_field(
    bot: Bot, ana: Person, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LONGEST, "about", 10)
    answer = await set_own(workspace, ana, {"about": "I run the trams."})
    assert "at most 10 characters" in answer.errors["about"]


async def test_what_the_prompt_cannot_tell_is_not_named(
    start: StartBot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    async with start(model_languages=["en", "zh"]):
        await set_own(workspace, ana, {"about": "I run the trams.", "spelling": "british"})
        await ana.draft("博客：电车")
        (draft,) = await ana.sees_drafts(1)
        page = shown_in(await form_behind(workspace, ana, draft, "why"))
    assert "What I know about you" in page
    assert "Spelling" not in page


async def test_the_spelling_and_signature_of_the_house_win(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    chief = workspace.person("chief", admin=True)
    await workspace.command(chief, ana.channel, "/draft", "voice")
    (form,) = await workspace.until(lambda: workspace.views(chief))
    voice = {"english": "american", "signature": "The Lisbon team"}
    assert not (await workspace.submit(chief, form.id, voice)).errors
    own = {"spelling": "british", "signature": "Ana", "about": "I run the trams."}
    await set_own(workspace, ana, own)
    await ana.draft("email: the tram is late")
    (draft,) = await ana.sees_drafts(1)
    assert "I run the trams." in told(engine)
    assert "British" not in told(engine)
    assert "Sign it" not in told(engine)
    page = shown_in(await form_behind(workspace, ana, draft, "why"))
    assert "in the app's home*\\nWhat I know about you" in page


async def test_what_the_filter_stops_is_said_in_the_form_and_nothing_is_kept(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    answer = await set_own(workspace, ana, {"about": f"My key is {SECRET}.", "tone": "formal"})
    assert "does not let this in" in answer.errors["about"]
    assert "*Tone*" not in str((await home_of(workspace, ana)).body["blocks"])


async def test_what_was_set_is_shown_in_the_form_and_deleted_by_a_button(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await set_own(workspace, ana, {"about": "I run the trams.", "consent": ["yes"]})
    shown = await home_shows(workspace, ana, "agreed on 20")
    assert "16 characters" in shown
    assert "I run the trams." not in shown
    home = workspace.home(ana.id)
    assert home is not None
    await workspace.click_in_view(ana.id, home.id, "own_settings")
    (form,) = await workspace.until(lambda: workspace.views(ana.id))
    assert "I run the trams." in str(form.blocks)
    await workspace.close_view(ana.id, form.id)
    assert await workspace.click_in_view(ana.id, home.id, "delete_own_settings")
    await home_shows(workspace, ana, "Nothing yet: set a tone")
    await ana.draft("blog: the tram")
    await ana.sees_drafts(1)
    assert "I run the trams." not in told(engine)


async def test_nobody_sees_or_has_what_somebody_else_set(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    await set_own(workspace, ana, {"tone": "playful", "about": "I run the trams."})
    home = await home_of(workspace, ben)
    assert "*Tone*" not in str(home.body["blocks"])
    await ben.draft("blog: the tram")
    await ben.sees_drafts(1)
    assert "playful" not in told(engine)
    assert "I run the trams." not in told(engine)


async def test_the_form_for_a_draft_begins_with_what_was_set_and_what_is_emptied_there_is_empty(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await set_own(workspace, ana, {"tone": "playful", "n": "2", "private": ["yes"]})
    await ana.draft("")
    (form,) = await workspace.until(lambda: workspace.views(ana.id))
    chosen = {b["block_id"]: b["element"] for b in form.blocks if b["type"] == "input"}
    assert chosen["tone"]["initial_option"]["value"] == "playful"
    assert chosen["drafts"]["initial_option"]["value"] == "2"
    assert chosen["private"]["initial_options"][0]["value"] == "yes"
    values = {"brief": "the tram", "tone": "", "drafts": "1", "private": []}
    assert (await workspace.submit(ana.id, form.id, values)).ok
    await ana.sees_drafts(1)
    assert "playful" not in told(engine)


async def test_what_was_set_in_the_form_is_seen_at_home_in_chinese(
    start: StartBot, workspace: Workspace
) -> None:
    mei = Person(workspace, workspace.person("mei", locale="zh-CN"), workspace.channel("launch"))
    async with start(model_languages=["en", "zh"]):
        values = {"tone": "formal", "lang": "zh", "spelling": "traditional"}
        assert (await set_own(workspace, mei, values)).ok
        shown = await home_shows(workspace, mei, "*语气*：正式")
    assert "*语言*：中文" in shown
    assert "*拼写或字形*：繁体中文" in shown


async def test_a_person_sets_and_deletes_their_own_settings_in_the_browser(
    bot: Bot, ana: Person, reader: Reader
) -> None:
    await reader.open("ana", "launch")
    await reader.click('#dms [data-channel="draftsmith"]')
    await reader.click("#tab-home")
    await reader.see("#home", "Nothing yet: set a tone")
    await reader.click('#home [data-action="own_settings"]')
    await reader.see("#modal-title", "Your own settings")
    await reader.choose("#input-tone", "playful")
    await reader.type("#input-about", f"My key is {SECRET}.")
    await reader.click('#modal [type="submit"]')
    await reader.see('[data-error="about"]', "does not let this in")
    await reader.type("#input-about", "\b" * 40 + "I run the trams.")
    await reader.click('#modal [type="submit"]')
    await reader.not_see("#modal")
    await reader.see("#home", "Tone: playful")
    await reader.click('#home [data-action="delete_own_settings"]')
    await reader.click('#confirm [data-answer="yes"]')
    await reader.see("#home", "Nothing yet: set a tone")


def brief_of(text: str, **usual: object) -> Brief:
    options = OPTIONS.model_copy(update=usual)
    return parse(text, RECIPES, options, limit=1000, languages=["en", "zh"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("blog: the tram", 600),
        ("blog: the tram words=80", 80),
        ("tweet: the tram", None),
        ("the tram", None),
        ("博客：电车", 1000),
    ],
)
def test_the_length_is_that_of_the_kind_times_so_much_where_no_network_limits_it(
    text: str, words: int | None
) -> None:
    brief = brief_of(text)
    own = Preferences(user="U1", length="long")
    options, names = adapted(brief, RECIPES[brief.recipe], own, ["en", "zh"])
    assert options.words == words
    assert ("words" in names) == (words not in (80, None))
    assert options.max_tokens >= (words or 0) * 2


@pytest.mark.parametrize(
    ("typed", "own", "usual", "drafts"),
    [
        ("best=yes rain", None, False, 3),
        ("best=yes rain", 1, False, 3),
        ("best=yes rain", 2, False, 2),
        ("best=yes n=1 rain", 2, False, 3),
        ("best=yes n=2 rain", 1, False, 2),
        ("rain", 1, True, 3),
        ("n=1 rain", None, True, 1),
        ("best=no rain", None, True, 1),
    ],
)
def test_the_best_is_of_three_unless_another_number_is_asked_for(
    typed: str, own: int | None, usual: bool, drafts: int
) -> None:
    brief = brief_of(typed, best=usual)
    options, names = adapted(brief, RECIPES["text"], Preferences(user="U1", drafts=own), ["en"])
    assert options.n == drafts
    assert ("n" in names) == (own is not None and own == drafts and "n=" not in typed)


def test_a_language_that_the_model_does_not_write_is_not_taken() -> None:
    brief, own = brief_of("blog: the tram"), Preferences(user="U1", lang="pt")
    options, names = adapted(brief, RECIPES["blog"], own, ["en", "zh"])
    assert (options.lang, names) == (brief.options.lang, [])


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await Store.open(url)
    yield opened
    await opened.close()


async def test_preferences_are_kept_replaced_and_forgotten(store: Store) -> None:
    assert (await store.preferences_of("U1")).tone is None
    await store.save_preferences(Preferences(user="U1", tone="formal", about="I run the trams."))
    await store.save_preferences(Preferences(user="U2", tone="simple"))
    await store.save_preferences(Preferences(user="U1", drafts=2))
    kept = await store.preferences_of("U1")
    assert (kept.tone, kept.about, kept.drafts) == (None, "", 2)
    await store.delete_preferences("U1")
    assert (await store.preferences_of("U1")).drafts is None
    assert (await store.preferences_of("U2")).tone == "simple"


async def test_two_who_save_at_once_for_the_first_time_both_do(store: Store) -> None:
    saving = [store.save_preferences(Preferences(user="U1", drafts=n)) for n in (1, 2)]
    deciding = [store.set_shows_best("C1", True, user) for user in ("U1", "U2")]
    *_, first, second = await asyncio.gather(*saving, *deciding)
    assert (await store.preferences_of("U1")).drafts in (1, 2)
    assert {first, second} == {True, False}


async def test_who_agrees_still_has_agreed_since_then(store: Store) -> None:
    first, later = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    for at, since in ((first, first), (later, first), (None, None), (later, later)):
        await store.save_preferences(Preferences(user="U1", consented_at=at))
        assert (await store.preferences_of("U1")).consented_at == since


async def test_what_a_job_was_written_with_is_noted_once(store: Store) -> None:
    thread = Thread(team="T1", channel="C1", requester="U1", recipe="blog", brief="rain")
    job = Job(kind=JobKind.DRAFT, requester="U1", sampling={"n": 1}, preferred=["tone"])
    begun = await store.add_job(job, "key", 3, thread)
    assert begun is not None
    await asyncio.gather(*(store.note_preferred(begun.id, ["about", "tone"]) for _ in range(2)))
    assert (await store.get_job(begun.id)).preferred == ["tone", "about"]
