"""Work beside the requests: what is endless goes on, whatever happens to it."""

import asyncio

import pytest

from bot import background_tasks
from bot.background_tasks import in_background


async def test_endless_work_that_fails_is_done_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(background_tasks, "AGAIN_SECONDS", 0.0)
    goes_on, tries = asyncio.Event(), []

    async def work() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise KeyError("a text of somebody's")
        goes_on.set()
        await asyncio.Event().wait()

    async with in_background(work):
        async with asyncio.timeout(5):
            await goes_on.wait()
    assert len(tries) == 3
    printed = capsys.readouterr().out
    assert "KeyError" in printed
    assert "a text of somebody's" not in printed
