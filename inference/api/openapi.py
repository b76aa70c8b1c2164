"""The API as a document that programs read: OpenAPI 3.1, from the models that check requests.

https://spec.openapis.org/oas/v3.1.0
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from inference.api.requests import (
    IGNORED,
    MAX_PROMPTS,
    UNSUPPORTED,
    ChatRequest,
    CompletionRequest,
    Request,
)

Schema = dict[str, Any]

ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"enum": ["invalid_request_error", "server_error"]},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
            },
        }
    },
}
EVENT: Schema = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"type": "string", "description": "A chunk as JSON, or [DONE]."}},
}
TOKENS: Schema = {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0}}
# One text, or the tokens of one, is as good as a list of one.
PROMPT: Schema = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        TOKENS,
        *(
            {"type": "array", "minItems": 1, "maxItems": MAX_PROMPTS, "items": items}
            for items in ({"type": "string", "minLength": 1}, TOKENS)
        ),
    ]
}
USAGE: Schema = {
    "type": "object",
    "required": ["prompt_tokens", "completion_tokens", "total_tokens"],
    "additionalProperties": {"anyOf": [{"type": "integer"}, {"type": "object"}]},
}
MODELS: Schema = {
    "type": "object",
    "required": ["object", "data"],
    "properties": {
        "object": {"const": "list"},
        "data": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "object", "created", "owned_by", "max_model_len"],
                "properties": {"id": {"type": "string"}, "max_model_len": {"type": "integer"}},
            },
        },
    },
}
METRICS: Schema = {
    "description": "",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}
HEALTH: Schema = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"type": "string"}, "progress": {"type": "string"}},
}


def document() -> Schema:
    """Return the whole document, without the parts that depend on the model that is served."""
    refusals = {str(status): _answer(ERROR) for status in (400, 404, 413, 500, 503)}
    shared: dict[str, Schema] = {}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Draftsmith's worker", "version": version("draftsmith")},
        "security": [{"token": []}],
        "paths": {
            "/v1/chat/completions": _post(
                _body(ChatRequest, shared), "chat.completion", "message", refusals
            ),
            "/v1/completions": _post(
                _body(CompletionRequest, shared), "text_completion", "text", refusals
            ),
            "/v1/models": _get(MODELS),
            "/metrics": {"get": {"responses": {"200": METRICS, "401": _answer(ERROR)}}},
            "/health/live": _get(HEALTH, open_to_all=True),
            "/health/ready": _get(HEALTH, open_to_all=True),
        },
        "components": {
            "schemas": shared,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _post(asked: Schema, kind: str, said: str, refusals: Mapping[str, Schema]) -> Schema:
    whole: Schema = {
        "type": "object",
        "required": ["id", "created", "model", "object", "choices", "usage"],
        "properties": {
            "object": {"const": kind},
            "choices": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["index", said, "finish_reason", "logprobs"],
                    "properties": {"finish_reason": {"enum": ["stop", "length"]}},
                },
            },
            "usage": USAGE,
        },
    }
    answers = _answer(whole)
    answers["content"]["text/event-stream"] = {"schema": EVENT}
    body = {"required": True, "content": {"application/json": {"schema": asked}}}
    responses = {"200": answers, "401": _answer(ERROR), **refusals}
    return {"post": {"requestBody": body, "responses": responses}}


def _body(asked: type[Request], shared: dict[str, Schema]) -> Schema:
    """Return the schema of a request, with what is taken for the sake of other clients.

    `shared` takes the schemas that it refers to.
    """
    schema = asked.model_json_schema(ref_template="#/components/schemas/{model}")
    shared |= schema.pop("$defs", {})
    required = schema["required"]
    properties = schema["properties"]
    properties["stop"] = {"anyOf": [{"type": "string", "minLength": 1}, properties["stop"]]}
    if "prompt" in properties:
        properties["prompt"] = PROMPT
    if "max_completion_tokens" in properties:
        properties["max_tokens"] = properties["max_completion_tokens"]
    # What is null is as if it were not there.
    schema["properties"] = {
        name: its if name in required else {"anyOf": [its, {"type": "null"}]}
        for name, its in properties.items()
    }
    schema["properties"] |= {name: {"enum": [*only]} for name, only in UNSUPPORTED.items()}
    schema["properties"] |= {name: {"description": "Changes nothing."} for name in sorted(IGNORED)}
    return schema


def _get(schema: Schema, *, open_to_all: bool = False) -> Schema:
    responses = {"200": _answer(schema)}
    if open_to_all:
        return {"get": {"security": [], "responses": responses | {"503": _answer(schema)}}}
    return {"get": {"responses": responses | {"401": _answer(ERROR)}}}


def _answer(schema: Schema) -> Schema:
    return {"description": "", "content": {"application/json": {"schema": schema}}}
