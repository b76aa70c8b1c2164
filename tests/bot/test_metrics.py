"""What the bot counts for Prometheus, and that no word or id is among it."""

import sqlite3
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.app import Bot
from bot.bolt_app import kind_of
from bot.workspace import Workspace
from tests.canary import canary, leaked
from tests.person import Person, StartBot
from tests.scripted_engine import ScriptedEngine

KEY = "AKIA" + "Q3EGRIZV7N2KXW5B"
PREFIX = "draftsmith_bot_"


async def scraped(bot: Bot) -> str:
    address = urljoin(bot.health or "", "/metrics")
    async with aiohttp.ClientSession() as http, http.get(address) as answer:
        assert answer.content_type == "text/plain"
        return await answer.text()


async def figure(bot: Bot, name: str, **labels: str) -> float:
    """Return the sum of the samples of a name that have these labels."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(await scraped(bot))
        for sample in family.samples
        if sample.name == PREFIX + name and labels.items() <= sample.labels.items()
    )


async def test_a_draft_is_counted_from_its_command_to_its_first_words(
    start: StartBot, ana: Person, engine: ScriptedEngine
) -> None:
    async with start(health_port=0) as bot:
        acks = await figure(bot, "ack_seconds_count", kind="command", status="200")
        texts = await figure(bot, "first_text_seconds_count")
        writes = await figure(bot, "database_seconds_count", kind="write")
        calls = await figure(bot, "slack_call_seconds_count", method="chat.startStream")
        engine.gate.clear()
        await ana.draft("rain")
        await ana.workspace.until(lambda: engine.requests)
        assert await figure(bot, "jobs_running") == 1
        assert await figure(bot, "queue") == 1
        assert await figure(bot, "jobs", state="open") == 1
        assert await figure(bot, "oldest_open_job_seconds") > 0
        # Its head alone is no text.
        await ana.workspace.until(lambda: ana.drafts)
        assert await figure(bot, "first_text_seconds_count") == texts
        engine.gate.set()
        await ana.sees_drafts(1)
        await ana.workspace.until(lambda: not bot.jobs.running)
        assert await figure(bot, "jobs") == await figure(bot, "queue") == 0
        assert await figure(bot, "ack_seconds_count", kind="command", status="200") == acks + 1
        assert await figure(bot, "first_text_seconds_count") == texts + 1
        assert await figure(bot, "database_seconds_count", kind="write") > writes
        made = await figure(bot, "slack_call_seconds_count", method="chat.startStream")
        assert made == calls + 1
        assert await figure(bot, "slack_wait_seconds_count", method="chat.startStream") >= made
        assert await figure(bot, "ready") == 6
        assert await figure(bot, "slack_connections") >= 1


async def test_limits_of_slack_and_verdicts_of_the_filter_are_counted(
    start: StartBot, workspace: Workspace, ana: Person, engine: ScriptedEngine
) -> None:
    async with start(health_port=0) as bot:
        limited = await figure(bot, "slack_call_seconds_count", status="429")
        blocked = await figure(bot, "verdicts_total", action="block", stage="input")
        workspace.fail("chat.postMessage", status=429, retry_after=0.1)
        await ana.draft("rain")
        await ana.sees_drafts(1)
        await ana.reply(f"with {KEY}")
        await ana.hears("safety filter")
        assert await figure(bot, "slack_call_seconds_count", status="429") == limited + 1
        assert await figure(bot, "verdicts_total", action="block", stage="input") == blocked + 1


async def test_no_word_and_no_id_of_anybody_is_among_the_figures(
    start: StartBot, workspace: Workspace, ana: Person
) -> None:
    brief, wish = canary("brief"), canary("wish")
    async with start(health_port=0) as bot:
        await ana.draft(f"blog: {brief}")
        (draft,) = await ana.sees_drafts(1)
        await ana.reply(wish)
        await ana.sees_drafts(2)
        await ana.press(draft, "why")
        text = await scraped(bot)
    assert not leaked(brief, text.encode())
    assert not leaked(wish, text.encode())
    for known in (ana.id, ana.channel, draft.ts, workspace.bot_token, workspace.url):
        assert known not in text


async def test_it_is_counted_for_how_long_the_oldest_text_waits_for_a_reviewer(
    start: StartBot, workspace: Workspace, ana: Person, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[input]\nemail = "hold"\n')
    reviewers = workspace.channel("reviewers", private=True, members=[workspace.person("rex")])
    async with start(health_port=0, policy=policy, review_channel=reviewers) as bot:
        await ana.draft("write to jane.roe@acme-corp.com")
        await workspace.until(lambda: workspace.messages(reviewers))
        assert await figure(bot, "holds_waiting") == 1
        assert await figure(bot, "oldest_hold_seconds") > 0


async def test_what_cannot_be_counted_is_no_figure_of_before(
    start: StartBot, tmp_path: Path
) -> None:
    async with start(health_port=0) as bot:
        assert await figure(bot, "holds_waiting") == 0
        assert await figure(bot, "oldest_hold_seconds") == 0
        breaks = sqlite3.connect(tmp_path / "draftsmith.db")
        breaks.execute("ALTER TABLE holds RENAME TO gone")
        breaks.commit()
        breaks.close()
        holds = await figure(bot, "holds_waiting")
        assert holds != holds


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"command": "/draft"}, "command"),
        ({"type": "event_callback", "event": {"type": "message"}}, "message"),
        ({"type": "block_actions"}, "block_actions"),
        ({"type": "event_callback", "event": {"type": "made-up-by-somebody"}}, "other"),
        ({"type": "made-up-by-somebody", "event": "no event"}, "other"),
        ({}, "other"),
        ({"type": ["no", "text"]}, "other"),
    ],
)
def test_no_delivery_makes_a_label_of_its_own(body: dict[str, object], kind: str) -> None:
    assert kind_of(body) == kind
