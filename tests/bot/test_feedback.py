"""What readers think of drafts: the thumbs, and the form behind the one that is down."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.app import Bot
from bot.store import Feedback, Store
from bot.workspace import Workspace, payloads
from tests.person import Person, buttons, settings_for
from tests.scripted_engine import ScriptedEngine

Kept = tuple[int, str, bool, str | None, str]


@pytest.fixture
def guest(workspace: Workspace, ana: Person) -> Person:
    guest = Person(workspace, workspace.person("gus", guest=True), ana.channel)
    workspace.add_to(ana.channel, guest.id)
    return guest


async def kept(workspace: Workspace, folder: Path) -> list[Kept]:
    """Return what the database has: version, reader, thumb, reason and words."""
    store = await Store.open(settings_for(workspace, "", folder).database)
    found: Sequence[Feedback] = await store.list_feedback()
    await store.close()
    return [(f.version_id, f.user, f.good, f.reason, f.words) for f in found]


async def test_a_thumb_down_asks_why_and_all_of_it_is_kept(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, tmp_path: Path
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    assert await ana.press(draft, "bad")
    assert await kept(workspace, tmp_path) == [(1, ana.id, False, None, "")]
    (form,) = await workspace.until(lambda: workspace.views(ana.id))
    filled = {"reason": "facts", "words": " It never rained. "}
    assert (await workspace.submit(ana.id, form.id, filled)).ok
    assert await kept(workspace, tmp_path) == [(1, ana.id, False, "facts", "It never rained.")]


async def test_the_last_thumb_of_each_reader_counts(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, tmp_path: Path
) -> None:
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    await ana.draft("n=2 rain")
    first, second = await ana.sees_drafts(2)
    await ana.press(first, "bad")
    (form,) = await workspace.until(lambda: workspace.views(ana.id))
    await workspace.submit(ana.id, form.id, {"words": "dull"})
    assert (await kept(workspace, tmp_path))[0] == (1, ana.id, False, "other", "dull")
    await ana.press(first, "good")
    await ana.press(second, "good")
    await ben.press(first, "bad")
    assert await kept(workspace, tmp_path) == [
        (1, ana.id, True, None, ""),
        (2, ana.id, True, None, ""),
        (1, ben.id, False, None, ""),
    ]
    assert not workspace.views(ana.id)
    assert not workspace.whispers(ana.id)


@pytest.mark.parametrize("ends", ["closed", "sent empty"])
async def test_a_form_without_an_answer_loses_nothing(
    bot: Bot, ana: Person, workspace: Workspace, tmp_path: Path, ends: str
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await ana.press(draft, "bad")
    (form,) = await workspace.until(lambda: workspace.views(ana.id))
    if ends == "closed":
        await workspace.close_view(ana.id, form.id)
    else:
        assert (await workspace.submit(ana.id, form.id, {})).ok
    assert await kept(workspace, tmp_path) == [(1, ana.id, False, None, "")]


async def test_a_form_that_does_not_open_leaves_the_thumb_counted(
    bot: Bot, ana: Person, workspace: Workspace, tmp_path: Path
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    workspace.fail("views.open", error="expired_trigger_id")
    assert await ana.press(draft, "bad")
    await ana.hears("could not open that")
    assert await kept(workspace, tmp_path) == [(1, ana.id, False, None, "")]


async def test_one_click_that_is_delivered_twice_undoes_nothing_that_came_between(
    bot: Bot, ana: Person, workspace: Workspace, tmp_path: Path
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    (block,) = [b for b in draft.blocks if b["type"] == "context_actions"]
    action = payloads.clicked_action(block, block["elements"][0], "bad:1")
    click = payloads.message_action(workspace.state, ana.id, draft, action)
    assert (await workspace._delivery.ask("interactive", click)).acked
    (form,) = await workspace.until(lambda: workspace.views(ana.id))
    await workspace.close_view(ana.id, form.id)
    await ana.press(draft, "good")
    assert (await workspace._delivery.ask("interactive", click)).acked
    assert await kept(workspace, tmp_path) == [(1, ana.id, True, None, "")]
    assert not workspace.views(ana.id)


async def test_a_guests_thumb_is_answered_and_not_counted(
    bot: Bot, ana: Person, guest: Person, workspace: Workspace, tmp_path: Path
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    for thumb in ("good", "bad"):
        assert await guest.press(draft, thumb)
        await guest.hears("open to full members")
    assert not workspace.views(guest.id)
    assert await kept(workspace, tmp_path) == []


async def test_what_was_said_about_a_draft_goes_with_it(
    bot: Bot, ana: Person, workspace: Workspace, tmp_path: Path
) -> None:
    await ana.draft("n=2 rain")
    first, second = await ana.sees_drafts(2)
    for draft in (first, second):
        await ana.press(draft, "bad")
        (form,) = await workspace.until(lambda: workspace.views(ana.id))
        await workspace.submit(ana.id, form.id, {"reason": "tone", "words": "dull"})
    await ana.press(first, "bad")
    (form,) = await workspace.until(lambda: workspace.views(ana.id))
    await ana.react(first, "wastebasket")
    await workspace.until(lambda: len(ana.drafts) == 1)
    assert (await workspace.submit(ana.id, form.id, {"words": "late"})).ok
    assert await kept(workspace, tmp_path) == [
        (1, ana.id, False, "tone", ""),
        (2, ana.id, False, "tone", "dull"),
    ]


async def test_a_draft_that_was_stopped_has_no_thumbs(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write, engine.pause = lambda _: "The tram climbs the hill. " * 200, 0.01
    await ana.draft("rain")
    await workspace.until(lambda: ana.drafts and "tram" in ana.drafts[0].text)
    await ana.react(ana.drafts[0], "x")
    (draft,) = await ana.sees_drafts(1)
    assert not {"good", "bad"} & set(buttons(draft))


async def test_a_click_is_acked_however_long_its_answer_takes(
    bot_by_either_way: Bot, ana: Person, guest: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    # The pauses between these tries are longer than Slack waits for an ack.
    workspace.fail("chat.postEphemeral", status=503, times=4)
    assert await guest.press(draft, "good")
    await guest.hears("open to full members", timeout=15)
