"""The bodies of the OpenAI-compatible API: https://platform.openai.com/docs/api-reference/chat

What changes the text and is not built is refused; what changes nothing is accepted and ignored.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Annotated, Final, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

MAX_SAMPLES: Final = 8
MAX_STOPS: Final = 16
LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
UNSUPPORTED: Final = {
    "logprobs": (None, False),
    "top_logprobs": (None, 0),
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
IGNORED: Final = frozenset(
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
    """A request that is refused: an HTTP status and one sentence for whoever sent it."""

    def __init__(
        self, message: str, *, status: int = 400, code: str = "invalid_value", param: str = ""
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.code, self.param = message, status, code, param

    def body(self) -> dict[str, object]:
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return error_body(self.message, kind, self.code, self.param)


def error_body(message: str, kind: str, code: str, param: str = "") -> dict[str, object]:
    error = {"message": message, "type": kind, "param": param or None, "code": code}
    return {"error": error}


class TextPart(BaseModel):
    model_config = ConfigDict(extra="forbid")
    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
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


class ChatRequest(BaseModel):
    """The defaults are what a writer wants of the default model: varied, and not repeating."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    messages: list[ChatMessage] = Field(min_length=1, max_length=1000)
    model: str | None = None
    temperature: float = Field(0.5, ge=0, le=2)
    top_k: int = Field(50, ge=0, le=1000)
    top_p: float = Field(0.9, gt=0, le=1)
    repetition_penalty: float = Field(1.1, ge=0.5, le=2)
    max_tokens: int = Field(
        512, ge=1, validation_alias=AliasChoices("max_completion_tokens", "max_tokens")
    )
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

    @field_validator("messages")
    @classmethod
    def _somebody_says_something(cls, messages: list[ChatMessage]) -> list[ChatMessage]:
        if not any(message.text.strip() for message in messages):
            raise ValueError("every message is empty; write what the draft should be about")
        if any(LONE_SURROGATE.search(message.text) for message in messages):
            raise ValueError("a character is only half there (a lone surrogate); send whole text")
        return messages


def parse_chat(body: object) -> ChatRequest:
    """Raises RequestError."""
    if not isinstance(body, dict):
        raise RequestError("The body must be a JSON object with a list of 'messages'.")
    fields = {key: value for key, value in body.items() if key not in IGNORED and value is not None}
    for name in UNSUPPORTED.keys() & fields.keys():
        if fields.pop(name) not in UNSUPPORTED[name]:
            message = f"{name!r} is not supported by this worker; leave it out."
            raise RequestError(message, code="unsupported_parameter", param=name)
    if "max_completion_tokens" in fields:
        # The older name of the same limit: clients that send both mean the newer.
        fields.pop("max_tokens", None)
    try:
        return ChatRequest.model_validate(fields)
    except ValidationError as error:
        raise _first_error(error) from error


def _first_error(error: ValidationError) -> RequestError:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        message = f"{name!r} is not a parameter of this API; check the spelling or leave it out."
        return RequestError(message, code="unknown_parameter", param=name)
    if first["type"] == "missing":
        message = f"{name!r} is missing; a chat needs it."
        return RequestError(message, code="missing_required_parameter", param=name)
    # Pydantic's reasons name the range, not the value: what a user wrote stays out of logs.
    reason = first["msg"].removeprefix("Value error, ")
    reason = reason[:1].lower() + reason[1:]
    return RequestError(f"{name!r} cannot be used: {reason}.", param=name)


def completion_id() -> str:
    return f"chatcmpl-{secrets.token_hex(12)}"


def chunk_body(
    id_: str, model: str, created: int, choices: list[dict[str, object]]
) -> dict[str, object]:
    return {
        "id": id_,
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": choices,
    }


def delta_choice(index: int, delta: dict[str, str], finish: str | None) -> dict[str, object]:
    return {"index": index, "delta": delta, "finish_reason": finish, "logprobs": None}


def completion_body(
    id_: str, model: str, created: int, texts: list[tuple[str, str]], usage: dict[str, int]
) -> dict[str, object]:
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": text, "refusal": None},
            "finish_reason": finish,
            "logprobs": None,
        }
        for index, (text, finish) in enumerate(texts)
    ]
    return {
        "id": id_,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": choices,
        "usage": usage,
    }


def usage_body(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def now() -> int:
    return int(time.time())
