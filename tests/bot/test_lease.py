"""A bot's lease: kept, lost, begun again, and what must not happen without it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.background_tasks import in_background
from bot.drafting.jobs.lease import Lease, key_print
from bot.drafting.slack_port import Content, Place, SlackUnavailable, Work
from bot.messages import Phrase
from bot.slack.client.api_client import AnswerLost, web_client
from bot.slack.outbox import Outbox
from bot.store import Store, StoreUnavailable
from bot.workspace import Workspace
from tests.bot.fakes import until

KEY = SecretStr("a key")


@pytest.fixture
async def store(own_database: str) -> AsyncIterator[Store]:
    opened = await Store.open(own_database)
    yield opened
    await opened.close()


def nobody(_: int) -> None:
    """Hear how many bots live, and do nothing."""


async def nothing() -> None:
    """End nothing: nothing runs."""


async def test_a_lease_is_valid_from_its_beginning_until_it_is_left(store: Store) -> None:
    lease = Lease(store, KEY, 30)
    assert not lease.is_valid
    await lease.join()
    assert lease.is_valid
    assert lease.is_oldest
    await lease.leave()
    assert not lease.is_valid


async def test_a_lease_ends_here_before_it_ends_in_the_database(store: Store) -> None:
    lease = Lease(store, KEY, 1.2)
    await lease.join()
    await until(lambda: not lease.is_valid)
    assert (await store.living(lease.bot)).bots == 1
    assert await store.renew(lease.bot, 1.2)


async def test_a_lease_that_is_kept_goes_on_and_says_who_else_lives(store: Store) -> None:
    lease, heard = Lease(store, KEY, 3), list[int]()
    await lease.join()
    async with in_background(lambda: lease.keep(nothing, heard.append)):
        await store.join("another", key_print(KEY), 60)
        await until(lambda: heard[-1] == 2)
        await asyncio.sleep(3)
        assert lease.is_valid
        await store.leave("another")
        await until(lambda: heard[-1] == 1)


async def test_what_was_begun_under_a_lost_lease_ends_before_the_next_begins(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, valid = Lease(store, KEY, 1.2), list[bool]()

    async def away(*_: object) -> bool:
        raise StoreUnavailable("away")

    async def end() -> None:
        await asyncio.sleep(0.05)
        valid.append(lease.is_valid)

    await lease.join()
    with monkeypatch.context() as patch:
        patch.setattr(Store, "renew", away)
        async with in_background(lambda: lease.keep(end, nobody)):
            await until(lambda: bool(valid))
    async with in_background(lambda: lease.keep(end, nobody)):
        await until(lambda: lease.is_valid)
    assert set(valid) == {False}


async def test_the_bot_of_a_sqlite_file_has_its_lease_for_as_long_as_it_runs(
    tmp_path: Path,
) -> None:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    lease = Lease(store, KEY, 0.01)
    await lease.join()
    await asyncio.sleep(0.05)
    await lease.keep(nothing, nobody)
    assert lease.is_valid
    await store.close()


async def test_without_a_lease_nothing_is_written_to_slack_that_others_may_be_writing(
    workspace: Workspace, ada: str, general: str
) -> None:
    left = [10.0]
    token = SecretStr(workspace.bot_token)
    async with web_client(token, f"{workspace.url}/api/") as client:
        outbox = Outbox(client, seconds_to_write=lambda: left[0])
        hello = Content(Phrase("*Ada* asked for a blog post"))
        ts = await outbox.post(Place(general), hello, key="thread-1")
        left[0] = 0.0
        for write in (
            lambda: outbox.post(Place(general), hello, key="thread-2"),
            lambda: outbox.edit(general, ts, hello),
            lambda: outbox.delete(general, ts),
            lambda: outbox.react(general, ts, "repeat"),
        ):
            with pytest.raises(SlackUnavailable):
                await write()
        assert await outbox.find(Place(general), key="thread-1") == ts
        await outbox.tell(general, ada, Phrase("hello"))
    assert len(workspace.messages(general)) == 1
    assert len(workspace.whispers(ada)) == 1


async def test_no_write_lasts_longer_than_the_lease() -> None:
    async def hangs(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)
        writer.close()

    async with await asyncio.start_server(hangs, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with web_client(SecretStr("token"), f"http://127.0.0.1:{port}/api/") as client:
            outbox = Outbox(client, seconds_to_write=lambda: 0.1)
            async with asyncio.timeout(3):
                with pytest.raises(AnswerLost):
                    await outbox.api.attempt("chat.postMessage", {"channel": "C1", "text": "hello"})


async def test_how_long_a_write_may_take_ends_with_the_lease_in_the_database(store: Store) -> None:
    lease = Lease(store, KEY, 12)
    assert lease.seconds_to_write == 0
    await lease.join()
    assert 5.0 < lease.seconds_to_write <= 12.0
    await lease.leave()
    assert lease.seconds_to_write == 0


async def test_a_thread_that_is_left_to_another_bot_is_not_set_to_rest(
    workspace: Workspace, general: str
) -> None:
    token = SecretStr(workspace.bot_token)
    async with web_client(token, f"{workspace.url}/api/") as client:
        outbox = Outbox(client)
        hello = Content(Phrase("*Ada* asked for a blog post"))
        place = Place(general, await outbox.post(Place(general), hello, key="thread-1"))
        await outbox.show_work(place, Work(), key="job-1")
        outbox.forget_work(place, key="job-1")
        await outbox.show_rest(place, key="job-1", again=False)
        session = workspace.session(general, place.thread_ts or "")
        assert session is not None
        assert session.status == "processing"
