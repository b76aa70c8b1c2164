"""Each thing that goes wrong gets one clear sentence; nothing is lost, and nothing doubled."""

import asyncio
import hashlib
import hmac
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from pydantic import SecretStr

from bot.app import Bot
from bot.errors import OperatorError
from bot.workspace import Workspace
from tests.database_lock import lock_database
from tests.person import Person, StartBot, facts
from tests.scripted_engine import ScriptedEngine

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("x" * 50_000, "50,000 characters long"),
        ("temprature=1 rain", "use temperature"),
        ("blog:   ", "nothing to write"),
    ],
)
async def test_a_command_that_is_no_brief_is_answered_to_its_author_only(
    bot: Bot, ana: Person, workspace: Workspace, typed: str, says: str
) -> None:
    ack = await ana.draft(typed)
    assert ack.ok
    (form,) = await workspace.until(lambda: workspace.views(ana.id))
    assert says in str(form.blocks)
    assert workspace.messages(ana.channel) == []


@pytest.mark.parametrize("typed", ["", "   ", "\u200b\u2060\u00ad", "\x07\x1b"])
async def test_a_command_with_nothing_to_see_opens_the_form(
    bot: Bot, ana: Person, workspace: Workspace, typed: str
) -> None:
    ack = await ana.draft(typed)
    assert ack.ok
    assert await workspace.until(lambda: workspace.views(ana.id))


async def test_a_mention_of_everybody_is_dead_in_the_brief_and_in_the_draft(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.write = lambda _: "Hello <!channel> and <@U012345678> and @here, welcome. " * 8
    await ana.draft("tell <!channel> & <https://evil.example|our site> of the rain")
    await ana.sees_drafts(1)
    for message in workspace.messages(ana.channel, ana.root.ts):
        assert "<!channel>" not in str(message.blocks) + message.text
        assert "<@U012345678>" not in str(message.blocks) + message.text
    told = engine.requests[0]["messages"][-1]["content"]
    assert told.endswith("tell channel & our site (evil[.]example) of the rain")


async def test_a_secret_in_the_brief_is_refused_with_its_rule_and_kept_nowhere(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace, tmp_path: Path
) -> None:
    await ana.draft("write about our key AKIA" + "Q3EGRIZV7N2KXW5B")
    sentence = await ana.hears("safety filter stopped it")
    assert "rule `" in sentence
    assert "AKIA" not in sentence
    assert workspace.messages(ana.channel) == []
    assert not engine.requests
    with sqlite3.connect(tmp_path / "draftsmith.db") as kept:
        await workspace.until(lambda: "Q3EGRIZV7N2KXW5B" not in "\n".join(kept.iterdump()))


async def test_a_secret_in_the_draft_takes_the_draft_away_and_tells_the_requester(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    opening = "A sentence that is long enough to be released. " * 12
    engine.write = lambda _: f"{opening} The key is AKIA" + "Q3EGRIZV7N2KXW5B. " + opening
    await ana.draft("rain")
    await ana.hears("I took draft 1 away")
    await workspace.until(lambda: "taken away" in ana.drafts[0].text)
    assert "A sentence" not in str(ana.drafts[0].blocks)
    assert not any("AKIA" in str(call.args) for call in workspace.calls)
    await workspace.until(lambda: engine.running == 0)


async def test_a_policy_may_let_stand_what_was_shown_before_a_block(
    start: StartBot, ana: Person, engine: ScriptedEngine, workspace: Workspace, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('block_removes = "rest"')
    engine.write = lambda _: (
        "The rain is warm. The key is AKIA" + "Q3EGRIZV7N2KXW5B. And more. " * 9
    )
    async with start(policy=policy):
        await ana.draft("rain")
        await ana.hears("I ended draft 1 where it stands")
        await workspace.until(lambda: "stopped this draft here" in facts(ana.drafts[0]))
        assert "The rain is warm." in ana.drafts[0].text
        assert "accept_form" not in str(ana.drafts[0].blocks)
        await workspace.until(lambda: engine.running == 0)
    assert not any("AKIA" in str(call.args) for call in workspace.calls)


async def test_a_prompt_longer_than_the_context_is_refused_with_the_numbers(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    sentence = "The prompt has 3,000 tokens and the model takes 2,048: shorten it."
    engine.refuse = lambda _: {"message": sentence, "code": "context_length_exceeded"}
    await ana.draft("rain")
    assert sentence in await ana.hears("The model did not take this request")
    (draft,) = await ana.sees_drafts(1)
    assert facts(draft) == "Not finished."


async def test_a_long_history_loses_its_oldest_turn_rather_than_the_request(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    await ana.sees_drafts(1)
    await ana.reply("shorter")
    await ana.sees_drafts(2)
    error = {"message": "too long", "code": "context_length_exceeded"}
    engine.refuse = lambda body: error if len(body["messages"]) > 4 else None
    await ana.reply("and kinder")
    await ana.sees_drafts(3)
    lengths = [len(request["messages"]) for request in engine.requests]
    assert lengths == [2, 4, 6, 4]


async def test_a_reaction_on_a_deleted_draft_does_nothing(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await workspace.until(lambda: "repeat" in draft.reactions)
    await workspace.delete(ana.id, ana.channel, draft.ts)
    assert await workspace.deliver(ana.reaction(draft, "repeat"))
    await asyncio.sleep(0.2)
    assert len(engine.requests) == 1


async def test_a_reply_after_the_draft_was_deleted_says_how_to_begin_again(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await workspace.delete(ana.id, ana.channel, draft.ts)
    await ana.reply("shorter")
    assert "Begin a new one" in await ana.hears("no draft left")
    assert len(engine.requests) == 1


async def test_a_draft_deleted_while_it_streams_ends_and_frees_the_worker(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.pause = 0.02
    engine.write = lambda _: "A sentence that is long enough to be released. " * 60
    await ana.draft("rain")
    await workspace.until(lambda: ana.drafts and "A sentence" in ana.drafts[0].text)
    await workspace.delete(ana.id, ana.channel, ana.drafts[0].ts)
    await workspace.until(lambda: engine.running == 0)
    await asyncio.sleep(0.2)
    assert ana.drafts == []


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.startStream", "chat.stopStream"])
@pytest.mark.parametrize("fault", [{"status": 500}, {"retry_after": 1}, {"drop": "after"}])
async def test_what_slack_does_not_answer_well_is_done_once(
    bot: Bot, ana: Person, workspace: Workspace, method: str, fault: dict[str, Any]
) -> None:
    workspace.fail(method, **fault)
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    assert "Sentence 8" in draft.text
    assert len(workspace.messages(ana.channel)) == 1


async def test_a_draft_waits_for_a_worker_that_is_not_up_yet(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.up = False
    await ana.draft("rain")
    await ana.hears("goes on by itself")
    engine.up = True
    (draft,) = await ana.sees_drafts(1)
    assert "Sentence 8" in draft.text


async def test_a_worker_that_never_comes_leaves_a_sentence_and_the_brief(
    start: StartBot, ana: Person, engine: ScriptedEngine
) -> None:
    engine.up = False
    async with start(worker_patience=1):
        await ana.draft("rain")
        await ana.hears("could not be reached")
        (draft,) = await ana.sees_drafts(1)
        engine.up = True
        await ana.react(draft, "repeat")
        _, again = await ana.sees_drafts(2)
        assert "Sentence 8" in again.text


async def test_a_worker_that_dies_midway_costs_no_word_and_doubles_none(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    engine.die_after, engine.pause = 30, 0.01
    await ana.draft("rain")
    await ana.hears("goes on by itself")
    (draft,) = await ana.sees_drafts(1)
    assert [draft.text.count(f"Sentence {i} ") for i in range(1, 9)] == [1] * 8


async def test_a_locked_database_is_said_in_the_ack_and_starts_nothing(
    bot: Bot, ana: Person, workspace: Workspace, tmp_path: Path, engine: ScriptedEngine
) -> None:
    lock = await lock_database(tmp_path)
    ack = await ana.draft("rain")
    lock.execute("ROLLBACK")
    lock.close()
    assert ack.ok
    assert "please send it again" in ack.text.lower()
    assert not engine.requests


async def test_a_reply_that_meets_a_locked_database_is_delivered_again_by_slack(
    bot: Bot, ana: Person, tmp_path: Path
) -> None:
    await ana.draft("rain")
    await ana.sees_drafts(1)
    lock = await lock_database(tmp_path)
    asyncio.get_running_loop().call_later(2.5, lock.execute, "ROLLBACK")
    await ana.reply("shorter")
    await ana.sees_drafts(2, timeout=15)
    lock.close()


async def test_headers_that_slack_never_sends_are_turned_away(start: StartBot) -> None:
    now = str(int(time.time()))
    wrong = [("soon", "v0=00"), ("1700000000", "v0=00"), ("9" * 400, "v0=00"), ("", "v0=00")]
    wrong += [("\u0661\u0667" + "0" * 8, "v0=00"), (now, "v0=\u00e9"), (now, "")]
    async with start(slack_transport="http") as bot, aiohttp.ClientSession() as session:
        assert bot.address is not None
        for stamp, signature in wrong:
            headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature}
            async with session.post(bot.address, data=b"{}", headers=headers) as response:
                assert response.status == 401, (stamp, signature)


async def test_a_bot_whose_signing_secret_is_blank_does_not_start(start: StartBot) -> None:
    with pytest.raises(OperatorError, match="SLACK_SIGNING_SECRET"):
        async with start(slack_transport="http", slack_signing_secret=SecretStr("  ")):
            pass


async def test_slack_may_look_at_the_certificate(start: StartBot, workspace: Workspace) -> None:
    async with start(slack_transport="http") as bot:
        workspace.events_url = bot.address
        assert await workspace.check_certificate()


async def test_a_request_without_a_signature_is_refused(
    start: StartBot, workspace: Workspace
) -> None:
    async with start(slack_transport="http") as bot, aiohttp.ClientSession() as session:
        assert bot.address is not None
        form = {"command": "/draft", "text": "rain", "team_id": workspace.team}
        async with session.post(bot.address, data=form) as response:
            assert response.status == 401


def form(**fields: str) -> str:
    return urlencode(fields)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, ""),
        (JSON, "soon"),
        (JSON, "{"),
        (JSON, "[]"),
        (JSON, "null"),
        (JSON, "5"),
        (JSON, "[" * 5000),
        (JSON, b"\xff\xfe{}"),
        (FORM, ""),
        (FORM, "soon"),
        (FORM, "{"),
        (FORM, form(payload="")),
        (FORM, form(payload="soon")),
        (FORM, form(payload="[]")),
        (FORM, form(payload="null")),
        (FORM, form(text="no command")),
        ("text/plain", "a payload"),
    ],
)
async def test_a_signed_body_that_slack_never_sends_is_refused_without_noise(
    start: StartBot,
    workspace: Workspace,
    capfd: pytest.CaptureFixture[str],
    kind: str,
    body: str | bytes,
) -> None:
    data = body.encode() if isinstance(body, str) else body
    stamp = str(int(time.time()))
    signed = b"v0:" + stamp.encode() + b":" + data
    digest = hmac.new(workspace.signing_secret.encode(), signed, hashlib.sha256).hexdigest()
    headers = {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
        "Content-Type": kind,
    }
    async with start(slack_transport="http") as bot, aiohttp.ClientSession() as session:
        assert bot.address is not None
        async with session.post(bot.address, data=data, headers=headers) as response:
            assert response.status == 400
            assert await response.text() == ""
    said = capfd.readouterr()
    assert "Traceback" not in said.out + said.err
