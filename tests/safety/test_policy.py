"""A policy file says what it changes; what it says wrongly is named with what to do."""

from pathlib import Path

import pytest

from safety import Action, PolicyError, Stage, load_policy
from safety.policy import ALWAYS_BLOCK


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.toml"


def test_a_file_need_only_say_what_it_changes(file: Path) -> None:
    file.write_text('[output]\nemail = "allow"\n[links]\nallow = ["*.Acme.com"]\n')
    policy, packaged = load_policy(file), load_policy(None)
    assert policy.action(Stage.OUTPUT, "email") is Action.ALLOW
    assert policy.links.allow == ("*.acme.com",)
    assert policy.input == packaged.input
    assert policy.action(Stage.OUTPUT, "phone") is packaged.action(Stage.OUTPUT, "phone")


def test_an_empty_file_is_the_packaged_policy(file: Path) -> None:
    file.write_text("")
    assert load_policy(file) == load_policy(None)
    assert load_policy(file).digest == load_policy(None).digest


@pytest.mark.parametrize(
    "change", ['[input]\nemail = "block"', "max_chars = 39999", '[links]\nallow = ["a.com"]']
)
def test_the_digest_changes_with_the_policy(file: Path, change: str) -> None:
    file.write_text(change)
    assert load_policy(file).digest != load_policy(None).digest


def test_no_policy_softens_a_failure_of_the_filter_itself() -> None:
    policy = load_policy(None)
    assert {policy.action(stage, rule) for stage in Stage for rule in ALWAYS_BLOCK} == {
        Action.BLOCK
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[output]\nemial = "block"', "unknown key output.emial; did you mean email?"),
        ("max_char = 3", "unknown key max_char; did you mean max_chars?"),
        ("[zzz]\na = 1", "unknown key zzz; the known keys are max_chars, "),
        ('[link]\nallow = ["a.com"]', "unknown key link; did you mean links?"),
        ('[output]\nemail = "blok"', "output.email: Input should be 'allow', 'redact', 'hold' or"),
        ('[links]\nallow = ["https://a.com"]', "write a host as acme.com or *.acme.com"),
        ('[links]\nallow = ["*"]', "write a host as acme.com or *.acme.com"),
        ('[phones]\nregions = ["UK"]', "write a region as its two letters, such as US or CN"),
        ("timeout_seconds = 0", "timeout_seconds: Input should be greater than 0"),
        ("max_chars = 0", "max_chars: Input should be greater than or equal to 1"),
        ("links = 3", "links: "),
        ("[output", "is not valid TOML"),
    ],
)
def test_a_wrong_policy_is_refused_with_one_sentence(file: Path, text: str, sentence: str) -> None:
    file.write_text(text)
    with pytest.raises(PolicyError) as error:
        load_policy(file)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_policy_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"none\.toml cannot be read as a policy"):
        load_policy(tmp_path / "none.toml")


def test_a_policy_file_that_is_not_text_is_named(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PolicyError, match="cannot be read as a policy"):
        load_policy(file)
