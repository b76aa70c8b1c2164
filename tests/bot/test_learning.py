"""What a workspace's clicks teach, kept in the store; and the pairs that a trainer reads."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.drafting.brief.recipe import load_recipes
from bot.drafting.learning import Learning
from bot.drafting.ranking_fit import value_of
from bot.drafting.training_pairs import TrainingPairs
from bot.store import FeedbackReason, JobKind, Source, Store, VersionStatus
from tests.bot.clicker import TEAM, Clicker

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await Store.open(url)
    yield opened
    await opened.close()


@pytest.fixture
def clicker(store: Store) -> Clicker:
    return Clicker(store)


async def test_dozens_of_clicks_are_learnt_once_and_a_reset_begins_anew(
    store: Store, clicker: Clicker
) -> None:
    learning = Learning(store)
    for i in range(40):
        versions = await clicker.two(better=i % 2)
        # Now and then somebody takes the other one.
        await clicker.accept(versions[i % 2 if i % 8 else 1 - i % 2])
    fitted = await learning.refit(TEAM)
    assert fitted is not None
    assert fitted.comparisons == 40
    assert fitted.accuracy == 0.875
    assert await learning.refit(TEAM) is None, "there is no news"
    (first,) = await store.list_rankings(TEAM)
    assert not first.weights, "it tells no more of unseen clicks than the built-in weights"
    await learning.reset(TEAM)
    assert await learning.comparisons(TEAM) == []
    assert await learning.refit(TEAM) is None
    await clicker.accept((await clicker.two())[0])
    assert len(await learning.comparisons(TEAM)) == 1
    assert (await store.list_rankings(TEAM))[0].comparisons == 40


async def test_each_kind_of_click_says_something(store: Store, clicker: Clicker) -> None:
    first, second = await clicker.two()

    async def values() -> list[float]:
        return [value_of(each) for each in await store.list_judged(TEAM)]

    assert await values() == [0.0, 0.0]
    await store.rate_version(first.id, "U2", True, "thumb")
    assert await values() == [1.0, 0.0]
    again = {"thread_id": first.thread_id, "again_id": second.id, "sampling": {"n": 1}}
    await clicker.ask(JobKind.REGENERATE, **again)
    assert await values() == [1.0, -1.0]
    refined = {"thread_id": first.thread_id, "parent_id": first.id, "sampling": {"n": 1}}
    await clicker.ask(JobKind.REFINE, **refined, instruction="shorter")
    assert await values() == [2.0, -1.0]
    await clicker.accept(second, by="U3")
    assert await values() == [2.0, 2.0]
    (one, other) = await store.list_judged(TEAM)
    assert one.by == {"U1", "U2"}
    assert other.by == {"U1", "U3"}


async def test_who_rewrote_what_they_accepted_liked_it_less(store: Store, clicker: Clicker) -> None:
    kept, rewritten = await clicker.two()
    await clicker.accept(kept)
    await clicker.accept(rewritten, edited="Quite another one, all of it.")
    one, other = await store.list_judged(TEAM)
    assert value_of(one) == 3.0
    assert value_of(other) < 1.0


async def test_pairs_are_of_people_who_agreed_and_in_the_form_of_trl(
    store: Store, clicker: Clicker
) -> None:
    one, other = await clicker.two()
    await clicker.accept(one, by="U2")
    edited, _ = await clicker.two()
    better = f"{edited.text} Really."
    await clicker.accept(edited, edited=better)
    based, _ = await clicker.two()
    source = Source(key="s", name="notes.txt", text="notes", created_at=LONG_AGO)
    await store.add_sources("k", based.thread_id, [source])
    await clicker.accept(based)
    agreed = {"U1"}

    async def agrees(user: str) -> bool:
        return user in agreed

    pairs = TrainingPairs(store, load_recipes(None), agrees)
    found = [pair async for pair in pairs.of(TEAM)]
    texts = [(pair["chosen"][0]["content"], pair["rejected"][0]["content"]) for pair in found]
    assert texts == [(edited.text, f"Text {edited.id + 1}."), (better, edited.text)]
    assert pairs.left_out == 2, "U2 did not agree, and nobody asked who wrote the notes"
    assert {tuple(pair) for pair in found} == {("prompt", "chosen", "rejected")}
    assert [message["role"] for message in found[0]["prompt"]] == ["system", "user"]
    assert found[0]["prompt"][1]["content"].endswith("brief 3")
    agreed.add("U2")
    again = TrainingPairs(store, load_recipes(None), agrees)
    assert one.text in [p["chosen"][0]["content"] async for p in again.of(TEAM)]
    assert other.text


async def test_an_edit_goes_with_its_draft(store: Store, clicker: Clicker) -> None:
    one, _ = await clicker.two()
    await clicker.accept(one, edited="Better.")
    await store.end_version(one.id, VersionStatus.DELETED)
    assert [each.edits for each in await store.list_judged(TEAM)] == [[], []]


async def test_footers_are_claimed_once_and_due_again_after_a_restart(
    store: Store, clicker: Clicker
) -> None:
    one, other = await clicker.two()
    footers = await store.claim_footers()
    assert footers is not None
    assert footers.job.id == one.job_id
    assert await store.claim_footers() is None
    await store.free_footers()
    again = await store.claim_footers()
    assert again is not None
    await store.record_footers_shown(footers)
    await store.free_footers()
    assert await store.claim_footers() is not None, "who lost the claim cannot end it"
    await store.free_footers()
    last = await store.claim_footers()
    assert last is not None
    await store.record_footers_shown(last)
    assert await store.claim_footers() is None
    assert other.job_id == one.job_id


async def test_a_channel_keeps_what_is_usual_in_it(store: Store) -> None:
    assert not await store.shows_best("C1")
    assert await store.set_shows_best("C1", True, "U1")
    assert not await store.set_shows_best("C1", True, "U2")
    assert await store.shows_best("C1")
    assert not await store.shows_best("C2")
    assert await store.set_shows_best("C1", False, "U2")
    assert not await store.shows_best("C1")


async def test_why_a_thumb_is_down_is_kept_with_the_draft(store: Store, clicker: Clicker) -> None:
    one, _ = await clicker.two()
    await store.rate_version(one.id, "U2", False, "thumb")
    await store.explain_rating(one.id, "U2", FeedbackReason.FACTS, "it never rained")
    first, second = await store.list_judged(TEAM)
    assert (first.thumbs, first.reasons) == ([False], [FeedbackReason.FACTS])
    assert first.version.measures is not None
    assert second.version.measures is not None
