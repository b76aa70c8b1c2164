"""Several drafts of one brief: what is said of each, which is marked, which is shown at all."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.app import Bot
from bot.drafting.jobs import draft_footers
from bot.drafting.measures import shown
from bot.http_server import serve_http
from bot.store import Store
from bot.workspace import PostedMessage, Workspace
from tests.bot.draft_view import shown_in
from tests.person import Person, StartBot, buttons, facts, settings_for
from tests.scripted_engine import Json, ScriptedEngine

ALL = ["coherence", "creativity", "relevance", "readability"]
BEST = "Likely the best"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft_footers, "LOOK", 0.05)


@pytest.fixture
def meaningful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all four measures mean something with the model of these tests."""
    kept = tmp_path / "shown.json"
    kept.write_text(json.dumps({"scripted": {"en": ALL, "zh": ALL}}))
    monkeypatch.setattr(shown, "KEPT", kept)


def clear_or_dull(body: Json) -> str:
    """Write well with one seed of two, and the same sentence again and again with the other."""
    if body["seed"] % 2:
        return "The rain fell on the hill. It filled the well. Now we drink from it."
    again = "Notwithstanding institutional interdependencies, precipitation was operationalised. "
    return again * 6


async def marked(ana: Person, count: int) -> list[PostedMessage]:
    """Return the drafts once one of them is marked as the likely best."""

    def done() -> list[PostedMessage] | None:
        drafts = ana.drafts
        told = [each for each in drafts if "of 10" in facts(each)]
        return drafts if len(drafts) == len(told) == count else None

    found = await ana.workspace.until(done)
    assert found is not None
    return found


@pytest.mark.usefixtures("meaningful")
async def test_each_of_several_drafts_says_how_it_was_measured_and_one_is_marked(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    engine.write = clear_or_dull
    await ana.draft("seed=2 n=2 rain")
    before = [each.ts for each in await ana.sees_drafts(2)]
    dull, clear = await marked(ana, 2)
    assert [dull.ts, clear.ts] == before
    assert BEST in facts(clear)
    assert BEST not in facts(dull)
    for name in ("coherent", "fresh", "on topic", "easy to read"):
        assert name in facts(clear)
    assert "The rain fell" in clear.text
    assert {"accept_form", "good", "bad"} <= set(buttons(clear))
    assert engine.scored


@pytest.mark.usefixtures("meaningful")
async def test_why_this_gives_the_reason_and_the_cost(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.write = clear_or_dull
    await ana.draft("seed=2 n=2 rain")
    _, clear = await marked(ana, 2)
    await ana.press(clear, "why")
    (view,) = await workspace.until(lambda: workspace.views(ana.id))
    said = shown_in(view)
    assert "Draft 2 is likely the best of 2" in said
    assert "easier to read" in said
    assert "tokens written for 2 drafts" in said
    assert "read to measure them" in said


async def test_nothing_is_said_where_the_measures_mean_nothing_with_the_model(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace, tmp_path: Path
) -> None:
    await ana.draft("n=2 rain")
    await ana.sees_drafts(2)
    await kept_measures(workspace, tmp_path)
    assert all("of 10" not in facts(each) for each in ana.drafts)
    assert not engine.scored


@asynccontextmanager
async def judging(asked: list[str]) -> AsyncIterator[str]:
    """Serve a judge that likes operations, and hear what it is asked."""

    async def chat(request: web.Request) -> web.Response:
        words = (await request.json())["messages"][-1]["content"]
        asked.append(words)
        grade = "5" if "operationalised" in words else "1"
        top = [{"token": grade, "logprob": 0.0}]
        return web.json_response({"choices": [{"logprobs": {"content": [{"top_logprobs": top}]}}]})

    async def models(_: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "critic"}]})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/v1/models", models)
    async with serve_http(app, "127.0.0.1", 0) as url:
        yield url


@pytest.mark.parametrize("tested", [["readability"], []])
async def test_a_judge_counts_only_where_its_grades_were_tested_with_the_model(
    start: StartBot,
    ana: Person,
    engine: ScriptedEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tested: Sequence[str],
) -> None:
    kept = tmp_path / "judged.json"
    alone, judged = {"en": ["creativity"]}, {"en": tested}
    kept.write_text(json.dumps({"scripted": alone, "scripted + critic": judged}))
    monkeypatch.setattr(shown, "KEPT", kept)
    engine.write = clear_or_dull
    asked: list[str] = []
    async with judging(asked) as url, start(judge_url=url):
        await ana.draft("seed=2 n=2 rain")
        dull, clear = await marked(ana, 2)
    if tested:
        assert asked
        assert BEST in facts(dull)
        assert "easy to read" in facts(dull)
        assert "fresh" not in facts(dull)
    else:
        assert not asked
        assert BEST in facts(clear)
        assert "fresh" in facts(clear)


@pytest.mark.usefixtures("meaningful")
async def test_one_draft_alone_is_not_measured(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    await ana.sees_drafts(1)
    await ana.draft("seed=2 n=2 sun")
    await marked(ana, 2)
    first = ana.workspace.messages(ana.channel)[0]
    thread = ana.workspace.messages(ana.channel, first.ts)
    assert all("of 10" not in facts(each) for each in thread)


@pytest.mark.usefixtures("meaningful")
async def test_a_server_that_cannot_score_leaves_what_needs_no_model(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    engine.scores = False
    await ana.draft("n=2 rain")
    for each in await marked(ana, 2):
        assert "fresh" in facts(each)
        assert "on topic" not in facts(each)


@pytest.mark.usefixtures("meaningful")
async def test_what_could_not_be_shown_before_a_restart_is_shown_after_it(
    start: StartBot, ana: Person, engine: ScriptedEngine
) -> None:
    engine.write = clear_or_dull
    async with start():
        await ana.draft("seed=2 n=2 rain")
        await ana.sees_drafts(2)
        ana.workspace.fail("chat.update", status=500, times=100)
    ana.workspace.heal()
    assert not any("of 10" in facts(each) for each in ana.drafts)
    async with start():
        _, clear = await marked(ana, 2)
        assert BEST in facts(clear)


@pytest.mark.usefixtures("meaningful")
async def test_best_shows_one_draft_and_a_click_shows_the_others(
    bot_by_either_way: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    engine.write = clear_or_dull
    await ana.draft("seed=2 n=2 best=yes rain")
    (best,) = await ana.sees_drafts(1)
    assert "The rain fell" in best.text
    assert BEST in facts(best)
    assert "1 draft" in await head_of(ana, "1 draft")
    assert await ana.press(best, "others")
    shown_first, then = await ana.sees_drafts(2)
    assert shown_first.ts == best.ts
    assert "operationalised" in then.text
    assert "of 10" in facts(then)
    await ana.workspace.until(lambda: "others" not in buttons(ana.drafts[0]))
    assert "The rain fell" in ana.drafts[0].text
    assert "2 drafts" in await head_of(ana, "2 drafts")


async def head_of(ana: Person, words: str) -> str:
    """Return what the head of the thread says, once it has these words."""
    await ana.workspace.until(lambda: words in str(ana.root.blocks))
    return str(ana.root.blocks)


@pytest.mark.usefixtures("meaningful")
async def test_a_reply_changes_the_draft_that_is_shown(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    engine.write = clear_or_dull
    await ana.draft("seed=1 n=3 best=yes rain")
    (best,) = await ana.sees_drafts(1)
    number = best.text.partition("Draft ")[2][0]
    await ana.reply("shorter")
    _, changed = await ana.sees_drafts(2)
    assert f"made from draft {number}" in changed.text


async def test_best_without_a_number_writes_three_and_shows_the_first_where_nothing_tells_them(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    await ana.draft("best=yes rain")
    (first,) = await ana.sees_drafts(1)
    assert engine.requests[-1]["n"] == 3
    assert "Draft 1" in first.text
    assert "of 10" not in facts(first)


async def test_a_stop_shows_what_was_written_so_far(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.write, engine.pause = lambda _: "The tram climbs the hill. " * 200, 0.01
    await ana.draft("best=yes rain")
    await workspace.until(lambda: engine.running and "stop_thread" in buttons(ana.root))
    assert not ana.drafts
    await ana.press(ana.root, "stop_thread")
    (draft,) = await ana.sees_drafts(1)
    assert "Stopped" in facts(draft)


@pytest.mark.usefixtures("meaningful")
async def test_a_best_that_slack_did_not_take_is_shown_once_by_the_next_start(
    start: StartBot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.write = clear_or_dull
    workspace.fail("chat.stopStream", status=500, times=1000)
    workspace.fail("chat.update", status=500, times=1000)
    async with start():
        await ana.draft("seed=2 n=2 best=yes rain")
        await workspace.until(lambda: ana.drafts)
    workspace.heal()
    async with start():
        (best,) = await ana.sees_drafts(1, timeout=20)
        assert "The rain fell" in best.text
        assert "others" in buttons(best)


@pytest.mark.usefixtures("meaningful")
async def test_the_best_comes_after_a_restart_in_the_midst_of_writing(
    start: StartBot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.write = clear_or_dull
    engine.gate.clear()
    async with start():
        await ana.draft("seed=2 n=2 best=yes rain")
        await workspace.until(lambda: engine.running)
    engine.gate.set()
    async with start():
        (best,) = await ana.sees_drafts(1)
        assert "The rain fell" in best.text


@pytest.mark.usefixtures("meaningful")
async def test_two_clicks_at_once_show_the_others_once(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.write = clear_or_dull
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    await ana.draft("seed=2 n=3 best=yes rain")
    (best,) = await ana.sees_drafts(1)
    await asyncio.gather(*(who.press(best, "others") for who in (ana, ben, ana)))
    await ana.sees_drafts(3)
    await workspace.until(lambda: "others" not in buttons(ana.drafts[0]))
    assert len(ana.drafts) == 3


async def test_the_others_come_after_all_that_the_job_has_to_do(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    workspace.fail("reactions.add", retry_after=1)
    await ana.draft("n=2 best=yes rain")
    (best,) = await ana.sees_drafts(1)
    assert await ana.press(best, "others")
    await ana.sees_drafts(2)
    done = [call.method for call in workspace.calls if "repeat" in str(call.args)]
    assert done
    last = max(i for i, call in enumerate(workspace.calls) if call.method == "reactions.add")
    begun = [i for i, call in enumerate(workspace.calls) if call.method == "chat.startStream"]
    assert last < begun[-1]
    assert len(ana.drafts) == 2


async def test_what_is_finished_of_a_job_that_fails_is_shown(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    long, engine.die_after = "The tram climbs the hill. " * 50, 40
    engine.write = lambda body: long if body["seed"] % 2 else "It is short, and it is done."
    engine.refuse = lambda _: {"message": "no"} if len(engine.requests) > 1 else None
    await ana.draft("seed=1 n=2 best=yes rain")
    (done,) = await ana.sees_drafts(1)
    assert "It is short" in done.text
    await ana.hears("did not take this request")


async def test_the_measures_of_all_siblings_are_kept(
    bot: Bot, ana: Person, workspace: Workspace, tmp_path: Path
) -> None:
    await ana.draft("n=2 rain")
    await ana.sees_drafts(2)
    kept = await kept_measures(workspace, tmp_path)
    assert all(set(ALL) < set(each) for each in kept)
    assert all(0 <= each["readability"] <= 1 for each in kept)


async def kept_measures(workspace: Workspace, folder: Path) -> list[dict[str, Any]]:
    """Return what the store keeps of the drafts of the first thread, once they are measured."""
    store = await Store.open(settings_for(workspace, "", folder).database)
    try:
        async with asyncio.timeout(10):
            while True:
                kept = [version.measures for version in await store.list_versions(1)]
                if all(each is not None for each in kept):
                    return [each or {} for each in kept]
                await asyncio.sleep(0.05)
    finally:
        await store.close()


async def test_a_channel_shows_the_best_alone_until_somebody_ends_that(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    chief = Person(workspace, workspace.person("chief", admin=True), ana.channel)
    await chief.draft("best on")
    await chief.hears("likely best")
    await ana.draft("rain")
    await ana.sees_drafts(1)
    assert engine.requests[-1]["n"] == 3
    await ana.draft("best=no n=2 sun")
    await ana.sees_drafts(2)
    other = Person(workspace, ana.id, workspace.channel("other"))
    await other.draft("rain")
    await other.sees_drafts(1)
    assert engine.requests[-1]["n"] == 1
    await chief.draft("best  OFF")
    await chief.hears("is shown")
    await ana.draft("rain")
    await ana.sees_drafts(1)
    assert engine.requests[-1]["n"] == 1


async def test_only_admins_and_who_made_a_channel_decide_what_it_is_shown(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    await ana.draft("best on")
    await ana.hears("Only admins")
    made = Person(workspace, ana.id, workspace.channel("made", creator=ana.id))
    await made.draft("best on")
    await made.hears("likely best")
    await ana.draft("rain")
    await ana.sees_drafts(1)
    assert engine.requests[-1]["n"] == 1


async def test_who_asks_for_the_best_in_a_message_is_told_where_to_type_it(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    await workspace.say(ana.id, ana.channel, f"<@{workspace.bot_user}> best off")
    await ana.hears("/draft best off")
    assert not engine.requests


async def requested(workspace: Workspace, engine: ScriptedEngine, times: int) -> None:
    await workspace.until(lambda: len(engine.requests) == times)


async def test_the_form_is_ticked_where_the_best_is_usual_and_whoever_unticks_it_means_it(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    made = Person(workspace, ana.id, workspace.channel("made", creator=ana.id))
    await made.draft("best on")
    await made.hears("likely best")
    for number, (ticked, drafts) in enumerate(((["yes"], 3), ([], 1)), 1):
        await made.draft("")
        (form,) = await workspace.until(lambda: workspace.views(ana.id))
        chosen = {b["block_id"]: b["element"] for b in form.blocks if b["type"] == "input"}
        assert chosen["best"]["initial_options"][0]["value"] == "yes"
        values = {"brief": "the tram", "best": ticked, "drafts": "1"}
        assert (await workspace.submit(ana.id, form.id, values)).ok
        await requested(workspace, engine, number)
        assert engine.requests[-1]["n"] == drafts


async def test_home_counts_the_drafts_that_are_shown(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("best=yes rain")
    await ana.sees_drafts(1)
    await workspace.open_home(ana.id)

    def shown() -> str:
        home = workspace.home(ana.id)
        blocks = str(home.body["blocks"]) if home else ""
        return blocks if "rain" in blocks else ""

    assert "1 draft" in await workspace.until(shown)
