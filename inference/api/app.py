"""The HTTP face: OpenAI-compatible, over a Unix socket or TCP with a token."""

import asyncio
import contextlib
import hmac
import json
import traceback
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from inference.api.completion import Piece, Samples, Wanted
from inference.api.requests import (
    ChatRequest,
    CompletionRequest,
    RequestError,
    error_body,
    now,
    parse_chat,
    parse_completion,
    usage_body,
)
from inference.api.responses import Bodies, Body, ChatBodies, CompletionBodies
from inference.engine.open_sample import GenerationStopped
from inference.engine.supervisor import Supervisor
from inference.tokenization.answer_cache import Turns
from inference.tokenization.chat_template import PromptError, Turn
from inference.tokenization.reasoning import Thoughts, leaves_open
from inference.tokenization.tokenizer import Tokenizer

log = structlog.get_logger(__name__)

MAX_BODY = 1024 * 1024
CANARY_SECONDS = 10.0
KEEPALIVE_SECONDS = 10.0
# A prompt that opens the answer's thoughts does it in these.
LAST_TOKENS = 8

METRICS_TYPE = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Face:
    """What clients see of one supervisor."""

    def __init__(
        self,
        supervisor: Supervisor,
        tokenizer: Tokenizer,
        model: str,
        context: int,
        token: str | None,
    ) -> None:
        self.supervisor, self.tokenizer, self.model = supervisor, tokenizer, model
        # Of the model, and of it with each adapter.
        adapters = supervisor.settings.adapter_paths
        self.names = [model, *(f"{model}:{adapter}" for adapter in adapters)]
        self.model_context = context
        self.token = token
        self.turns = Turns()
        self.draining = False
        self.created = now()

    @property
    def context(self) -> int:
        """Tokens that a prompt and its answer can have."""
        return min(self.model_context, self.supervisor.capacity or self.model_context)

    def app(self) -> web.Application:
        app = web.Application(
            middlewares=[answer_errors, self.check_token], client_max_size=MAX_BODY
        )
        app.router.add_get("/health/live", self.live)
        app.router.add_get("/health/ready", self.is_ready)
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_post("/v1/completions", self.completions)
        app.router.add_get("/metrics", self.metrics)
        return app

    @web.middleware
    async def check_token(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.token is not None and not request.path.startswith("/health/"):
            scheme, _, given = request.headers.get("Authorization", "").partition(" ")
            # aiohttp keeps bytes that are no UTF-8 as surrogates.
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

    async def is_ready(self, request: web.Request) -> web.Response:
        """200 only when a real token has come out of the model a moment ago."""
        if self.draining:
            return web.json_response({"status": "draining", "progress": "stopping"}, status=503)
        if self.supervisor.ready is None:
            body = {"status": "loading", "progress": self.supervisor.progress}
            return web.json_response(body, status=503)
        if not await self.supervisor.answers(CANARY_SECONDS):
            body = {"status": "silent", "progress": "the model gives no token"}
            return web.json_response(body, status=503)
        return web.json_response({"status": "ready", "progress": "ready"})

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
        return web.Response(body=self.supervisor.metrics.text(), headers=METRICS_TYPE)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        chat = parse_chat(await _json(request))
        self._check_can_serve(chat)
        turns = [Turn(_role(m.role), m.text) for m in chat.messages]
        prompt = await asyncio.to_thread(self._encode, turns)
        bodies = ChatBodies(self.tokenizer, chat.model or self.model, logprobs=chat.logprobs)
        opened = leaves_open(self.tokenizer.text_of(prompt[-LAST_TOKENS:]))
        return await self._answer(request, chat, [prompt], bodies, lambda: Thoughts(opened=opened))

    async def completions(self, request: web.Request) -> web.StreamResponse:
        asked = parse_completion(await _json(request))
        self._check_can_serve(asked)
        prompts = [await asyncio.to_thread(self._ids, prompt) for prompt in asked.prompts]
        echoed = [prompt for prompt in prompts for _ in range(asked.n)] if asked.echo else None
        scores = asked.logprobs is not None
        bodies = CompletionBodies(self.tokenizer, asked.model or self.model, echoed, scores=scores)
        return await self._answer(request, asked, prompts, bodies)

    async def _answer(
        self,
        request: web.Request,
        asked: ChatRequest | CompletionRequest,
        prompts: list[list[int]],
        bodies: Bodies,
        answers: Callable[[], Thoughts] | None = None,
    ) -> web.StreamResponse:
        """n samples of each prompt."""
        adapter = (asked.model or self.model).removeprefix(self.model).removeprefix(":")
        wanted = [
            Wanted(prompt, asked.params(index, self._room(prompt, asked.max_tokens), adapter))
            for prompt in prompts
            for index in range(asked.n)
        ]
        stops = [*asked.stop, *(self.tokenizer.template.stops if answers else ())]
        samples = Samples(
            self.supervisor, self.tokenizer, wanted, stops, self.turns, answers=answers
        )

        def usage() -> Body:
            cached = sum(samples.cached_tokens[:: asked.n])
            written, hidden = samples.completion_tokens, samples.reasoning_tokens
            return usage_body(sum(map(len, prompts)), cached, written, hidden)

        if asked.stream:
            with_usage = usage if asked.stream_options.include_usage else None
            return await self._stream(request, samples, bodies, with_usage)
        pieces: list[list[Piece]] = [[] for _ in wanted]
        async with contextlib.aclosing(samples.pieces()) as coming:
            async for piece in coming:
                pieces[piece.index].append(piece)
        return web.json_response(bodies.whole(pieces, usage()))

    async def _stream(
        self,
        request: web.Request,
        samples: Samples,
        bodies: Bodies,
        usage: Callable[[], Body] | None,
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        for index in range(len(samples.wanted)):
            if opening := bodies.opening(index):
                await _send(response, opening)
        alive = asyncio.create_task(_keep_alive(response))
        try:
            async with contextlib.aclosing(samples.pieces()) as pieces:
                async for piece in pieces:
                    await _send(response, bodies.chunk(piece))
        except ConnectionError:
            raise
        except Exception as error:
            # The status has gone out already: the error is the last event.
            await _send(response, _failure(error))
            return response
        finally:
            alive.cancel()
            await asyncio.gather(alive, return_exceptions=True)
        if usage is not None:
            await _send(response, bodies.last_chunk(usage()))
        await response.write(b"data: [DONE]\n\n")
        return response

    def _encode(self, turns: list[Turn]) -> list[int]:
        try:
            return self.tokenizer.encode_chat(turns, self.turns.find)
        except PromptError as error:
            raise RequestError(str(error), param="messages") from error

    def _ids(self, prompt: str | list[int]) -> list[int]:
        if isinstance(prompt, str):
            return self.tokenizer.encode_prompt(prompt)
        size = len(self.tokenizer.tokens)
        if max(prompt) >= size:
            raise RequestError(f"The model has {size:,} tokens; send ids below.", param="prompt")
        return prompt

    def _room(self, prompt: list[int], max_tokens: int) -> int:
        """How many tokens may follow. Raises RequestError if not one of those wanted can."""
        over = len(prompt) + min(max_tokens, 1) - self.context
        if over > 0:
            raise RequestError(
                f"The prompt has {len(prompt):,} tokens and the model's context holds "
                f"{self.context:,}, the answer included: cut at least {over:,} tokens.",
                code="context_length_exceeded",
                param="messages",
            )
        return self.context - len(prompt)

    def _check_can_serve(self, asked: ChatRequest | CompletionRequest) -> None:
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


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal in OpenAI's shape."""
    try:
        return await handler(request)
    except RequestError as error:
        return web.json_response(error.body(), status=error.status)
    except web.HTTPRequestEntityTooLarge:
        message = f"The body is larger than {MAX_BODY:,} bytes; send less text."
        refused = RequestError(message, status=413, code="body_too_large")
        return web.json_response(refused.body(), status=413)
    except web.HTTPException as error:
        refused = RequestError(
            f"{request.method} {request.path} is not served here.", status=error.status, code="path"
        )
        return web.json_response(refused.body(), status=error.status)
    except ConnectionError:
        raise
    except Exception as error:
        return web.json_response(_failure(error), status=500)


def _failure(error: Exception) -> dict[str, object]:
    """What is said of an error that is ours. The log gets its kind and place: never its text, which
    may hold what a user wrote.
    """
    if isinstance(error, GenerationStopped):
        return error_body(str(error), "server_error", "engine_failed")
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
    log.error("request failed", error=type(error).__name__, at=place)
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


async def _send(response: web.StreamResponse, body: dict[str, object]) -> None:
    await response.write(b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n")


async def _keep_alive(response: web.StreamResponse) -> None:
    """Comments that clients skip: a draft that waits for its turn is not a dead connection."""
    while True:
        await asyncio.sleep(KEEPALIVE_SECONDS)
        await response.write(b": waiting\n\n")


def _role(role: str) -> str:
    return "system" if role == "developer" else role


def _unavailable(message: str, code: str) -> RequestError:
    return RequestError(message, status=503, code=code)
