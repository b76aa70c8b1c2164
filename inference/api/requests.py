"""Requests of the OpenAI-compatible API: https://platform.openai.com/docs/api-reference/chat

A field that would change the text and is not supported is refused. A field that changes nothing is
ignored. Knows no HTTP and no model.
"""

import re
import secrets
from typing import Annotated, Literal, Self, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from inference.engine.sequence import SamplingParams
from inference.errors import first_problem

R = TypeVar("R", bound="Request")

MAX_SAMPLES = 8
MAX_STOPS = 16
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
MAX_LOGPROBS = 20
MAX_PROMPTS = 16
UNSUPPORTED = {
    "best_of": (None, 1),
    "suffix": (None, ""),
    "logit_bias": (None, {}),
    "frequency_penalty": (None, 0),
    "presence_penalty": (None, 0),
    "tools": (None, []),
    "tool_choice": (None, "none", "auto"),
    "functions": (None, []),
    "function_call": (None, "none"),
    "response_format": (None, {"type": "text"}),
    "modalities": (None, ["text"]),
    "audio": (None,),
    "prediction": (None,),
    "web_search_options": (None,),
}
IGNORED = frozenset(
    {
        "user",
        "metadata",
        "store",
        "service_tier",
        "safety_identifier",
        "prompt_cache_key",
        "parallel_tool_calls",
        "reasoning_effort",
        "verbosity",
    }
)


class RequestError(Exception):
    """Refuses a request, with an HTTP status and one sentence for the client."""

    def __init__(
        self, message: str, *, status: int = 400, code: str = "invalid_value", param: str = ""
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.code, self.param = message, status, code, param


class TextPart(BaseModel):
    model_config = ConfigDict(extra="forbid")
    type: Literal["text"]
    text: str


class RequestMessage(BaseModel):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]
    name: str | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class StreamOptions(BaseModel):
    include_usage: bool = False


class Request(BaseModel):
    """The fields of both kinds of request.

    The defaults suit a writer with the default model: texts vary, and do not repeat themselves.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    model: str | None = None
    temperature: float = Field(0.5, ge=0, le=2)
    top_k: int = Field(50, ge=0, le=1000)
    top_p: float = Field(0.9, gt=0, le=1)
    repetition_penalty: float = Field(1.1, ge=0.5, le=2)
    max_tokens: int = Field(512, ge=1)
    stop: list[Annotated[str, StringConstraints(min_length=1, max_length=200)]] = Field(
        default_factory=list, max_length=MAX_STOPS
    )
    seed: int = Field(default_factory=lambda: secrets.randbits(31), ge=-(2**63), lt=2**64)
    n: int = Field(1, ge=1, le=MAX_SAMPLES)
    stream: bool = False
    stream_options: StreamOptions = Field(default_factory=StreamOptions)

    @field_validator("stop", mode="before")
    @classmethod
    def _stop_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @property
    def alternatives(self) -> tuple[int | None, int | None]:
        """How many alternatives each token, and each token of the prompt, is returned with; None
        for no log-probabilities.
        """
        return None, None

    def params(self, index: int, max_tokens: int, adapter: str = "") -> SamplingParams:
        """Return the parameters of sample `index`, which may have at most `max_tokens` tokens."""
        logprobs, prompt_logprobs = self.alternatives
        return SamplingParams(
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            repetition_penalty=self.repetition_penalty,
            max_tokens=min(self.max_tokens, max_tokens),
            seed=self.seed,
            index=index,
            logprobs=logprobs,
            prompt_logprobs=prompt_logprobs,
            adapter=adapter,
        )


class ChatRequest(Request):
    messages: list[RequestMessage] = Field(min_length=1, max_length=1000)
    max_tokens: int = Field(
        512, ge=1, validation_alias=AliasChoices("max_completion_tokens", "max_tokens")
    )
    logprobs: bool = False
    top_logprobs: int = Field(0, ge=0, le=MAX_LOGPROBS)

    @field_validator("messages")
    @classmethod
    def _somebody_says_something(cls, messages: list[RequestMessage]) -> list[RequestMessage]:
        if not any(message.text.strip() for message in messages):
            raise ValueError("every message is empty; write what the draft should be about")
        for message in messages:
            _check_whole(message.text)
        return messages

    @property
    def alternatives(self) -> tuple[int | None, int | None]:
        return self.top_logprobs if self.logprobs else None, None


Prompts = list[str] | list[list[Annotated[int, Field(ge=0)]]]


class CompletionRequest(Request):
    """Texts or token ids to continue. With max_tokens 0, echo and logprobs they are only scored."""

    prompts: Prompts = Field(min_length=1, max_length=MAX_PROMPTS, validation_alias="prompt")
    max_tokens: int = Field(16, ge=0)
    echo: bool = False
    logprobs: int | None = Field(None, ge=0, le=MAX_LOGPROBS)

    @field_validator("prompts", mode="before")
    @classmethod
    def _one_is_a_list_of_one(cls, value: object) -> object:
        is_ids = isinstance(value, list) and value and isinstance(value[0], int)
        prompts = [value] if isinstance(value, str) or is_ids else value
        if not isinstance(prompts, list) or not all(prompts):
            raise ValueError("it must be a text or token ids, or a list of them, and none empty")
        for prompt in prompts:
            if isinstance(prompt, str):
                _check_whole(prompt)
        return prompts

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not self.max_tokens and not (self.echo and self.logprobs is not None):
            raise ValueError("max_tokens 0 asks for nothing; to score a prompt add echo, logprobs")
        return self

    @property
    def alternatives(self) -> tuple[int | None, int | None]:
        return self.logprobs, self.logprobs if self.echo else None


def _check_whole(text: str) -> None:
    if LONE_SURROGATE.search(text):
        raise ValueError("a character is only half there (a lone surrogate); send whole text")


def parse_chat(body: object) -> ChatRequest:
    """Return the request. Raises RequestError."""
    fields = _known_fields(body, "a list of 'messages'")
    if "max_completion_tokens" in fields:
        # The older name of the same limit. A client that sends both means the newer one.
        fields.pop("max_tokens", None)
    return _parse(ChatRequest, fields)


def parse_completion(body: object) -> CompletionRequest:
    """Return the request. Raises RequestError."""
    return _parse(CompletionRequest, _known_fields(body, "a 'prompt'"))


def _known_fields(body: object, content: str) -> dict[str, object]:
    if not isinstance(body, dict):
        raise RequestError(f"The body must be a JSON object with {content}.")
    fields = {key: value for key, value in body.items() if key not in IGNORED and value is not None}
    for name in UNSUPPORTED.keys() & fields.keys():
        if fields.pop(name) not in UNSUPPORTED[name]:
            message = f"{name!r} is not supported by this worker; leave it out."
            raise RequestError(message, code="unsupported_parameter", param=name)
    return fields


def _parse(kind: type[R], fields: dict[str, object]) -> R:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise _refusal(error) from error


def _refusal(error: ValidationError) -> RequestError:
    """Turn the first problem into a sentence that quotes no value: logs hold no text of a user."""
    name, reason = first_problem(error)
    if name.startswith("prompt."):
        # What follows is the kind of prompt that pydantic has tried last.
        name = "prompt"
    kind = error.errors()[0]["type"]
    if kind == "extra_forbidden":
        message = f"{name!r} is not a parameter of this API; check the spelling or leave it out."
        return RequestError(message, code="unknown_parameter", param=name)
    if kind == "missing":
        message = f"{name!r} is missing; the request needs it."
        return RequestError(message, code="missing_required_parameter", param=name)
    what = repr(name) if name else "The request"
    return RequestError(f"{what} cannot be used: {reason[:1].lower()}{reason[1:]}.", param=name)
