"""What the policy holds waits for a reviewer, who is not its author and decides once."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.app import Bot
from bot.store import Hold, Store
from bot.store.models import now
from bot.workspace import PostedMessage, Workspace
from tests.bot.fakes import until
from tests.person import Person, StartBot, buttons, settings_for
from tests.scripted_engine import ScriptedEngine

ADDRESS = "jane.roe@acme-corp.com"
HELD = f"A first sentence of some length stands here. Write to {ADDRESS} today. And more follows."
POLICY = '[input]\nemail = "hold"\n[output]\nemail = "hold"\nsecret = "block"\n'


@dataclass
class Reviewer(Person):
    """A member of the reviewers' channel."""

    @property
    def card(self) -> PostedMessage | None:
        return next(iter(self.workspace.messages(self.channel)), None)

    async def sees_card(self) -> PostedMessage:
        card = await self.workspace.until(lambda: self.card)
        assert card is not None
        return card

    async def click(self, button: str) -> bool:
        card = await self.sees_card()
        return await self.workspace.click(self.id, self.channel, card.ts, button)


@pytest.fixture
def rex(workspace: Workspace) -> Reviewer:
    user = workspace.person("rex")
    return Reviewer(workspace, user, workspace.channel("reviewers", private=True, members=[user]))


@pytest.fixture
def holding(start: StartBot, rex: Reviewer, tmp_path: Path) -> StartBot:
    """Return what starts a bot whose policy holds every e-mail address."""
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)
    return lambda **changed: start(policy=policy, review_channel=rex.channel, **changed)


@pytest.fixture
async def holding_bot(holding: StartBot) -> AsyncIterator[Bot]:
    async with holding() as running_bot:
        yield running_bot


@pytest.fixture(autouse=True)
def writes_an_address(engine: ScriptedEngine) -> None:
    engine.write = lambda _: HELD


async def test_an_approved_draft_is_shown_whole_and_nothing_of_it_before(
    holding_bot: Bot, ana: Person, rex: Reviewer, workspace: Workspace
) -> None:
    await ana.draft("rain")
    card = await rex.sees_card()
    assert "`email`" in card.text
    await ana.hears("waits for a reviewer")
    (draft,) = ana.drafts
    assert "waits for a reviewer" in draft.text
    assert not any(ADDRESS in str(call.args) for call in workspace.calls)

    assert await rex.click("review_approve")
    (draft,) = await ana.sees_drafts(1)
    assert draft.text.count(ADDRESS) == 1
    assert "And more follows." in draft.text
    assert "accept_form" in buttons(draft)
    assert "*Approved*" in card.text
    assert "actions" not in [block["type"] for block in card.blocks]


async def test_a_card_that_waits_for_slack_is_left_to_the_watch_and_posted_once(
    holding: StartBot,
    ana: Person,
    rex: Reviewer,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.drafting.reviews.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("bot.drafting.reviews.CARD_SECONDS", 0.2)
    monkeypatch.setattr("bot.drafting.reviews.LEFT_TO_WATCH", timedelta(seconds=0.4))
    async with holding():
        # The first of two is the head of the thread.
        workspace.fail("chat.postMessage", retry_after=1, after=1)
        await ana.draft("rain")
        await rex.sees_card()
        # A channel takes one post a second.
        await asyncio.sleep(1.5)
    assert len(workspace.messages(rex.channel)) == 1


async def test_the_text_is_shown_to_the_reviewer_who_asks_alone(
    holding_bot: Bot, ana: Person, rex: Reviewer, workspace: Workspace
) -> None:
    await ana.draft("rain")
    await rex.click("review_show")
    (view,) = await workspace.until(lambda: workspace.views(rex.id))
    await workspace.until(lambda: ADDRESS in json.dumps(view.body))
    assert not workspace.views(ana.id)
    assert ADDRESS not in str([message.text for message in workspace.messages(rex.channel)])


async def test_a_decision_is_acked_while_slack_limits_the_card(
    holding_bot: Bot, ana: Person, rex: Reviewer, workspace: Workspace
) -> None:
    await ana.draft("rain")
    await rex.sees_card()
    workspace.fail("chat.update", retry_after=5.0, times=9)
    assert await rex.click("review_approve")


async def test_approved_without_it_the_rest_is_shown(
    holding_bot: Bot, ana: Person, rex: Reviewer
) -> None:
    await ana.draft("rain")
    await rex.click("review_redact")
    (draft,) = await ana.sees_drafts(1)
    assert ADDRESS not in draft.text
    assert "[e-mail removed]" in draft.text


async def test_a_rejected_draft_is_taken_away_and_its_requester_told(
    holding_bot: Bot, ana: Person, rex: Reviewer
) -> None:
    await ana.draft("rain")
    await rex.click("review_reject")
    await ana.hears("not approved by a reviewer")
    assert [ADDRESS in draft.text for draft in ana.drafts] == [False]


async def test_who_asked_cannot_decide(
    holding_bot: Bot, ana: Person, rex: Reviewer, workspace: Workspace
) -> None:
    workspace.state.channels[rex.channel].members.add(ana.id)
    await ana.draft("rain")
    await rex.sees_card()
    desk = Reviewer(workspace, ana.id, rex.channel)
    await desk.click("review_show")
    (view,) = await workspace.until(lambda: workspace.views(ana.id))
    await workspace.until(lambda: "somebody else has to decide" in str(view.body))
    assert ADDRESS not in str(view.body)
    await desk.click("review_approve")
    await ana.hears("somebody else has to decide")
    assert ADDRESS not in ana.drafts[0].text


async def test_nobody_who_had_a_hand_in_a_thread_decides_about_it(
    holding_bot: Bot, ana: Person, rex: Reviewer, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: "A clean text."
    workspace.state.channels[rex.channel].members.add(ana.id)
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    engine.write = lambda _: HELD
    await ben.react(draft, "repeat")
    await rex.sees_card()
    await Reviewer(workspace, ana.id, rex.channel).click("review_approve")
    await ana.hears("somebody else has to decide")


async def test_a_request_that_waits_is_kept_sealed_alone_and_goes_back_once_approved(
    holding_bot: Bot,
    ana: Person,
    rex: Reviewer,
    workspace: Workspace,
    engine: ScriptedEngine,
    tmp_path: Path,
) -> None:
    engine.write = lambda _: "A clean text."

    def kept() -> str:
        with sqlite3.connect(tmp_path / "draftsmith.db") as database:
            return "\n".join(database.iterdump())

    dm = workspace.dm(ana.id)
    notes = f"Ask {ADDRESS} about it.".encode()
    await workspace.upload(ana.id, dm, "notes.txt", notes, text=f"an invitation by {ADDRESS}")
    await rex.sees_card()
    await workspace.until(lambda: ADDRESS not in kept())
    assert "gAAAA" in kept()
    await rex.click("review_show")
    await workspace.until(lambda: str(workspace.views(rex.id)).count(ADDRESS) == 2)
    await rex.click("review_approve")
    await workspace.until(lambda: engine.requests)
    assert str(engine.requests[0]["messages"]).count(ADDRESS) == 2
    await workspace.until(lambda: "gAAAA" not in kept())


async def test_a_rejected_request_is_kept_nowhere(
    holding_bot: Bot, ana: Person, rex: Reviewer, workspace: Workspace, tmp_path: Path
) -> None:
    await ana.draft(f"an invitation by {ADDRESS}")
    await rex.click("review_reject")
    await ana.hears("not approved by a reviewer")
    with sqlite3.connect(tmp_path / "draftsmith.db") as database:
        await workspace.until(lambda: ADDRESS not in "\n".join(database.iterdump()))


async def test_a_text_is_decided_about_once(
    holding_bot: Bot, ana: Person, rex: Reviewer, workspace: Workspace
) -> None:
    await ana.draft("rain")
    card = await rex.sees_card()
    clicks = [
        workspace.click(rex.id, rex.channel, card.ts, button)
        for button in ("review_reject", "review_approve")
    ]
    await asyncio.gather(*clicks)
    await rex.hears("decided already")


async def test_of_several_drafts_only_the_held_one_waits(
    holding_bot: Bot, ana: Person, rex: Reviewer, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.write = lambda body: HELD if body["seed"] % 2 else "A harmless text. And more of it."
    await ana.draft("n=2 seed=4 rain")
    await rex.sees_card()
    await workspace.until(lambda: len(ana.drafts) == 2 and "harmless" in ana.drafts[0].text)
    await rex.click("review_approve")
    first, second = await ana.sees_drafts(2)
    assert "harmless" in first.text
    assert ADDRESS in second.text


async def test_what_is_approved_of_hidden_drafts_is_shown_where_nothing_else_is(
    holding_bot: Bot, ana: Person, rex: Reviewer, workspace: Workspace
) -> None:
    await ana.draft("n=2 best=yes rain")
    await workspace.until(lambda: len(workspace.messages(rex.channel)) == 2)
    first, second = workspace.messages(rex.channel)
    assert await workspace.click(rex.id, rex.channel, first.ts, "review_reject")
    await ana.hears("not approved by a reviewer")
    assert await workspace.click(rex.id, rex.channel, second.ts, "review_approve")
    await workspace.until(lambda: any(ADDRESS in draft.text for draft in ana.drafts))
    assert len(ana.drafts) == 2


async def test_a_held_request_is_drafted_when_it_is_approved(
    holding_bot: Bot, ana: Person, rex: Reviewer, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.write = lambda _: "A harmless text. And more of it."
    await ana.draft(f"an invitation by {ADDRESS}")
    await ana.hears("has to look at this request first")
    assert not engine.requests
    await rex.click("review_approve")
    (draft,) = await ana.sees_drafts(1)
    assert ADDRESS in engine.requests[0]["messages"][-1]["content"]

    await ana.react(draft, "repeat")
    await ana.sees_drafts(2)


async def test_a_request_approved_without_it_is_drafted_without_it(
    holding_bot: Bot, ana: Person, rex: Reviewer, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: "A harmless text. And more of it."
    await ana.draft(f"an invitation by {ADDRESS}")
    await rex.click("review_redact")
    await ana.sees_drafts(1)
    assert ADDRESS not in str(engine.requests)


async def test_a_rejected_request_is_not_drafted(
    holding_bot: Bot, ana: Person, rex: Reviewer, engine: ScriptedEngine
) -> None:
    await ana.draft(f"an invitation by {ADDRESS}")
    await rex.click("review_reject")
    await ana.hears("not approved by a reviewer")
    assert not engine.requests


async def test_a_rejected_request_is_not_drafted_by_a_later_run(
    holding: StartBot, ana: Person, rex: Reviewer, engine: ScriptedEngine, tmp_path: Path
) -> None:
    async with holding():
        await ana.draft(f"write to {ADDRESS}")
        await rex.click("review_reject")
        await ana.hears("not approved by a reviewer")
    # As if the bot had died before the job's end was committed.
    with sqlite3.connect(tmp_path / "draftsmith.db") as kept:
        kept.execute("UPDATE jobs SET status = 'open'")
    async with holding() as bot:
        await until(lambda: bot.jobs.running == 0)
    assert engine.requests == []
    assert ana.drafts == []


async def test_what_was_held_survives_a_restart_and_expires(
    holding: StartBot,
    ana: Person,
    rex: Reviewer,
    engine: ScriptedEngine,
    workspace: Workspace,
    tmp_path: Path,
) -> None:
    async with holding():
        await ana.draft("rain")
        card = await rex.sees_card()
    store = await Store.open(settings_for(workspace, engine.url, tmp_path).database)
    async with store._write() as session:
        await session.execute(update(Hold).values(expires_at=now() - timedelta(seconds=1)))
    await store.close()
    async with holding():
        await ana.hears("not approved by a reviewer")
    assert "nobody decided" in card.text


async def test_an_approval_that_the_filter_would_block_by_now_is_refused(
    holding: StartBot, ana: Person, rex: Reviewer, tmp_path: Path
) -> None:
    async with holding():
        await ana.draft("rain")
        await rex.sees_card()
    (tmp_path / "policy.toml").write_text(POLICY.replace('email = "hold"', 'email = "block"'))
    async with holding():
        await rex.click("review_approve")
        await rex.hears("can only be rejected")
        assert ADDRESS not in ana.drafts[0].text


async def test_the_kept_text_is_sealed_and_gone_once_it_is_decided(
    holding_bot: Bot, ana: Person, rex: Reviewer, tmp_path: Path
) -> None:
    await ana.draft("rain")
    await rex.sees_card()
    files = [path for path in tmp_path.iterdir() if path.name.startswith("draftsmith.db")]
    assert not any(b"jane.roe" in path.read_bytes() for path in files)
    await rex.click("review_reject")
    await ana.hears("not approved by a reviewer")
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'draftsmith.db'}")
    hold = await store.find_hold(1)
    assert hold is not None
    assert hold.sealed == ""
    await store.close()


async def test_every_look_and_decision_is_audited_without_the_text(
    holding_bot: Bot, ana: Person, rex: Reviewer, workspace: Workspace, tmp_path: Path
) -> None:
    await ana.draft("rain")
    await rex.click("review_show")
    await workspace.until(lambda: ADDRESS in str(workspace.views(rex.id)))
    await rex.click("review_approve")
    await ana.sees_drafts(1)
    audit = (tmp_path / "audit.jsonl").read_text()
    lines = [json.loads(line) for line in audit.splitlines()]
    decisions = [line["action"] for line in lines if line["action"].startswith("review_")]
    assert decisions == ["review_show", "review_approved"]
    assert {line["who"] for line in lines if line["action"].startswith("review_")} == {rex.id}
    assert "jane.roe" not in audit


async def test_without_reviewers_what_is_held_is_blocked(
    start: StartBot, ana: Person, tmp_path: Path
) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    async with start(policy=tmp_path / "policy.toml"):
        await ana.draft("rain")
        await ana.hears("safety filter stopped what the model wrote")
