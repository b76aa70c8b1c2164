"""What whoever watches the bot is told by HTTP."""

from pathlib import Path
from urllib.parse import urljoin

import aiohttp

from tests.person import StartBot


async def told(address: str | None, path: str) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as http, http.get(urljoin(address or "", path)) as answer:
        return answer.status, await answer.json()


async def test_a_bot_whose_filter_works_is_alive_and_ready(start: StartBot) -> None:
    async with start(slack_transport="http") as bot:
        assert await told(bot.address, "/health/live") == (200, {"status": "ok"})
        assert await told(bot.address, "/health/ready") == (200, {"status": "ok", "troubles": []})


async def test_a_bot_whose_judge_does_not_answer_is_degraded(
    start: StartBot, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[judge]\nurl = "http://127.0.0.1:9"\nform = "llama_guard"\n')
    async with start(slack_transport="http", policy=policy) as bot:
        status, health = await told(bot.address, "/health/ready")
    assert (status, health["status"]) == (503, "degraded")
    assert "judge" in str(health["troubles"])
