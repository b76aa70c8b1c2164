"""What an operator decides about drafting: the part of the bot's settings that drafting reads."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, field_validator
from pydantic_settings import NoDecode

from bot.drafting.brief.options import (
    Drafts,
    MaxTokens,
    Options,
    RepetitionPenalty,
    SamplingOptions,
    Temperature,
    TopK,
    TopP,
)
from bot.drafting.draft_action import DraftAction
from bot.emoji import slacks_name
from bot.messages import sentences

Refiners = Literal["anyone", "requester", "mention"]
Emoji = Annotated[str, Field(pattern=r"^[a-z0-9_+'-]{1,100}$")]
EMOJI = {
    DraftAction.REGENERATE: "repeat",
    DraftAction.SHORTER: "scissors",
    DraftAction.LONGER: "heavy_plus_sign",
    DraftAction.STOP: "x",
    DraftAction.ACCEPT: "white_check_mark",
    DraftAction.DELETE: "wastebasket",
}


class DraftingSettings(BaseModel):
    """How drafts are written by default, and what people may change about them."""

    drafts: Drafts = Field(1, description="Drafts of one brief, when it does not say n=.")
    temperature: Temperature = Field(0.5, description="How freely the model writes.")
    top_k: TopK = Field(50, description="Only the k likeliest tokens; 0 for all.")
    top_p: TopP = Field(0.9, description="Only the likeliest tokens up to this mass.")
    repetition_penalty: RepetitionPenalty = Field(
        1.1, description="How strongly a token that was used is avoided; 1 for not."
    )
    max_tokens: MaxTokens = Field(512, description="Tokens a draft may have.")
    max_brief: int = Field(
        8000, ge=100, le=40000, description="Characters that a brief or a reply may have."
    )
    voice_budget: int = Field(
        2000,
        ge=200,
        le=40000,
        description="Characters of the house's voice that the model is told; its samples are left "
        "out first.",
    )
    emoji: Annotated[dict[DraftAction, Emoji], NoDecode] = Field(
        EMOJI,
        description="What an emoji on a draft asks for, wish=emoji with commas between; a wish "
        "that is not named keeps its own, one without an emoji has none. Any of an emoji's names "
        "will do: `thumbsup` is Slack's `+1`.",
    )
    refiners: Refiners = Field(
        "anyone",
        description="Whose replies in a thread change drafts: `anyone` who may ask, the "
        "`requester`, or only those that `mention` the bot.",
    )
    offer_emoji: bool = Field(
        True, description="Put the regenerate emoji under each finished draft, for one click."
    )
    disclose_ai: bool = Field(
        True,
        description="Say under an accepted text, and in its file, that it was drafted with AI; "
        "who accepted it stands there in any case.",
    )
    worker_patience: float = Field(
        600, ge=1, le=86400, description="Seconds a draft waits for a worker that is not up."
    )
    model_languages: Annotated[list[str], NoDecode] = Field(
        ["en"],
        min_length=1,
        description="What MODEL can write: codes of ISO 639-1, with commas between.",
    )

    @field_validator("model_languages", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("emoji", mode="before")
    @classmethod
    def _paired(cls, value: object) -> object:
        """Put `regenerate=recycle, delete=` over the defaults."""
        if not isinstance(value, str):
            return value
        pairs = (pair.partition("=") for pair in value.replace(",", " ").split())
        emoji: dict[str, str] = {str(action): name for action, name in EMOJI.items()}
        emoji |= {action: slacks_name(name).partition("::")[0] for action, _, name in pairs}
        if unknown := set(emoji) - set(DraftAction):
            raise ValueError(f"{min(unknown)} is none of {', '.join(DraftAction)}")
        return {action: name for action, name in emoji.items() if name}

    @field_validator("emoji")
    @classmethod
    def _distinct(cls, emoji: dict[DraftAction, str]) -> dict[DraftAction, str]:
        for name in emoji.values():
            actions = [str(action) for action, each in emoji.items() if each == name]
            if len(actions) > 1:
                raise ValueError(f"{name} stands for {' and for '.join(actions)}")
        return emoji

    @field_validator("model_languages")
    @classmethod
    def _known(cls, codes: list[str]) -> list[str]:
        if unknown := set(codes) - set(sentences.TEXT_LANGUAGES):
            raise ValueError(f"{min(unknown)} is none of {', '.join(sentences.TEXT_LANGUAGES)}")
        return codes

    @property
    def actions_by_emoji(self) -> dict[str, DraftAction]:
        """What each emoji asks for."""
        return {emoji: action for action, emoji in self.emoji.items()}

    @property
    def offered_emoji(self) -> str | None:
        """The emoji under finished drafts, if there is one."""
        return self.emoji.get(DraftAction.REGENERATE) if self.offer_emoji else None

    def options(self, seed: int) -> Options:
        """Return what a brief that chooses nothing is written with."""
        same = self.model_dump(include=set(SamplingOptions.model_fields))
        return Options(n=self.drafts, seed=seed, **same)
