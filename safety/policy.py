"""What is done about what is found: a TOML file, checked, with a digest for the audit."""

import hashlib
import json
import re
import tomllib
from difflib import get_close_matches
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import phonenumbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from safety.verdict import Action, Stage

ALWAYS_BLOCK = ("detector_error", "too_long", "audit_error")
"""Categories of the filter's own failures, which no policy can soften."""


class PolicyError(ValueError):
    """A policy cannot be used. The message is one sentence: what is wrong and what to do."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _without_span(action: Action) -> Action:
    if action is Action.REDACT:
        raise ValueError("a meaning has no span to redact: write allow, hold or block")
    return action


Meaning = Annotated[Action, AfterValidator(_without_span)]
Score = Annotated[float, Field(gt=0, le=1)]


class Actions(_Table):
    """One stage: the action for each category."""

    secret: Action
    card: Action
    identity: Action
    account: Action
    email: Action
    phone: Action
    handle: Action
    ip_address: Action
    slack_markup: Action
    link: Action
    invisible: Action
    hate: Meaning
    harassment: Meaning
    sexual: Meaning
    sexual_minors: Meaning
    violence: Meaning
    self_harm: Meaning
    unsafe: Meaning
    harm: Meaning
    illicit: Meaning
    prompt_attack: Meaning


class EnglishThresholds(_Table):
    hate: Score
    harassment: Score
    sexual: Score
    sexual_minors: Score
    violence: Score
    self_harm: Score
    unsafe: Score
    harm: Score
    illicit: Score
    prompt_attack: Score


class ChineseThresholds(_Table):
    hate: Score


class Thresholds(_Table):
    """From which score on the linear tier names a category: 1 means in effect never."""

    en: EnglishThresholds
    zh: ChineseThresholds

    def of(self, language: str, category: str) -> float:
        score: float = getattr(getattr(self, language), category)
        return score


def _host(entry: str) -> str:
    if not re.fullmatch(r"(?:\*\.)?(?:[a-z0-9-]+\.)+[a-z0-9-]+", entry.lower()):
        raise ValueError("write a host as acme.com or *.acme.com, without https:// or a path")
    return entry.lower()


def _region(code: str) -> str:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("write a region as its two letters, such as US or CN")
    return code


class LinkPolicy(_Table):
    allow: tuple[Annotated[str, AfterValidator(_host)], ...]


class PhonePolicy(_Table):
    regions: tuple[Annotated[str, AfterValidator(_region)], ...]


class Policy(_Table):
    max_chars: int = Field(ge=1, le=1_000_000)
    timeout_seconds: float = Field(gt=0, le=60)
    links: LinkPolicy
    phones: PhonePolicy
    thresholds: Thresholds
    input: Actions
    output: Actions

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits that change with every change of the policy."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def holding_as(self, action: Action) -> "Policy":
        """The policy after a person has decided: what it holds is allowed, or redacted."""
        stages = {str(stage): _decided(getattr(self, stage), action) for stage in Stage}
        return self.model_copy(update=stages)

    def action(self, stage: Stage, category: str) -> Action:
        if category in ALWAYS_BLOCK:
            return Action.BLOCK
        action: Action = getattr(getattr(self, stage), category)
        return action


def _decided(actions: Actions, decision: Action) -> Actions:
    held = [name for name in Actions.model_fields if getattr(actions, name) is Action.HOLD]
    return actions.model_copy(update=dict.fromkeys(held, decision))


def load_policy(path: Path | None) -> Policy:
    """The packaged policy, with what the file at `path` changes. Raises PolicyError."""
    tables = _read(files("safety").joinpath("policy.toml").read_text("utf-8"), "packaged policy")
    if path is None:
        return _check(tables, "packaged policy")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path} cannot be read as a policy: check the path.") from error
    return _check(_merge(tables, _read(text, str(path))), str(path))


def _read(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{name} is not valid TOML: {error}.") from error


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        both_tables = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = _merge(base[key], value) if both_tables else value
    return merged


def _check(tables: dict[str, Any], name: str) -> Policy:
    try:
        return Policy.model_validate(tables)
    except ValidationError as error:
        raise PolicyError(f"{name}: {_sentence(error)}") from None


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    where = ".".join(path)
    if first["type"] == "extra_forbidden":
        return f"unknown key {where}; {_suggestion(path)}"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}."


def _suggestion(path: list[str]) -> str:
    *parents, key = path
    model: type[BaseModel] = Policy
    for parent in parents:
        annotation = model.model_fields[parent].annotation
        assert isinstance(annotation, type)
        assert issubclass(annotation, BaseModel)
        model = annotation
    known = list(model.model_fields)
    close = get_close_matches(key, known, n=1)
    return f"did you mean {close[0]}?" if close else f"the known keys are {', '.join(known)}."
