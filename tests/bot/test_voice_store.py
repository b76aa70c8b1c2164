"""The versions of a voice, on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.drafting.voice.house_voice import house_voice
from bot.drafting.voice.voice import Voice
from bot.store import Store, Thread


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await Store.open(url)
    yield opened
    await opened.close()


def says(description: str) -> dict[str, object]:
    return Voice(description).to_dict()


async def test_each_save_is_a_version_and_the_last_one_counts(store: Store) -> None:
    for description in ("calm", "loud"):
        await store.add_voice("T1", "", "U1", says(description))
    other = await store.add_voice("T1", "C1", "U2", says("dry"))
    kept = await store.list_voices("T1", "")
    assert [(v.number, v.saved_by, v.says["description"]) for v in kept] == [
        (1, "U1", "calm"),
        (2, "U1", "loud"),
    ]
    assert other.number == 1
    found = await store.find_voice("T1", "")
    assert found is not None
    assert found.number == 2
    assert await store.find_voice("T2", "") is None


async def test_two_who_save_at_once_make_two_versions(store: Store) -> None:
    saving = [store.add_voice("T1", "", f"U{n}", says("calm")) for n in range(3)]
    saved = await asyncio.gather(*saving)
    assert sorted(each.number for each in saved) == [1, 2, 3]


async def test_a_draft_is_written_in_the_voice_in_which_it_was_begun(store: Store) -> None:
    thread = Thread(team="T1", channel="D1", requester="U1", recipe="", brief="x", post_to="C1")
    old = await store.add_voice("T1", "C1", "U1", says("dry"))
    await store.add_voice("T1", "C1", "U1", says("wet"))
    written_in = await house_voice(store, thread, old.at)
    assert (written_in.voice.description, written_in.channel) == ("dry", 1)
    assert (await house_voice(store, thread)).voice.description == "wet"
    before = await house_voice(store, thread, old.at - timedelta(seconds=1))
    assert before.voice.is_silent
