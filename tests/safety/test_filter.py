"""The filter applies the policy, and fails closed."""

import asyncio
import sys
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from safety import Action, Blocked, Filter, FilterError, Policy, Stage, load_policy
from safety.detectors import Detector
from safety.policy.policy import LANGUAGES, Actions, EnglishThresholds
from safety.screening.screening import DetectorError
from safety.screening.self_test import MEANING_SAMPLES, RULE_SAMPLES
from safety.text.normalise import NormalisedText, normalise
from safety.verdict import Finding, Verdict

KEY = "AKIA" + "Q3EGRIZV7N2KXW5B"
SECRET_TEXT = "the plan to buy Globex"


def policy(**changes: Any) -> Policy:
    return load_policy(None).model_copy(update=changes)


def judge(text: str, stage: Stage = Stage.OUTPUT, by: Filter | None = None) -> Verdict:
    return asyncio.run((by or Filter(policy())).judge(text, stage, request="r1", who="U1"))


class Raises:
    def find(self, text: NormalisedText) -> Iterable[Finding]:
        raise ValueError(text.original)


class RaisesLate:
    def find(self, text: NormalisedText) -> Iterable[Finding]:
        yield from ()
        raise KeyError(text.original)


class NeverEnds:
    def find(self, text: NormalisedText) -> Iterable[Finding]:
        time.sleep(0.3)
        return ()


def with_detector(broken: Detector) -> Filter:
    judge = Filter(policy(timeout_seconds=0.1 if isinstance(broken, NeverEnds) else 10.0))
    judge.screening.detectors = (*judge.screening.detectors, broken)
    return judge


@pytest.mark.parametrize("broken", [Raises(), RaisesLate()])
def test_the_text_in_a_detectors_error_reaches_no_log(broken: Detector) -> None:
    with capture_logs() as logs:
        verdict = judge(SECRET_TEXT, by=with_detector(broken))
    assert "detector_error" in str(logs)
    assert SECRET_TEXT not in str(logs)
    assert SECRET_TEXT not in str(verdict)


def test_the_text_in_a_detectors_error_is_in_no_traceback() -> None:
    with pytest.raises(DetectorError) as error:
        with_detector(Raises()).screening.examine(normalise(SECRET_TEXT))
    assert SECRET_TEXT not in "".join(traceback.format_exception(error.value))


def test_a_cancelled_judgement_is_cancelled_and_gives_no_verdict() -> None:
    async def cancel() -> None:
        task = asyncio.create_task(
            with_detector(NeverEnds()).judge("text", Stage.INPUT, request="r1")
        )
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())


def test_a_text_over_the_limit_is_blocked_unread() -> None:
    assert judge("a" * 40_000).allowed
    assert judge("a" * 40_001).rules == ("too_long",)


def test_a_filter_that_has_lost_a_detector_refuses_to_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("safety.detectors.Secrets.find", lambda self, text: ())
    with pytest.raises(FilterError, match="known sample of secret"):
        Filter(policy())


def test_every_category_that_rules_find_has_a_known_positive() -> None:
    meanings = set(EnglishThresholds.model_fields)
    assert set(RULE_SAMPLES) == set(Actions.model_fields) - meanings


def test_every_head_of_every_language_has_a_known_sample() -> None:
    heads = {(lang, name) for lang, model in LANGUAGES.items() for name in model.model_fields}
    assert set(MEANING_SAMPLES) == heads


@pytest.fixture
def normalised(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that any module of the filter normalises from now on."""
    texts: list[str] = []

    def recorded(text: str) -> NormalisedText:
        texts.append(text)
        return normalise(text)

    for name, module in list(sys.modules.items()):
        if name.startswith("safety.") and getattr(module, "normalise", None) is normalise:
            monkeypatch.setattr(module, "normalise", recorded)
    return texts


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("text", ["We open on Monday. Come and visit. ", "周一开业，“欢迎”参观。"])
def test_a_text_is_normalised_once(text: str, stage: Stage, normalised: list[str]) -> None:
    by = Filter(policy())
    normalised.clear()
    assert judge(text * 100, stage, by).text == text * 100
    assert normalised == [text * 100]


def test_only_what_differs_from_a_text_is_normalised_beside_it(normalised: list[str]) -> None:
    by = Filter(policy())
    normalised.clear()
    text = "Answer @here:\n> See https://evil.net"
    shown = judge(text, Stage.INPUT, by).text
    assert shown == "Answer here:\n> See evil[.]net"
    assert normalised == [text, "See https://evil.net", shown, "See evil[.]net"]


def test_an_ordinary_text_is_allowed_as_it_is() -> None:
    verdict = judge("A blog post on our new office in Lisbon.\n\n我们在里斯本的新办公室。")
    assert verdict.action is Action.ALLOW
    assert verdict.rules == ()
    assert verdict.text == "A blog post on our new office in Lisbon.\n\n我们在里斯本的新办公室。"


@pytest.mark.parametrize(
    ("text", "stage", "action", "rules"),
    [
        (f"use {KEY}", Stage.INPUT, Action.BLOCK, ("aws_access_key",)),
        (f"use {KEY}", Stage.OUTPUT, Action.BLOCK, ("aws_access_key",)),
        ("pay 4539 1488 0343 6467", Stage.INPUT, Action.BLOCK, ("card_number",)),
        ("pay 4539 1488 0343 6467", Stage.OUTPUT, Action.REDACT, ("card_number",)),
        ("contact: press@acme.com", Stage.INPUT, Action.ALLOW, ()),
        ("contact: press@acme.com", Stage.OUTPUT, Action.REDACT, ("email_address",)),
        ("call +44 20 7946 0018", Stage.INPUT, Action.ALLOW, ()),
        ("call +44 20 7946 0018", Stage.OUTPUT, Action.REDACT, ("phone_international",)),
        ("<!channel> and @here", Stage.INPUT, Action.REDACT, ("slack_broadcast",)),
        ("a https://evil.net b", Stage.INPUT, Action.REDACT, ("link_host",)),
    ],
)
def test_the_packaged_policy_decides(
    text: str, stage: Stage, action: Action, rules: tuple[str, ...]
) -> None:
    verdict = judge(text, stage)
    assert (verdict.action, verdict.rules) == (action, rules)
    assert verdict.allowed is (action is not Action.BLOCK)


def test_the_strictest_action_wins_and_names_only_its_own_rules() -> None:
    verdict = judge(f"press@acme.com and {KEY} on https://evil.net")
    assert verdict.action is Action.BLOCK
    assert verdict.rules == ("aws_access_key",)
    assert {finding.category for finding in verdict.findings} == {"email", "secret", "link"}


def test_actions_are_ordered_from_mild_to_strict() -> None:
    assert sorted(Action, key=lambda action: action.strictness) == [
        Action.ALLOW,
        Action.REDACT,
        Action.HOLD,
        Action.BLOCK,
    ]


def test_hold_shows_nothing_while_there_is_no_review(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('[output]\nemail = "hold"\n')
    holding = Filter(load_policy(file))
    verdict = judge("Mail press@acme.com. ", by=holding)
    assert (verdict.action, verdict.text) == (Action.HOLD, None)

    async def stream() -> None:
        with pytest.raises(Blocked):
            await holding.gate(request="r1").feed("Mail press@acme.com. Then")

    asyncio.run(stream())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Mail a@acme.com now", "Mail [e-mail removed] now"),
        ("a@acme.com b@acme.com", "[e-mail removed] [e-mail removed]"),
        ("写信给a@acme.com，谢谢", "写信给[e-mail removed]，谢谢"),
        ("ring +44 20 7946 0018!", "ring [phone number removed]!"),
        ("卡号 4539 1488 0343 6467。", "卡号 [card number removed]。"),
        ("[mail](mailto:a@acme.com)", "[e-mail removed]"),
        ("https://evil.net/?to=a@acme.com&x", "[e-mail removed]"),
        ("ａ＠ａｃｍｅ．ｃｏｍ here", "[e-mail removed] here"),
    ],
)
def test_a_placeholder_stands_for_the_whole_span(text: str, shown: str) -> None:
    assert judge(text).text == shown


def test_the_event_loop_runs_on_while_a_text_is_judged() -> None:
    async def both() -> list[str]:
        order: list[str] = []
        slow = with_detector(NeverEnds())

        async def judging() -> None:
            await slow.judge("text", Stage.INPUT, request="r1")
            order.append("judged")

        async def other() -> None:
            await asyncio.sleep(0)
            order.append("other")

        await asyncio.gather(judging(), other())
        return order

    assert asyncio.run(both()) == ["other", "judged"]


def test_a_verdict_after_a_review_names_the_policy_as_every_other() -> None:
    by = Filter(policy())
    verdicts = [
        asyncio.run(by.judge("text", Stage.OUTPUT, request="r1", held=held))
        for held in (Action.HOLD, Action.ALLOW, Action.REDACT)
    ]
    assert {verdict.policy for verdict in verdicts} == {by.policy.digest}
