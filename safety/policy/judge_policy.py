"""The policy's table about the judge: a model that is asked what a text means."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from safety.policy.schema import MeaningAction, PolicyTable, Score, check_keys
from safety.verdict import Action, Stage

FormName = Literal["question", "llama_guard", "qwen3_guard", "shieldgemma"]

QUESTIONS = {
    "hate": "insult or demean people for their origin, religion, sex, disability or the like",
    "harassment": "bully, threaten or humiliate a person",
    "sexual": "describe sexual acts in order to arouse",
    "sexual_minors": "describe children or teenagers in a sexual way",
    "violence": "praise violence, or call for it",
    "self_harm": "encourage suicide or self-harm, or say how to do it",
    "illicit": "ask for help with a crime",
    "harm": "tell how to do something that is criminal or dangerous",
    "prompt_attack": "give orders to an AI system, to make it break its rules",
}
"""By category, what a model without a form of its own is asked about a text."""
JUDGED = (*QUESTIONS, "unsafe")
"""Categories that a judge may name; `unsafe` is for those of its names that map to no other."""


def _address(url: str) -> str:
    if url and not url.startswith(("unix:", "http://", "https://")):
        raise ValueError("write unix:/path/to/socket, http://host:port, or nothing for the worker")
    return url


OnlyJudged = AfterValidator(partial(check_keys, allowed=JUDGED))
JudgeActions = Annotated[dict[str, MeaningAction], OnlyJudged]


class JudgePolicy(PolicyTable):
    """Who is asked, how, for how long, and what is done about the answer."""

    url: Annotated[str, AfterValidator(_address)] = ""
    token_file: Path | None = None
    form: FormName = "question"
    model: str | None = None
    timeout_seconds: float = Field(5.0, gt=0, le=60)
    budget_seconds: float = Field(30.0, gt=0, le=600)
    at_once: int = Field(8, ge=1, le=64)
    every_chars: int = Field(400, ge=1, le=2000)
    late: MeaningAction = Action.BLOCK
    thresholds: Annotated[dict[str, Score], OnlyJudged] = Field(default_factory=dict)
    input: JudgeActions = Field(default_factory=dict)
    material: JudgeActions = Field(default_factory=dict)
    output: JudgeActions = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_time(self) -> Self:
        if self.budget_seconds < self.timeout_seconds:
            raise ValueError("budget_seconds is for a whole text: at least timeout_seconds")
        return self

    def threshold(self, category: str) -> float:
        """Return the probability, 0 to 1, from which on the judge names a category."""
        return self.thresholds.get(category, 0.5)

    def action(self, stage: Stage, category: str) -> Action:
        """Return what is done about a category that the judge names; by default hold."""
        actions: dict[str, Action] = getattr(self, stage)
        return actions.get(category, Action.HOLD)

    def holding_as(self, action: Action) -> "JudgePolicy":
        """Return the table after a decision: what it holds gets this action."""
        decided = {
            str(stage): {name: _decided(self.action(stage, name), action) for name in JUDGED}
            for stage in Stage
        }
        return self.model_copy(update={**decided, "late": _decided(self.late, action)})


def _decided(action: Action, decision: Action) -> Action:
    return decision if action is Action.HOLD else action
