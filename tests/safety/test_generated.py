"""What the rules find in generated texts, as written, rewritten and streamed."""

import asyncio
import random
from collections.abc import Iterable
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety import Blocked, Filter, load_policy
from safety.detectors import rules
from safety.text.normalise import normalise
from safety.training.metrics import Counts
from safety.verdict import Finding
from tests.safety.generated.evasions import EVASIONS, evasive, in_figures
from tests.safety.generated.harmless import HARD, harmless
from tests.safety.generated.people import CHINESE, ENGLISH, samples
from tests.safety.generated.sample import Sample, placed
from tests.safety.generated.secrets import ANNOUNCED, SECRETS, secrets

FILTER = Filter(load_policy(None))
RULES = rules(load_policy(None))

CATEGORIES = {
    **dict.fromkeys(SECRETS, "secret"),
    **dict.fromkeys(ANNOUNCED, "secret"),
    "email": "email",
    **dict.fromkeys(["phone", "german phone", "mobile", "landline"], "phone"),
    **dict.fromkeys(["card", "bank card"], "card"),
    **dict.fromkeys(["iban", "wallet"], "account"),
    **dict.fromkeys(["ssn", "nino", "nhs", "dni", "nir", "pesel", "cpf", "bsn"], "identity"),
    **dict.fromkeys(["personnummer", "passport", "resident id", "plate"], "identity"),
    "ip": "ip_address",
    "wechat": "handle",
}


def find(text: str) -> list[Finding]:
    read = normalise(text)
    return list(chain.from_iterable(rule.find(read) for rule in RULES))


def is_found(sample: Sample) -> bool:
    return any(
        each.category == CATEGORIES[sample.kind]
        and each.start < sample.end
        and sample.start < each.end
        for each in find(sample.text)
    )


def missed(given: Iterable[Sample]) -> list[str]:
    return [f"{each.kind}: {each.text}" for each in given if not is_found(each)]


def f1(given: Iterable[Sample]) -> float:
    """Return F1 by category; findings beside the value are false alarms."""
    hits = misses = false_alarms = 0
    for sample in given:
        hits, misses = hits + is_found(sample), misses + (not is_found(sample))
        beside = [each for each in find(sample.text) if not _overlap(each, sample)]
        false_alarms += len(beside)
    found = Counts(hits, false_alarms, misses, 0).f1
    assert found is not None
    return found


def _overlap(finding: Finding, sample: Sample) -> bool:
    return finding.start < sample.end and sample.start < finding.end


def test_of_a_hundred_secrets_ninety_nine_are_found() -> None:
    given = list(secrets(each=6, seed=11))
    assert len(SECRETS) >= 20
    assert len(missed(given)) <= 0.01 * len(given), missed(given)


def test_no_text_without_a_secret_is_taken_for_one() -> None:
    texts = harmless(seed=12)
    assert len(texts) >= 1300
    alarms = [text for text in texts if any(each.category == "secret" for each in find(text))]
    assert alarms == []


@pytest.mark.parametrize("name", HARD)
def test_what_looks_like_a_secret_is_none(name: str) -> None:
    make, frame = HARD[name]
    for seed in range(30):
        text = frame.replace("{}", make(random.Random(seed)))
        assert [each.rule for each in find(text) if each.category == "secret"] == []


def test_personal_data_in_english_is_found_with_an_f1_over_nine_tenths() -> None:
    assert f1(samples(ENGLISH, each=12, seed=13)) >= 0.9


def test_personal_data_in_chinese_is_found_with_an_f1_over_ninety_five_percent() -> None:
    given = samples(CHINESE, each=40, seed=14)
    assert len(given) >= 300
    assert f1(given) >= 0.95


@pytest.mark.parametrize("evasion", EVASIONS)
def test_a_value_that_is_rewritten_is_found_nearly_as_often(evasion: str) -> None:
    of_secrets = [each for each in secrets(each=2, seed=15) if not _is_key_file(each)]
    for some in (of_secrets, samples(ENGLISH, 4, 16), samples(CHINESE, 8, 17)):
        found = [each for each in some if is_found(each)]
        lost = missed(evasive(each, evasion) for each in found)
        assert len(lost) <= 0.05 * len(found), lost


def test_a_password_that_is_announced_in_figures_for_letters_is_found() -> None:
    given = [in_figures(each) for each in secrets(each=4, seed=21) if each.kind == "password"]
    assert len(missed(given)) <= 0.05 * len(given), missed(given)


def _is_key_file(sample: Sample) -> bool:
    """Say whether it is a private key: spelled out over lines, it is of no use to a thief."""
    return sample.kind.startswith("private_key")


@pytest.mark.parametrize(
    "announced",
    [
        "p4ssw0rd: {}",
        "P@$$W0RD = {}",
        "p a s s w o r d :   {}",
        "pаsswоrd is {}",
        "s3cr3t t0ken: {}",
    ],
)
def test_a_word_in_figures_letters_apart_or_look_alikes_still_announces(announced: str) -> None:
    text = announced.format("Xk29vLq8" * 3)
    assert [each.category for each in find(text)] == ["secret"]


SAMPLES = [*secrets(3, seed=18), *samples(ENGLISH, 5, seed=19), *samples(CHINESE, 5, seed=20)]


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(SAMPLES), min_size=1, max_size=2),
    st.sampled_from(["as written", *EVASIONS]),
    st.sampled_from(["word ", "字", "Word. "]),
    st.integers(0, 620),
)
def test_no_border_falls_inside_a_finding_and_none_changes_it(
    written: list[Sample], evasion: str, filler: str, before: int
) -> None:
    if evasion in EVASIONS:
        written = [evasive(each, evasion) for each in written]
    texts = ((filler * 620)[:before], *(each.text for each in written), (filler * 150)[:150])
    text = " ".join(texts)
    findings = set(find(text))
    for border in [border for border in normalise(text).borders if border >= before]:
        assert not [each for each in findings if each.start < border < each.end]
        assert set(find(text[:border])) == {each for each in findings if each.end <= border}


@pytest.mark.parametrize("rewritten", ["as written", "zero-width", "spelled out"])
@pytest.mark.parametrize("kind", SECRETS)
def test_a_stream_shows_nothing_of_a_secret_that_is_one_in_the_whole_text(
    kind: str, rewritten: str
) -> None:
    draw = random.Random(kind)
    before = ("some words that come before it " * 20)[draw.randrange(100) :]
    frame = before + "{} and then it goes on. " + "More of it. " * 12
    sample = placed(frame, kind, SECRETS[kind](draw))
    if rewritten in EVASIONS:
        sample = evasive(sample, rewritten)
    if not is_found(sample):
        assert _is_key_file(sample)
        assert rewritten == "spelled out"
        return
    secret = sample.text[sample.start : sample.end]
    shown = asyncio.run(stream(sample.text, draw.choice([3, 20, 100])))
    assert not [place for place in range(len(secret) - 15) if secret[place : place + 15] in shown]


@pytest.mark.parametrize(
    ("kind", "frame"),
    [(kind, frame) for kind, (_, frames) in ANNOUNCED.items() for frame in frames],
)
def test_a_stream_shows_nothing_of_a_value_that_the_words_give_away(kind: str, frame: str) -> None:
    make, _ = ANNOUNCED[kind]
    value = make(random.Random(frame))
    text = "Some words first. " * 20 + frame.replace("{}", value) + "\nAnd more of it." * 12
    shown = asyncio.run(stream(text, 3))
    assert not [place for place in range(len(value) - 3) if value[place : place + 4] in shown]


async def stream(text: str, size: int) -> str:
    """Return what the gate shows of a text that it blocks, in chunks of this size."""
    gate, shown = FILTER.gate(request="r1"), ""
    try:
        for start in range(0, len(text), size):
            shown += await gate.feed(text[start : start + size])
        shown += await gate.finish()
    except Blocked:
        return shown
    raise AssertionError("the text was not blocked")
