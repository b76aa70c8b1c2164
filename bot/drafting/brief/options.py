"""The options of one request and their ranges, the same for settings and for briefs."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Drafts = Annotated[int, Field(ge=1, le=5)]
Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
TopK = Annotated[int, Field(ge=0, le=1000)]
TopP = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
RepetitionPenalty = Annotated[float, Field(ge=1, le=2, allow_inf_nan=False)]
MaxTokens = Annotated[int, Field(ge=1, le=32768)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Words = Annotated[int | None, Field(ge=10, le=3000)]

# Each tone, and its other name, in Chinese.
TONES = {
    "formal": "正式",
    "professional": "专业",
    "neutral": "中立",
    "serious": "严肃",
    "friendly": "友好",
    "warm": "温暖",
    "casual": "轻松",
    "playful": "俏皮",
    "humorous": "幽默",
    "enthusiastic": "热情",
    "persuasive": "有说服力",
    "simple": "通俗",
}

# Names of options in Chinese.
CHINESE = {
    "类型": "kind",
    "语气": "tone",
    "字数": "words",
    "语言": "lang",
    "平台": "network",
    "份数": "n",
    "读者": "audience",
    "私下": "private",
    "择优": "best",
    "种子": "seed",
    "温度": "temperature",
    "候选词元数": "top_k",
    "累计概率": "top_p",
    "重复惩罚": "repetition_penalty",
    "词元上限": "max_tokens",
}
# Names of the values of `private` and of `best`.
YES_NO = {"yes": "yes", "no": "no", "是": "yes", "否": "no"}


class StrictModel(BaseModel):
    """Takes no other fields, and quotes nothing that somebody wrote in its errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SamplingOptions(StrictModel):
    """How a request is sampled, and how many drafts it makes."""

    n: Drafts
    temperature: Temperature
    top_k: TopK
    top_p: TopP
    repetition_penalty: RepetitionPenalty
    max_tokens: MaxTokens
    seed: Seed


class Options(SamplingOptions):
    """All options. `words` are characters in Chinese; `lang` is a code of ISO 639-1.

    `private`: the text is drafted in the app's conversation with the requester. `best`: several
    drafts are written in the background, and the likely best is shown.
    """

    tone: str | None = None
    words: Words = None
    lang: str | None = None
    network: str | None = None
    private: bool = False
    best: bool = False

    @property
    def sampling(self) -> dict[str, Any]:
        """The options that the worker needs."""
        return self.model_dump(include=set(SamplingOptions.model_fields))
