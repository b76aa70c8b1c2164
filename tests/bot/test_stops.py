"""Stopping drafts while they are being written."""

import asyncio

import pytest

from bot.drafting.jobs.stops import AllStopped, Stops


async def forever() -> None:
    await asyncio.Event().wait()


async def test_the_wait_goes_on_while_a_draft_is_left() -> None:
    stops = Stops(lambda: [1, 2])
    waiting = asyncio.create_task(stops.unless_all(forever))
    await asyncio.sleep(0)
    stops.add(1)
    await asyncio.sleep(0.01)
    assert not waiting.done()
    stops.add(2)
    with pytest.raises(AllStopped):
        await waiting


async def test_what_all_drafts_were_stopped_before_is_not_waited_for() -> None:
    stops = Stops(lambda: [1])
    stops.add(1)
    with pytest.raises(AllStopped):
        await stops.unless_all(forever)


async def test_a_draft_that_is_not_written_here_stops_nothing() -> None:
    stops = Stops(list)
    stops.add(1)
    assert 1 in stops
    assert await stops.unless_all(lambda: asyncio.sleep(0, "came")) == "came"


async def test_a_time_out_of_what_is_waited_for_is_its_own() -> None:
    async def late() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await Stops(lambda: [1]).unless_all(late)


async def test_a_cancellation_from_outside_is_carried_through() -> None:
    waiting = asyncio.create_task(Stops(lambda: [1]).unless_all(forever))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
