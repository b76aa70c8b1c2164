"""What is done about findings: the tables of a policy, with a digest for the audit."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Annotated, Any

import phonenumbers
from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from safety.policy.judge_policy import JudgePolicy
from safety.policy.schema import MeaningAction, PolicyTable, Score, check_keys
from safety.verdict import Action, Removes, Stage

ALWAYS_BLOCK = ("detector_error", "too_long", "audit_error")
"""Categories of the filter's own failures, which no policy can soften."""
JUDGE_LATE = "judge_late"
"""The category of a judge that gave no answer in time."""
OVERLAID = ("max_chars", "block_removes", "links", "phones", "thresholds", *map(str, Stage))
"""What an overlay can change."""


class Actions(PolicyTable):
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
    hate: MeaningAction
    harassment: MeaningAction
    sexual: MeaningAction
    sexual_minors: MeaningAction
    violence: MeaningAction
    self_harm: MeaningAction
    unsafe: MeaningAction
    harm: MeaningAction
    illicit: MeaningAction
    prompt_attack: MeaningAction

    def stricter(self, other: "Actions") -> "Actions":
        """Return the stricter one of each two actions."""
        pairs = ((name, getattr(self, name), getattr(other, name)) for name in Actions.model_fields)
        strict = {name: max(one, two, key=lambda each: each.strictness) for name, one, two in pairs}
        return self.model_copy(update=strict)


class EnglishThresholds(PolicyTable):
    """The score from which on the weights for Latin letters name each category."""

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


class ChineseThresholds(PolicyTable):
    """The score from which on the weights for Chinese name each category."""

    hate: Score
    harassment: Score
    sexual: Score
    violence: Score
    self_harm: Score
    illicit: Score
    prompt_attack: Score


LANGUAGES: Mapping[str, type[PolicyTable]] = {"en": EnglishThresholds, "zh": ChineseThresholds}


class StageThresholds(PolicyTable):
    """By language, the categories that one stage names from another score on."""

    en: dict[str, Score] = Field(default_factory=dict)
    zh: dict[str, Score] = Field(default_factory=dict)

    @field_validator(*LANGUAGES)
    @classmethod
    def _categories(cls, scores: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        return check_keys(scores, LANGUAGES[info.field_name or ""].model_fields)


class Thresholds(PolicyTable):
    """The scores from which on the classifier names a category: 1 means in effect never."""

    en: EnglishThresholds
    zh: ChineseThresholds
    input: StageThresholds = StageThresholds()
    material: StageThresholds = StageThresholds()
    output: StageThresholds = StageThresholds()

    def of(self, language: str, category: str) -> float:
        score: float = getattr(getattr(self, language), category)
        return score

    def at(self, stage: Stage) -> "Thresholds":
        """Return the thresholds of one stage."""
        own = getattr(self, stage)
        return self.model_copy(
            update={
                language: getattr(self, language).model_copy(update=getattr(own, language))
                for language in LANGUAGES
            }
        )

    def stricter(self, other: "Thresholds") -> "Thresholds":
        """Return the lower one of each two scores, at each stage."""
        stages = {
            stage: StageThresholds.model_validate(_lower(self.at(stage), other.at(stage)))
            for stage in Stage
        }
        return Thresholds.model_validate({**_lower(self, other), **stages})


def _lower(one: Thresholds, other: Thresholds) -> dict[str, dict[str, float]]:
    return {
        language: {
            category: min(one.of(language, category), other.of(language, category))
            for category in model.model_fields
        }
        for language, model in LANGUAGES.items()
    }


def _host(entry: str) -> str:
    if not re.fullmatch(r"(?:\*\.)?(?:[a-z0-9-]+\.)+[a-z0-9-]+", entry.lower()):
        raise ValueError("write a host as acme.com or *.acme.com, without https:// or a path")
    return entry.lower()


def _region(code: str) -> str:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("write a region as its two letters, such as US or CN")
    return code


class LinkPolicy(PolicyTable):
    """The hosts whose links stay links."""

    allow: tuple[Annotated[str, AfterValidator(_host)], ...]

    def stricter(self, other: "LinkPolicy") -> "LinkPolicy":
        """Return the hosts that both allow."""
        hosts = {*self.allow, *other.allow}
        both = {h for h in hosts if is_listed(h, self.allow) and is_listed(h, other.allow)}
        return LinkPolicy(allow=tuple(sorted(both)))


def is_listed(host: str, allow: Iterable[str]) -> bool:
    """Say whether a list has a host: itself, or an entry of the form `*.host` above it."""
    return any(
        host == entry or (entry.startswith("*.") and host.endswith(entry[1:])) for entry in allow
    )


class PhonePolicy(PolicyTable):
    """The regions where a number without a country code is taken for a phone number."""

    regions: tuple[Annotated[str, AfterValidator(_region)], ...]

    def stricter(self, other: "PhonePolicy") -> "PhonePolicy":
        """Return the regions of both."""
        return PhonePolicy(regions=tuple(sorted({*self.regions, *other.regions})))


class Policy(PolicyTable):
    """What applies in one place; `workspaces` and `channels` are whole policies of their own."""

    max_chars: int = Field(ge=1, le=1_000_000)
    timeout_seconds: float = Field(gt=0, le=60)
    block_removes: Removes
    may_loosen: bool
    links: LinkPolicy
    phones: PhonePolicy
    thresholds: Thresholds
    judge: JudgePolicy | None = None
    input: Actions
    material: Actions
    output: Actions
    workspaces: Mapping[str, "Policy"] = Field(default_factory=dict)
    channels: Mapping[str, "Policy"] = Field(default_factory=dict)

    # Not cached: a copy with changes would keep it.
    @property
    def digest(self) -> str:
        """Sixteen hex digits that change with every setting that applies here."""
        elsewhere = {"may_loosen", "workspaces", "channels"}
        canonical = json.dumps(self.model_dump(mode="json", exclude=elsewhere), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def within(self, workspace: str, channel: str) -> "Policy":
        """Return the policy of a channel of a workspace: of two overlays, the stricter settings."""
        overlays = (self.workspaces.get(workspace), self.channels.get(channel))
        found = [overlay for overlay in overlays if overlay is not None]
        return reduce(Policy.stricter, found) if found else self

    def stricter(self, other: "Policy") -> "Policy":
        """Return the stricter one of each two settings that an overlay can change."""
        stricter: dict[str, Any] = {
            name: getattr(self, name).stricter(getattr(other, name))
            for name in OVERLAID
            if isinstance(getattr(self, name), PolicyTable)
        }
        stricter["max_chars"] = min(self.max_chars, other.max_chars)
        both = {self.block_removes, other.block_removes}
        stricter["block_removes"] = Removes.DRAFT if Removes.DRAFT in both else Removes.REST
        return self.model_copy(update=stricter)

    def holding_as(self, action: Action) -> "Policy":
        """Return the policy after a decision: what it holds is allowed, or redacted."""
        stages = {str(stage): _decided(getattr(self, stage), action) for stage in Stage}
        judge = self.judge and self.judge.holding_as(action)
        return self.model_copy(update={**stages, "judge": judge})

    def action(self, stage: Stage, category: str) -> Action:
        """Return what is done about a category that rules or the classifier find."""
        if category in ALWAYS_BLOCK:
            return Action.BLOCK
        action: Action = getattr(getattr(self, stage), category)
        return action

    def judge_action(self, stage: Stage, category: str) -> Action:
        """Return what is done about a category that the judge names, or about a late judge."""
        if self.judge is None:
            return Action.BLOCK
        return self.judge.late if category == JUDGE_LATE else self.judge.action(stage, category)


def _decided(actions: Actions, decision: Action) -> Actions:
    held = [name for name in Actions.model_fields if getattr(actions, name) is Action.HOLD]
    return actions.model_copy(update=dict.fromkeys(held, decision))
