"""What a workspace's clicks teach, kept in the store; and the pairs that a trainer reads."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.drafting.brief.recipe import load_recipes
from bot.drafting.learning import Learning
from bot.drafting.measures import MEASURES
from bot.drafting.ranking_fit import comparisons, value_of
from bot.drafting.training_pairs import Pair, TrainingPairs
from bot.store import FeedbackReason, JobKind, JobStatus, Source, Store, VersionStatus
from bot.store import rankings as ranking_queries
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


async def values_in(store: Store) -> list[float]:
    return [value_of(each) for each in await store.list_judged(TEAM)]


async def exported(store: Store) -> list[tuple[str, str]]:
    """Return what is chosen and rejected where everybody agreed."""
    return [(p["chosen"][0]["content"], p["rejected"][0]["content"]) for p in await pairs_of(store)]


async def pairs_of(store: Store) -> list[Pair]:
    async def agrees(_: str) -> bool:
        return True

    return [pair async for pair in TrainingPairs(store, load_recipes(None), agrees).of(TEAM)]


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
    assert await learning.judged(TEAM) == []
    assert await learning.refit(TEAM) is None
    await clicker.accept((await clicker.two())[0])
    assert len(comparisons(await learning.judged(TEAM))) == 1
    assert (await store.list_rankings(TEAM))[0].comparisons == 40


async def test_each_kind_of_click_says_something(store: Store, clicker: Clicker) -> None:
    first, second = await clicker.two()

    async def values() -> list[float]:
        return await values_in(store)

    assert await values() == [0.0, 0.0]
    await store.rate_version(first.id, "U2", True, "thumb")
    assert await values() == [1.0, 0.0]
    await clicker.regenerate(second)
    assert await values() == [1.0, -1.0]
    await clicker.refine(first, "shorter")
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


async def test_what_nobody_saw_was_not_refused(store: Store, clicker: Clicker) -> None:
    best, other = await clicker.two(best=True)
    await store.reveal(best.job_id, best.id)
    await clicker.accept(best)
    await store.rate_version(best.id, "U2", False, "before")
    assert await store.list_judged(TEAM) == []
    assert await exported(store) == []
    await clicker.reveal(best)
    assert await values_in(store) == [0.0, 0.0], "nobody compared them yet"
    await store.rate_version(other.id, "U2", True, "after")
    assert await values_in(store) == [0.0, 1.0]
    assert await exported(store) == [(other.text, best.text)]


async def test_what_came_to_nothing_says_nothing(store: Store, clicker: Clicker) -> None:
    one, _ = await clicker.two()
    await clicker.accept(one, edited="password: blocked", ends=JobStatus.REFUSED)
    for kind in (JobKind.REGENERATE, JobKind.REFINE):
        about = "again_id" if kind is JobKind.REGENERATE else "parent_id"
        job = await clicker.ask(kind, thread_id=one.thread_id, **{about: one.id})
        await store.end_job(job.id, JobStatus.FAILED)
    assert await values_in(store) == [0.0, 0.0]
    assert await exported(store) == []


async def test_learning_goes_on_when_the_drafts_that_are_looked_at_are_as_many_as_before(
    store: Store, clicker: Clicker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking_queries, "MOST_JUDGED", 80)
    learning = Learning(store)

    async def click(times: int) -> None:
        for _ in range(times):
            await clicker.accept((await clicker.two())[0])

    await click(40)
    assert await learning.refit(TEAM) is not None
    await click(11)
    assert await learning.refit(TEAM) is None
    await click(1)
    fitted = await learning.refit(TEAM)
    assert fitted is not None
    assert fitted.comparisons == 40


async def test_clicks_are_read_again_only_when_there_are_more_of_them(
    store: Store, clicker: Clicker, monkeypatch: pytest.MonkeyPatch
) -> None:
    learning, reads = Learning(store), 0
    judged = learning.judged

    async def counted(team: str) -> object:
        nonlocal reads
        reads += 1
        return await judged(team)

    monkeypatch.setattr(learning, "judged", counted)
    for expected in (0, 1, 1, 2):
        for _ in range(6):
            await clicker.accept((await clicker.two())[0])
        assert await learning.refit(TEAM) is None, "they are too few for a fit"
        assert reads == expected


async def test_a_measure_that_readers_do_not_see_teaches_nothing(
    store: Store, clicker: Clicker
) -> None:
    even = dict.fromkeys(MEASURES, 0.5)

    async def leads(shown: list[str]) -> list[tuple[float, ...]]:
        one, other = await clicker.two()
        better = {**even, "coherence": 0.9, "relevance": 0.7, "shown": shown, "tokens": 1}
        kept = {one.id: better, other.id: {**even, "shown": shown, "tokens": 1}}
        await store.save_measures(kept, one.id)
        await clicker.accept(one)
        judged = await store.list_judged(TEAM)
        return [c.lead for c in comparisons(judged) if c.thread_id == one.thread_id]

    assert await leads([]) == []
    (lead,) = await leads(["relevance", "readability"])
    assert lead == pytest.approx((0.0, 0.0, 2.0, 0.0))


async def test_an_edit_of_a_single_draft_is_a_pair(store: Store, clicker: Clicker) -> None:
    (draft,) = await clicker.write()
    refined = await clicker.refine(draft, "shorter")
    await clicker.accept(refined, edited="Better.", by="U2")
    (pair,) = await pairs_of(store)
    assert [message["content"] for message in pair["prompt"][2:]] == [draft.text, "shorter"]
    assert pair["chosen"][0]["content"] == "Better."
    assert pair["rejected"][0]["content"] == refined.text


async def test_who_asked_for_what_a_draft_builds_on_has_a_part_in_it(
    store: Store, clicker: Clicker
) -> None:
    (draft,) = await clicker.write()
    wished = await clicker.refine(draft, "as Ben said", requester="U2")
    again = await clicker.regenerate(wished, parent_id=draft.id, instruction="as Ben said")
    await clicker.accept(again, edited=f"{again.text} Better.", by="U3")
    agreed = {"U1", "U3"}

    async def agrees(user: str) -> bool:
        return user in agreed

    pairs = TrainingPairs(store, load_recipes(None), agrees)
    assert [pair async for pair in pairs.of(TEAM)] == []
    assert pairs.left_out == 2, "the edit, and the draft beside the one that came of it"
    agreed.add("U2")
    assert len([pair async for pair in pairs.of(TEAM)]) == 2


async def test_an_edit_of_a_continuation_is_no_pair_with_its_last_piece(
    store: Store, clicker: Clicker
) -> None:
    (draft,) = await clicker.write()
    (more,) = await clicker.write(
        JobKind.CONTINUE, thread_id=draft.thread_id, parent_id=draft.id, instruction="Continue."
    )
    await clicker.accept(more, edited="All of it, better.")
    assert await exported(store) == []


@pytest.mark.parametrize("taken", ["first", "again"])
async def test_a_draft_is_compared_with_what_was_regenerated_from_it(
    store: Store, clicker: Clicker, taken: str
) -> None:
    (first,) = await clicker.write()
    await store.rate_version(first.id, "U1", True, "before the other was there")
    again = await clicker.regenerate(first)
    assert await exported(store) == [], "to want another one says nothing of that one"
    better, worse = (first, again) if taken == "first" else (again, first)
    await clicker.accept(better)
    assert await exported(store) == [(better.text, worse.text)]
    await clicker.regenerate(again)
    assert await exported(store) == [(better.text, worse.text)]


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
