"""Whatever goes wrong in any detector, in whole texts and in drafts: nothing passes."""

import asyncio
import time
from collections.abc import Callable, Iterable
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from safety import Action, AuditLog, Blocked, Filter, Stage, load_policy
from safety.classifier.weights import WeightsError
from safety.detectors import Detector
from safety.verdict import Finding
from tests.safety.guard_server import GuardServer

TEXT = "One sentence about the office. "


def _raising(error: BaseException) -> Callable[..., Iterable[Finding]]:
    def find(*_: Any) -> Iterable[Finding]:
        raise error

    return find


def _raising_late(*_: Any) -> Iterable[Finding]:
    yield Finding("email", "odd", 0, 1)
    raise KeyError


def _slow(*_: Any) -> Iterable[Finding]:
    until = time.thread_time() + 0.1
    while time.thread_time() < until:
        pass
    return ()


def _finding(start: Any, end: Any, score: Any = 1.0) -> Callable[..., Iterable[Finding]]:
    return lambda *_: [Finding("email", "odd", start, end, score)]


FAULTS: dict[str, Callable[..., Any]] = {
    "an exception": _raising(ValueError()),
    "an exception while it is read": _raising_late,
    "no memory": _raising(MemoryError()),
    "missing weights": _raising(WeightsError("missing")),
    "a cancelled task": _raising(asyncio.CancelledError()),
    "a time out of its own": _raising(TimeoutError()),
    "a stopped iteration": _raising(StopIteration()),
    "too much time": _slow,
    "no number": _finding(0, 1, nan),
    "infinity": _finding(0, 1, inf),
    "a score below zero": _finding(0, 1, -0.1),
    "a text for a score": _finding(0, 1, "0.5"),
    "an empty span": _finding(2, 2),
    "a span that ends before it starts": _finding(3, 2),
    "a span before the text": _finding(-1, 2),
    "a span behind the text": _finding(0, 10_000),
    "no answer": lambda *_: None,
    "something else": lambda *_: ["email"],
    "a category of nobody": lambda *_: [Finding("nobody", "odd", 0, 1)],
}
DETECTORS = [type(each).__name__ for each in Filter(load_policy(None)).screening.detectors]


class Broken:
    def __init__(self, find: Callable[..., Any]) -> None:
        self.find = find


def with_fault(name: str, find: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Filter:
    """Return a filter with one broken detector, in its own place."""
    seconds = 0.02 if find is _slow else 20
    by = Filter(load_policy(None).model_copy(update={"timeout_seconds": seconds}))
    if name == "MeaningClassifier":
        monkeypatch.setattr(
            "safety.classifier.classifier.MeaningClassifier.find", lambda _, *given: find(*given)
        )
        return by
    detectors: list[Detector] = list(by.screening.detectors)
    detectors[DETECTORS.index(name)] = Broken(find)
    by.screening.detectors = tuple(detectors)
    return by


async def draft(by: Filter) -> None:
    gate = by.gate(request="r1")
    with pytest.raises(Blocked) as blocked:
        await gate.feed(TEXT * 3)
    assert blocked.value.verdict.rules == ("detector_error",)
    for step in (gate.feed, lambda _: gate.finish()):
        with pytest.raises(Blocked):
            await step("More. ")


@pytest.mark.parametrize("find", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("name", [*DETECTORS, "MeaningClassifier"])
async def test_any_fault_of_any_detector_blocks_texts_and_drafts(
    name: str, find: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    by = with_fault(name, find, monkeypatch)
    for stage in (Stage.INPUT, Stage.MATERIAL):
        verdict = await by.judge(TEXT, stage, request="r1")
        assert (verdict.action, verdict.rules) == (Action.BLOCK, ("detector_error",))
        assert verdict.text is None
    await draft(by)


@pytest.mark.parametrize("decision", [Action.ALLOW, Action.REDACT])
async def test_no_reviewer_can_let_pass_what_a_broken_detector_has_not_seen(
    decision: Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = with_fault("MeaningClassifier", _raising(ValueError()), monkeypatch)
    verdict = await by.judge(TEXT, Stage.OUTPUT, request="r1", held=decision)
    assert verdict.rules == ("detector_error",)


async def test_what_is_too_long_is_blocked_at_every_stage_and_in_drafts() -> None:
    by = Filter(load_policy(None).model_copy(update={"max_chars": 100}))
    for stage in Stage:
        assert (await by.judge("a" * 101, stage, request="r1")).rules == ("too_long",)
    gate = by.gate(request="r1")
    assert await gate.feed(TEXT * 2)
    with pytest.raises(Blocked, match="too_long"):
        await gate.feed(TEXT * 2)


async def test_a_draft_that_was_cancelled_while_it_was_judged_can_only_go_on_judged() -> None:
    by = Filter(load_policy(None))
    gate = by.gate(request="r1")
    feeding = asyncio.create_task(gate.feed("Mail jane.roe@acme-corp.com. " * 2))
    await asyncio.sleep(0)
    feeding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await feeding
    shown = await gate.feed("And more. ") + await gate.finish()
    assert "jane.roe" not in shown
    assert shown.count("[e-mail removed]") == 2


async def test_health_names_the_tier_that_does_not_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = AuditLog(tmp_path / "audit.jsonl", SecretStr("a key for the audit of tests"))
    file = tmp_path / "policy.toml"
    async with GuardServer() as guard:
        file.write_text(
            f'[judge]\nurl = "{guard.url}"\nform = "llama_guard"\ntimeout_seconds = 0.2\n'
        )
        by = Filter(load_policy(file), audit=audit)
        assert not (await by.health()).degraded
        guard.status = 500
        assert "no answer that can be read (status 500)" in (await by.health()).troubles[0]
        guard.status, guard.delay = 200, 1
        assert "does not answer in time" in (await by.health()).troubles[0]
        guard.delay = 0
        monkeypatch.setattr("safety.detectors.Secrets.find", lambda *_: ())
        assert "known sample of secret" in (await by.health()).troubles[0]
        monkeypatch.setattr("safety.detectors.Secrets.find", _raising(ValueError("text")))
        assert (await by.health()).troubles == ("A detector fails: DetectorError.",)
    audit.close()
    assert "audit log cannot be written" in (await by.health()).troubles[-1]
