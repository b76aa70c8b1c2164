"""What can be chosen for one request, with its range: the same for settings and for briefs."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Drafts = Annotated[int, Field(ge=1, le=5)]
Temperature = Annotated[float, Field(ge=0, le=2)]
TopK = Annotated[int, Field(ge=0, le=1000)]
TopP = Annotated[float, Field(gt=0, le=1)]
RepetitionPenalty = Annotated[float, Field(ge=1, le=2)]
MaxTokens = Annotated[int, Field(ge=1, le=32768)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]


class Options(BaseModel):
    """How a request is sampled, and into how many drafts."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    n: Drafts
    temperature: Temperature
    top_k: TopK
    top_p: TopP
    repetition_penalty: RepetitionPenalty
    max_tokens: MaxTokens
    seed: Seed
