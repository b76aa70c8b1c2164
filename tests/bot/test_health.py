"""What the bot says about its health by HTTP, part by part."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest

from bot.app import Bot
from bot.workspace import Workspace
from tests.database_lock import lock_database
from tests.person import StartBot
from tests.scripted_engine import ScriptedEngine

Told = tuple[int, dict[str, Any]]


async def told(bot: Bot, page: str) -> Told:
    address = urljoin(bot.health or "", f"/health/{page}")
    async with aiohttp.ClientSession() as http, http.get(address) as answer:
        return answer.status, await answer.json()


async def until_troubled(bot: Bot, page: str, *parts: str) -> Iterable[str]:
    """Wait until a page tells troubles of these parts alone, and return them."""
    async with asyncio.timeout(20):
        while True:
            status, health = await told(bot, page)
            if {name for name, part in health["parts"].items() if part["troubles"]} == {*parts}:
                assert status == (503 if parts else 200)
                troubles: list[str] = health["troubles"]
                return troubles
            await asyncio.sleep(0.05)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.health.FRESH_SECONDS", 0.1)


async def test_a_bot_whose_parts_work_is_alive_and_ready(start: StartBot) -> None:
    async with start(health_port=0) as bot:
        assert await told(bot, "live") == (200, {"status": "ok"})
        assert not await until_troubled(bot, "ready")
        status, health = await told(bot, "ready")
        assert (status, health["status"], health["troubles"]) == (200, "ok", [])
        assert [*health["parts"]] == ["worker", "database", "slack", "filter", "judge", "lease"]
        connections = health["parts"]["slack"]["connections"]
        assert any(each["open"] and each["seconds"] >= 0 for each in connections)


async def test_by_http_there_is_no_connection_to_miss(start: StartBot) -> None:
    async with start(health_port=0, slack_transport="http") as bot:
        assert not await until_troubled(bot, "ready")


@pytest.mark.usefixtures("quick")
async def test_without_its_worker_a_bot_takes_requests_but_is_not_ready(
    start: StartBot, engine: ScriptedEngine
) -> None:
    async with start(health_port=0) as bot:
        engine.up = False
        assert await until_troubled(bot, "ready", "worker") == [
            "The worker writes nothing: starting."
        ]
        assert not await until_troubled(bot, "takes")
        engine.up = True
        assert not await until_troubled(bot, "ready")


@pytest.mark.usefixtures("quick")
async def test_a_locked_database_is_told(start: StartBot, tmp_path: Path) -> None:
    async with start(health_port=0) as bot:
        lock = await lock_database(tmp_path)
        (trouble,) = await until_troubled(bot, "takes", "database")
        assert trouble.startswith("The database takes no write: ")
        await until_troubled(bot, "ready", "database")
        lock.execute("ROLLBACK")
        lock.close()
        assert not await until_troubled(bot, "takes")


async def test_a_bot_without_a_connection_to_slack_is_not_ready(
    start: StartBot, workspace: Workspace
) -> None:
    async with start(health_port=0) as bot:
        await until_troubled(bot, "ready")
        workspace.fail("apps.connections.open", status=500, times=4)
        workspace.drop_sockets()
        assert await until_troubled(bot, "takes", "slack") == ["No connection to Slack is open."]
        assert not await until_troubled(bot, "takes")


async def test_a_bot_whose_judge_does_not_answer_takes_requests_but_is_not_ready(
    start: StartBot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[judge]\nurl = "http://127.0.0.1:9"\nform = "llama_guard"\n')
    async with start(health_port=0, policy=policy) as bot:
        (trouble,) = await until_troubled(bot, "ready", "judge")
        assert not await until_troubled(bot, "takes")
    assert "judge" in trouble
    assert "judge" in capsys.readouterr().out


async def test_without_a_port_nothing_listens(start: StartBot) -> None:
    async with start() as bot:
        assert bot.health is None
