"""The audit log says who, when, which rule and which action; never the text."""

import asyncio
import json
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from safety import AuditError, AuditLog, Blocked, Filter, Stage, load_policy

KEY = SecretStr("a key for the audit of tests")
CANARY = "canary-7f3a"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def audit(path: Path) -> Iterator[AuditLog]:
    log = AuditLog(path, KEY)
    yield log
    log.close()


@pytest.fixture
def broken(audit: AuditLog) -> Iterator[None]:
    """A disk that is full."""
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, audit._file)
    yield
    os.close(full)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def judge(audit: AuditLog, text: str, stage: Stage = Stage.OUTPUT) -> None:
    judge = Filter(load_policy(None), audit=audit)
    asyncio.run(judge.judge(text, stage, request="r1", who="U1"))


def test_a_verdict_is_one_line(audit: AuditLog, path: Path) -> None:
    before = datetime.now(UTC)
    judge(audit, "Mail a@acme.com and b@acme.com, see evil.net.")
    (line,) = lines(path)
    assert before.replace(microsecond=0) <= datetime.fromisoformat(line.pop("time"))
    assert line.pop("latency_ms") > 0
    assert (line.pop("line"), len(line.pop("link"))) == (1, 64)
    assert line == {
        "request": "r1",
        "who": "U1",
        "stage": "output",
        "action": "redact",
        "complete": True,
        "categories": ["email", "link"],
        "rules": ["email_address", "link_host"],
        "counts": {"email": 2, "link": 1},
        "policy": load_policy(None).digest,
        "hmac": audit.digest("Mail a@acme.com and b@acme.com, see evil.net."),
    }


async def say(judge: Filter, *chunks: str) -> None:
    gate = judge.gate(request="r2", who="U2")
    for chunk in chunks:
        await gate.feed(chunk)
    await gate.finish()


def test_a_draft_is_two_lines_however_many_pieces_it_had(audit: AuditLog, path: Path) -> None:
    judge = Filter(load_policy(None), audit=audit)
    asyncio.run(say(judge, "One. ", "Two. ", "Mail a@acme.com. ", "End"))
    opened, line = lines(path)
    assert (opened["action"], opened["complete"], opened["who"]) == ("opened", False, "U2")
    assert (line["action"], line["complete"], line["who"]) == ("redact", True, "U2")
    assert opened["policy"] == line["policy"]


def test_a_blocked_draft_of_which_nothing_was_shown_is_one_line(
    audit: AuditLog, path: Path
) -> None:
    judge = Filter(load_policy(None), audit=audit)
    with pytest.raises(Blocked):
        asyncio.run(say(judge, "AKIA" + "Q3EGRIZV7N2KXW5B. ", "End"))
    (line,) = lines(path)
    assert (line["action"], line["rules"]) == ("block", ["aws_access_key"])


def test_a_stopped_draft_says_so(audit: AuditLog, path: Path) -> None:
    async def stop() -> None:
        gate = Filter(load_policy(None), audit=audit).gate(request="r3")
        await gate.feed("One sentence. Another")
        await gate.stop()

    asyncio.run(stop())
    _, line = lines(path)
    assert (line["action"], line["complete"]) == ("allow", False)


@pytest.mark.parametrize("stage", Stage)
def test_no_line_holds_any_of_the_text(audit: AuditLog, path: Path, stage: Stage) -> None:
    texts = [
        CANARY,
        f"{CANARY}@acme.com",
        f"https://{CANARY}.net/{CANARY}",
        f"<!{CANARY}>",
        f"password={CANARY}",
        f"{CANARY}\ud800",
        CANARY * 10_000,
    ]
    for text in texts:
        judge(audit, text, stage)
    assert len(lines(path)) == len(texts)
    assert CANARY not in path.read_text()


def test_the_digest_needs_the_key(audit: AuditLog, tmp_path: Path) -> None:
    other = AuditLog(tmp_path / "other.jsonl", SecretStr("another key for the audit"))
    assert audit.digest("text") != other.digest("text")
    assert audit.digest("text") == audit.digest("text") != audit.digest("texts")
    other.close()


def test_a_log_is_only_added_to_and_only_its_owner_reads_it(audit: AuditLog, path: Path) -> None:
    judge(audit, "one")
    again = AuditLog(path, KEY)
    judge(again, "two")
    again.close()
    assert len(lines(path)) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_many_verdicts_at_once_do_not_mix_their_lines(audit: AuditLog, path: Path) -> None:
    judge = Filter(load_policy(None), audit=audit)

    async def many() -> None:
        await asyncio.gather(
            *(judge.judge("text", Stage.INPUT, request=f"r{n}") for n in range(50))
        )

    asyncio.run(many())
    assert sorted(line["request"] for line in lines(path)) == sorted(f"r{n}" for n in range(50))


def test_what_cannot_be_written_down_is_not_shown(tmp_path: Path) -> None:
    audit = AuditLog(tmp_path / "audit.jsonl", KEY)
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, audit._file)
    verdict = asyncio.run(
        Filter(load_policy(None), audit=audit).judge("text", Stage.INPUT, request="r1")
    )
    assert verdict.rules == ("audit_error",)
    assert verdict.text is None
    with pytest.raises(Blocked, match="blocked by audit_error"):
        asyncio.run(say(Filter(load_policy(None), audit=audit), "One. ", "Two"))
    audit.close()
    os.close(full)


async def test_of_a_draft_that_cannot_be_written_down_nothing_is_shown(
    audit: AuditLog, broken: None
) -> None:
    gate = Filter(load_policy(None), audit=audit).gate(request="r1")
    with pytest.raises(Blocked, match="blocked by audit_error"):
        await gate.feed("One sentence. Another one. And")


async def test_health_says_that_the_log_cannot_be_written_and_when_it_can_again(
    audit: AuditLog, path: Path
) -> None:
    by = Filter(load_policy(None), audit=audit)
    assert not (await by.health()).degraded
    file, full = os.dup(audit._file), os.open("/dev/full", os.O_RDWR)
    os.dup2(full, audit._file)
    assert (await by.judge("text", Stage.INPUT, request="r1")).rules == ("audit_error",)
    for _ in range(2):
        (trouble,) = (await by.health()).troubles
        assert trouble.startswith("The audit log cannot be written (No space left on device)")
    os.dup2(file, audit._file)
    assert not (await by.health()).degraded
    os.close(file)
    os.close(full)


async def test_health_writes_no_line_where_one_was_written_within_a_minute(
    audit: AuditLog, path: Path
) -> None:
    by = Filter(load_policy(None), audit=audit)
    for _ in range(3):
        assert not (await by.health()).degraded
    assert [line["action"] for line in lines(path)] == ["health"]


def test_a_log_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="check that its folder is there"):
        AuditLog(tmp_path / "none" / "audit.jsonl", KEY)


def test_a_short_key_is_refused(path: Path) -> None:
    with pytest.raises(AuditError, match="at least 16 characters"):
        AuditLog(path, SecretStr("short"))
