"""A policy file says what it changes; what it says wrongly is named with what to do."""

import asyncio
from pathlib import Path

import pytest

from safety import Action, Filter, PolicyError, Stage, load_policy
from safety.policy.policy import ALWAYS_BLOCK


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
        ("[thresholds.output.en]\nhat = 0.5", "unknown key hat; did you mean hate?"),
        ("[thresholds.outputs.en]\nhate = 0.5", "unknown key thresholds.outputs; did you mean"),
        ('[material]\nemial = "block"', "unknown key material.emial; did you mean email?"),
        ('[judge]\nlat = "block"', "unknown key judge.lat; did you mean late?"),
        ('[judge]\nlate = "redact"', "write allow, hold or block"),
        ('[judge]\nform = "lama"', "judge.form: Input should be 'question', 'llama_guard'"),
        ('[judge]\nurl = "ftp://x"', "write unix:/path/to/socket, http://host:port"),
        ("[judge.thresholds]\nhat = 0.5", "unknown key hat; did you mean hate?"),
        ("[judge]\nbudget_seconds = 1", "budget_seconds is for a whole text"),
        ("channels = 3", "channels: write a table for each id, as [channels.ID.output]."),
        ('[channels."#legal".output]\nemail = "block"', "channels.#legal never applies: write"),
        ('[channels.T1.output]\nemail = "block"', "C or G or D and then capitals and digits."),
        ('[channels.c1.output]\nemail = "block"', "channels.c1 never applies"),
        ('[workspaces.acme.output]\nemail = "block"', "T or E and then capitals and digits."),
        ("[channels.C1]\ntimeout_seconds = 1", "channels.C1: unknown key timeout_seconds; the"),
        ('[channels.C1.output]\nemial = "block"', "unknown key output.emial; did you mean email?"),
        ('[channels.C1.outputs]\nemail = "block"', "unknown key outputs; did you mean output?"),
        ('block_removes = "all"', "block_removes: Input should be 'draft' or 'rest'"),
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


def test_what_is_pasted_is_judged_as_what_is_typed_but_for_attacks(file: Path) -> None:
    file.write_text('[input]\nemail = "hold"\n[material]\nphone = "redact"\n')
    policy = load_policy(file)
    assert policy.action(Stage.MATERIAL, "email") is Action.HOLD
    assert policy.action(Stage.MATERIAL, "phone") is Action.REDACT
    assert policy.action(Stage.INPUT, "phone") is Action.ALLOW
    assert policy.action(Stage.MATERIAL, "prompt_attack") is Action.HOLD
    assert policy.action(Stage.INPUT, "prompt_attack") is Action.ALLOW


def test_a_stage_may_have_thresholds_of_its_own(file: Path) -> None:
    file.write_text("[thresholds.en]\nhate = 0.5\n[thresholds.input.en]\nhate = 0.9\n")
    thresholds = load_policy(file).thresholds
    assert thresholds.at(Stage.INPUT).of("en", "hate") == 0.9
    assert thresholds.at(Stage.OUTPUT).of("en", "hate") == 0.5


OVERLAYS = """
[links]
allow = ["*.acme.com"]
[workspaces.T1.output]
email = "block"
[channels.C1]
max_chars = 100
[channels.C1.links]
allow = ["docs.acme.com"]
[channels.C1.output]
email = "hold"
phone = "block"
[channels.C1.phones]
regions = ["US", "CN", "DE"]
[channels.C1.thresholds.en]
hate = 0.1
"""


def test_an_overlay_changes_its_place_alone(file: Path) -> None:
    file.write_text(OVERLAYS)
    policy = load_policy(file)
    there, elsewhere = policy.within("T9", "C1"), policy.within("T9", "C2")
    assert elsewhere is policy
    assert there.action(Stage.OUTPUT, "phone") is Action.BLOCK
    assert there.thresholds.of("en", "hate") == 0.1
    assert there.max_chars == 100
    assert policy.action(Stage.OUTPUT, "phone") is Action.REDACT
    digests = [each.digest for each in (policy, there, policy.within("T1", "C2"))]
    assert len({*digests, policy.within("T1", "C1").digest}) == 4
    assert policy.digest == load_policy(_without_overlays(file)).digest


def _without_overlays(file: Path) -> Path:
    file.write_text('[links]\nallow = ["*.acme.com"]\n')
    return file


def test_of_two_overlays_the_stricter_counts_for_each_setting(file: Path) -> None:
    file.write_text(OVERLAYS)
    both = load_policy(file).within("T1", "C1")
    assert both.action(Stage.OUTPUT, "email") is Action.BLOCK
    assert both.action(Stage.OUTPUT, "phone") is Action.BLOCK
    assert both.links.allow == ("docs.acme.com",)
    assert set(both.phones.regions) == {"US", "CN", "DE"}
    assert both.thresholds.at(Stage.OUTPUT).of("en", "hate") == 0.1


MILDER = {
    '[channels.C1.output]\nsecret = "redact"': "output.secret",
    '[channels.C1.input]\nsecret = "redact"': "input.secret",
    '[workspaces.T1.material]\nprompt_attack = "allow"': "material.prompt_attack",
    '[channels.C1.links]\nallow = ["acme.com"]': "links.allow",
    '[channels.C1.phones]\nregions = ["US"]': "phones.regions",
    "[channels.C1]\nmax_chars = 50000": "max_chars",
    '[channels.C1]\nblock_removes = "rest"': "block_removes",
    "[channels.C1.thresholds.en]\nhate = 0.99": "thresholds.en.hate",
    "[channels.C1.thresholds.output.zh]\nhate = 0.99": "thresholds.output.zh.hate",
}


@pytest.mark.parametrize(("text", "setting"), MILDER.items(), ids=MILDER.values())
def test_a_milder_overlay_is_refused_unless_the_policy_lets_it_be(
    file: Path, text: str, setting: str
) -> None:
    file.write_text(text)
    with pytest.raises(PolicyError, match=rf"\.[CT]1: {setting} is milder than in the policy"):
        load_policy(file)
    file.write_text(f"may_loosen = true\n{text}")
    assert load_policy(file).within("T1", "C1").digest != load_policy(None).digest


def test_the_filter_judges_by_the_policy_of_the_place(file: Path) -> None:
    file.write_text('[channels.C1.output]\nemail = "block"\n')
    everywhere = Filter(load_policy(file))
    there = everywhere.within("T1", "C1")
    assert everywhere.within("T1", "C2") is everywhere
    assert there is everywhere.within("T2", "C1")
    judged = [
        asyncio.run(each.judge("Mail press@acme.com", Stage.OUTPUT, request="r1"))
        for each in (everywhere, there)
    ]
    assert [verdict.action for verdict in judged] == [Action.REDACT, Action.BLOCK]
    assert judged[0].policy != judged[1].policy
