"""A server of PostgreSQL that does not answer any more, though its connections stay open."""

import asyncio

import pytest

from bot.store import Store, StoreUnavailable, database
from tests.drill.proxy import Proxy, proxied, to_socket


async def stall_within_a_write(store: Store, proxy: Proxy, stalled: asyncio.Event) -> None:
    async with store._write() as session:
        connection = await session.connection()
        proxy.stall()
        stalled.set()
        await connection.exec_driver_sql("SELECT 1")


async def test_a_server_that_falls_silent_keeps_nobody_waiting(
    own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ANSWER_SECONDS", 1.0)
    path, _, folder = own_database.partition("?host=")
    async with proxied(to_socket(f"{folder}/.s.PGSQL.5432")) as proxy:
        store = await Store.open(path.replace("@/", f"@127.0.0.1:{proxy.port}/"))
        assert await store.record_event("a")
        assert not await store.knows_event("b")
        async with asyncio.timeout(20):
            stalled = asyncio.Event()
            within = asyncio.create_task(stall_within_a_write(store, proxy, stalled))
            await stalled.wait()
            asked = within, store.record_event("b"), store.knows_event("b"), store.give_back("bot")
            told = await asyncio.gather(*asked, return_exceptions=True)
            assert [type(each) for each in told] == [StoreUnavailable] * 4
            proxy.flow()
            assert await store.record_event("b")
            await store.close()
