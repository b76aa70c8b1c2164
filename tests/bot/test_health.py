"""What the bot says about its health by HTTP."""

from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import pytest

from tests.person import StartBot


async def told(address: str | None, path: str) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as http, http.get(urljoin(address or "", path)) as answer:
        return answer.status, await answer.json()


async def test_a_bot_whose_filter_works_is_alive_and_ready(start: StartBot) -> None:
    async with start(health_port=0) as bot:
        assert await told(bot.health, "/health/live") == (200, {"status": "ok"})
        assert await told(bot.health, "/health/ready") == (200, {"status": "ok", "troubles": []})


async def test_a_bot_whose_judge_does_not_answer_is_degraded(
    start: StartBot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[judge]\nurl = "http://127.0.0.1:9"\nform = "llama_guard"\n')
    async with start(health_port=0, policy=policy) as bot:
        status, health = await told(bot.health, "/health/ready")
    assert "judge" in capsys.readouterr().out
    assert (status, health["status"]) == (503, "degraded")
    assert "judge" in str(health["troubles"])


async def test_without_a_port_nothing_listens(start: StartBot) -> None:
    async with start() as bot:
        assert bot.health is None
