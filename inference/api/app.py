"""The HTTP API: OpenAI-compatible, with health and metrics beside it. No torch here."""

import asyncio
import contextlib
import hmac
import json
import time
from collections.abc import Callable

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from inference.api.completion import Completion, SampleRequest, TextDelta
from inference.api.openapi import document
from inference.api.requests import Request, RequestError, parse_chat, parse_completion
from inference.api.responses import (
    ChatResponses,
    CompletionResponses,
    JsonObject,
    Responses,
    error_body,
    now,
    usage_body,
)
from inference.engine.open_samples import GenerationStopped
from inference.engine.supervisor import Supervisor
from inference.logs import where
from inference.request_names import HEADER, KEY, name_of
from inference.tokenization.answer_cache import AnswerCache
from inference.tokenization.chat_template import ChatTurn, PromptError
from inference.tokenization.reasoning import ReasoningFilter, ends_in_reasoning
from inference.tokenization.tokenizer import Tokenizer

log = structlog.get_logger(__name__)

MAX_BODY = 1024 * 1024
CANARY_SECONDS = 10.0
KEEPALIVE_SECONDS = 10.0
# A prompt that ends inside the reasoning says so in its last tokens.
LAST_TOKENS = 8
NAMED = "name"


class ApiServer:
    """Answers the HTTP requests to one supervisor.

    draining: set when the worker stops; new requests are refused from then on.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        tokenizer: Tokenizer,
        model: str,
        context: int,
        token: str | None,
    ) -> None:
        self.supervisor, self.tokenizer, self.model = supervisor, tokenizer, model
        adapters = supervisor.settings.adapter_paths
        self.names = [model, *(f"{model}:{adapter}" for adapter in adapters)]
        self.model_context = context
        self.token = token
        self.answer_cache = AnswerCache()
        self.draining = False
        self.created = now()

    @property
    def context(self) -> int:
        """How many tokens a prompt and its answer may have together."""
        return min(self.model_context, self.supervisor.capacity or self.model_context)

    def app(self) -> web.Application:
        app = web.Application(
            middlewares=[name_request, answer_errors, self.check_token], client_max_size=MAX_BODY
        )
        app.on_response_prepare.append(send_name)
        app.router.add_get("/health/live", self.live)
        app.router.add_get("/health/ready", self.ready)
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_post("/v1/completions", self.completions)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/openapi.json", self.openapi)
        return app

    @web.middleware
    async def check_token(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.token is not None and not request.path.startswith("/health/"):
            scheme, _, given = request.headers.get("Authorization", "").partition(" ")
            # aiohttp keeps bytes that are not UTF-8 as surrogates.
            token = given.encode(errors="surrogateescape")
            right = hmac.compare_digest(token, self.token.encode())
            if scheme.lower() != "bearer" or not right:
                raise RequestError(
                    "The token is missing or wrong; send Authorization: Bearer WORKER_TOKEN.",
                    status=401,
                    code="invalid_api_key",
                )
        return await handler(request)

    async def live(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def ready(self, request: web.Request) -> web.Response:
        """Answer 200 only if the model has just given a real token."""
        status, progress = "ready", "ready"
        if self.draining:
            status, progress = "draining", "stopping"
        elif self.supervisor.ready is None:
            status, progress = "loading", self.supervisor.progress
        elif not await self.supervisor.answers(CANARY_SECONDS):
            status, progress = "silent", "the model gives no token"
        body = {"status": status, "progress": progress}
        return web.json_response(body, status=200 if status == "ready" else 503)

    async def models(self, request: web.Request) -> web.Response:
        models = [
            {
                "id": name,
                "object": "model",
                "created": self.created,
                "owned_by": "draftsmith",
                "max_model_len": self.context,
                "parent": None if name == self.model else self.model,
            }
            for name in self.names
        ]
        return web.json_response({"object": "list", "data": models})

    async def metrics(self, request: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self.supervisor.metrics.text(), headers=headers)

    async def openapi(self, request: web.Request) -> web.Response:
        return web.json_response(document())

    async def chat(self, request: web.Request) -> web.StreamResponse:
        chat = parse_chat(await _json(request))
        self._check_can_serve(chat)
        turns = [
            ChatTurn("system" if message.role == "developer" else message.role, message.text)
            for message in chat.messages
        ]
        prompt = await asyncio.to_thread(self._encode_chat, turns)
        opened = ends_in_reasoning(self.tokenizer.text_of(prompt[-LAST_TOKENS:]))
        completion = self._completion(
            chat,
            [prompt],
            [*chat.stop, *self.tokenizer.template.stops],
            lambda: ReasoningFilter(opened=opened),
        )
        responses = ChatResponses(self.tokenizer, chat.model or self.model, logprobs=chat.logprobs)
        return await self._respond(request, chat, completion, responses)

    async def completions(self, request: web.Request) -> web.StreamResponse:
        asked = parse_completion(await _json(request))
        self._check_can_serve(asked)
        prompts = [await asyncio.to_thread(self._encode_prompt, prompt) for prompt in asked.prompts]
        completion = self._completion(asked, prompts, asked.stop)
        responses = CompletionResponses(
            self.tokenizer,
            asked.model or self.model,
            [sample.prompt for sample in completion.requests] if asked.echo else None,
            scores=asked.logprobs is not None,
        )
        return await self._respond(request, asked, completion, responses)

    def _check_can_serve(self, asked: Request) -> None:
        if self.draining:
            raise _unavailable("The worker is stopping; try again in a minute.", "stopping")
        if self.supervisor.ready is None:
            raise _unavailable(
                f"The worker is not ready yet ({self.supervisor.progress}); try again shortly.",
                "loading",
            )
        if self.supervisor.busy:
            raise _unavailable("The worker has too many open requests; try again soon.", "busy")
        if asked.model not in (None, *self.names):
            raise RequestError(
                f"This worker serves {', '.join(map(repr, self.names))} and no other model; ask "
                "for one of these.",
                status=404,
                code="model_not_found",
                param="model",
            )

    def _encode_chat(self, turns: list[ChatTurn]) -> list[int]:
        try:
            return self.tokenizer.encode_chat(turns, self.answer_cache.get)
        except PromptError as error:
            raise RequestError(str(error), param="messages") from error

    def _encode_prompt(self, prompt: str | list[int]) -> list[int]:
        if isinstance(prompt, str):
            return self.tokenizer.encode_prompt(prompt)
        size = len(self.tokenizer.tokens)
        if max(prompt) >= size:
            raise RequestError(f"The model has {size:,} tokens; send ids below.", param="prompt")
        return prompt

    def _completion(
        self,
        asked: Request,
        prompts: list[list[int]],
        stops: list[str],
        new_filter: Callable[[], ReasoningFilter] | None = None,
    ) -> Completion:
        """Build n samples of each prompt. Raises RequestError if a prompt is too long."""
        adapter = (asked.model or self.model).removeprefix(self.model).removeprefix(":")
        samples = [
            SampleRequest(prompt, asked.params(index, self._room(prompt, asked), adapter))
            for prompt in prompts
            for index in range(asked.n)
        ]
        return Completion(
            self.supervisor.generate,
            self.tokenizer,
            samples,
            stops,
            self.answer_cache,
            new_filter=new_filter,
        )

    def _room(self, prompt: list[int], asked: Request) -> int:
        """Return how many tokens may follow. Raises RequestError if there is no room for one."""
        over = len(prompt) + min(asked.max_tokens, 1) - self.context
        if over > 0:
            raise RequestError(
                f"The prompt has {len(prompt):,} tokens and the model's context holds "
                f"{self.context:,}, the answer included: cut at least {over:,} tokens.",
                code="context_length_exceeded",
                param="messages",
            )
        return self.context - len(prompt)

    async def _respond(
        self, request: web.Request, asked: Request, completion: Completion, responses: Responses
    ) -> web.StreamResponse:
        if asked.stream:
            return await _stream(request, asked, completion, responses)
        samples: list[list[TextDelta]] = [[] for _ in completion.requests]
        async with contextlib.aclosing(completion.deltas()) as deltas:
            async for delta in deltas:
                samples[delta.index].append(delta)
        return web.json_response(responses.whole(samples, usage_body(completion, asked.n)))


async def _stream(
    request: web.Request, asked: Request, completion: Completion, responses: Responses
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    )
    await response.prepare(request)
    for index in range(len(completion.requests)):
        if opening := responses.opening(index):
            await _send(response, opening)
    alive = asyncio.create_task(_keep_alive(response))
    try:
        async with contextlib.aclosing(completion.deltas()) as deltas:
            async for delta in deltas:
                await _send(response, responses.chunk(delta))
    except ConnectionError:
        raise
    except Exception as error:
        # The status has been sent already, so the error is the last event.
        await _send(response, _failure(error))
        return response
    finally:
        alive.cancel()
        await asyncio.gather(alive, return_exceptions=True)
    if asked.stream_options.include_usage:
        await _send(response, responses.last_chunk(usage_body(completion, asked.n)))
    await response.write(b"data: [DONE]\n\n")
    return response


async def _send(response: web.StreamResponse, body: JsonObject) -> None:
    await response.write(b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n")


async def _keep_alive(response: web.StreamResponse) -> None:
    """Send comments, which clients skip: a draft that waits is not a dead connection."""
    while True:
        await asyncio.sleep(KEEPALIVE_SECONDS)
        await response.write(b": waiting\n\n")


@web.middleware
async def name_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name the request in all lines of the log about it, and log its end."""
    request[NAMED] = name_of(request.headers.get(HEADER))
    began, status = time.monotonic(), 0
    with structlog.contextvars.bound_contextvars(**{KEY: request[NAMED]}):
        try:
            response = await handler(request)
            status = response.status
            return response
        finally:
            resource = request.match_info.route.resource
            if request.method == "POST" and resource is not None:
                seconds = round(time.monotonic() - began, 3)
                # Status 0: the client went away.
                log.info("answered", path=resource.canonical, status=status, seconds=seconds)


async def send_name(request: web.Request, response: web.StreamResponse) -> None:
    """Tell the client the name of its request."""
    if name := request.get(NAMED):
        response.headers[HEADER] = name


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every refusal and failure in the form of OpenAI's API."""
    try:
        return await handler(request)
    except RequestError as error:
        return _refusal(error)
    except web.HTTPRequestEntityTooLarge:
        message = f"The body is larger than {MAX_BODY:,} bytes; send less text."
        return _refusal(RequestError(message, status=413, code="body_too_large"))
    except web.HTTPException as error:
        message = f"{request.method} {request.path} is not served here."
        refusal = _refusal(RequestError(message, status=error.status, code="path"))
        # RFC 9110, 15.5.6: what may be done there.
        refusal.headers.update({"Allow": error.headers["Allow"]} if error.status == 405 else {})
        return refusal
    except ConnectionError:
        raise
    except Exception as error:
        return web.json_response(_failure(error), status=500)


def _refusal(error: RequestError) -> web.Response:
    kind = "server_error" if error.status >= 500 else "invalid_request_error"
    body = error_body(error.message, kind, error.code, error.param)
    return web.json_response(body, status=error.status)


def _failure(error: Exception) -> JsonObject:
    """Build the body for an error of the worker itself.

    The log gets the error's type and place, never its text: that may hold what a user wrote.
    """
    if isinstance(error, GenerationStopped):
        return error_body(str(error), "server_error", "engine_failed")
    log.error("request failed", error=where(error))
    message = "The worker failed on this request; its log says where."
    return error_body(message, "server_error", "internal_error")


async def _json(request: web.Request) -> object:
    try:
        return json.loads(await request.read())
    except web.RequestPayloadError as error:
        message = "The body is not what its headers say; check Content-Encoding and its length."
        raise RequestError(message, code="invalid_body") from error
    except (ValueError, RecursionError) as error:
        message = "The body is not JSON in UTF-8, or nested too deeply; send a JSON object."
        raise RequestError(message, code="invalid_json") from error


def _unavailable(message: str, code: str) -> RequestError:
    return RequestError(message, status=503, code=code)
