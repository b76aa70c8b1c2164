"""The HTTP face: OpenAI-compatible, over a Unix socket or TCP with a token."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable

from aiohttp import web

from inference.protocol import (
    ChatRequest,
    RequestError,
    chunk_body,
    completion_body,
    completion_id,
    delta_choice,
    error_body,
    now,
    parse_chat,
    usage_body,
)
from inference.sequence import SamplingParams
from inference.supervisor import Stopped, Supervisor
from inference.tokenizer import Detokenizer, PromptError, StopStrings, Tokenizer, Turn

log = logging.getLogger("draftsmith.worker")

MAX_BODY = 1024 * 1024
CANARY_SECONDS = 10.0
KEEPALIVE_SECONDS = 10.0

Piece = tuple[int, str, str | None]
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
        self.context = min(context, supervisor.capacity)
        self.token = token
        self.draining = False
        self.created = now()

    def app(self) -> web.Application:
        app = web.Application(
            middlewares=[answer_errors, self.check_token], client_max_size=MAX_BODY
        )
        app.router.add_get("/health/live", self.live)
        app.router.add_get("/health/ready", self.is_ready)
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/v1/chat/completions", self.chat)
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
        model = {
            "id": self.model,
            "object": "model",
            "created": self.created,
            "owned_by": "draftsmith",
            "max_model_len": self.context,
        }
        return web.json_response({"object": "list", "data": [model]})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        chat = parse_chat(await _json(request))
        self._check_can_serve(chat)
        turns = [Turn(_role(m.role), m.text) for m in chat.messages]
        prompt = await asyncio.to_thread(self._encode, turns)
        self._check_length(len(prompt))
        drafts = Drafts(self.supervisor, self.tokenizer, chat, prompt, self.context)
        if chat.stream:
            return await self._stream(request, chat, drafts)
        async with contextlib.aclosing(drafts.pieces()) as pieces:
            texts = [["", ""] for _ in range(chat.n)]
            async for index, text, finish in pieces:
                texts[index][0] += text
                texts[index][1] = finish or texts[index][1]
        done = [(text, finish) for text, finish in texts]
        body = completion_body(completion_id(), self.model, now(), done, drafts.usage)
        return web.json_response(body)

    async def _stream(
        self, request: web.Request, chat: ChatRequest, drafts: Drafts
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        id_, created = completion_id(), now()
        for index in range(chat.n):
            role = delta_choice(index, {"role": "assistant", "content": ""}, None)
            await _send(response, chunk_body(id_, self.model, created, [role]))
        alive = asyncio.create_task(_keep_alive(response))
        try:
            async with contextlib.aclosing(drafts.pieces()) as pieces:
                async for index, text, finish in pieces:
                    choice = delta_choice(index, {"content": text} if text else {}, finish)
                    await _send(response, chunk_body(id_, self.model, created, [choice]))
        except ConnectionError:
            raise
        except Exception as error:
            # The status has gone out already: the error is the last event.
            await _send(response, _failure(error))
            return response
        finally:
            alive.cancel()
            await asyncio.gather(alive, return_exceptions=True)
        if chat.stream_options.include_usage:
            body = chunk_body(id_, self.model, created, [])
            await _send(response, body | {"usage": drafts.usage})
        await response.write(b"data: [DONE]\n\n")
        return response

    def _encode(self, turns: list[Turn]) -> list[int]:
        try:
            return self.tokenizer.encode_chat(turns)
        except PromptError as error:
            raise RequestError(str(error), param="messages") from error

    def _check_can_serve(self, chat: ChatRequest) -> None:
        if self.draining:
            raise _unavailable("The worker is stopping; try again in a minute.", "stopping")
        if self.supervisor.ready is None:
            raise _unavailable(
                f"The worker is not ready yet ({self.supervisor.progress}); try again shortly.",
                "loading",
            )
        if self.supervisor.busy:
            raise _unavailable("The worker has too many open requests; try again soon.", "busy")
        if chat.model not in (None, self.model):
            raise RequestError(
                f"This worker serves the model {self.model!r} and no other; ask for that one.",
                status=404,
                code="model_not_found",
                param="model",
            )

    def _check_length(self, prompt_tokens: int) -> None:
        over = prompt_tokens - (self.context - 1)
        if over > 0:
            raise RequestError(
                f"The prompt has {prompt_tokens:,} tokens and the model's context holds "
                f"{self.context:,}, the answer included: cut at least {over:,} tokens.",
                code="context_length_exceeded",
                param="messages",
            )


class Drafts:
    """The n samples of one request, as text."""

    def __init__(
        self,
        supervisor: Supervisor,
        tokenizer: Tokenizer,
        chat: ChatRequest,
        prompt: list[int],
        context: int,
    ) -> None:
        self.supervisor, self.tokenizer, self.chat, self.prompt = (
            supervisor,
            tokenizer,
            chat,
            prompt,
        )
        self.max_tokens = min(chat.max_tokens, context - len(prompt))
        self.completion_tokens = 0

    @property
    def usage(self) -> dict[str, int]:
        return usage_body(len(self.prompt), self.completion_tokens)

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """Text of every sample as it comes; closing the iterator cancels all. Raises Stopped."""
        queue: asyncio.Queue[Piece | Exception] = asyncio.Queue()
        tasks = [asyncio.create_task(self._write(index, queue)) for index in range(self.chat.n)]
        running = len(tasks)
        try:
            while running:
                piece = await queue.get()
                if isinstance(piece, Exception):
                    raise piece
                running -= piece[2] is not None
                yield piece
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self, index: int, queue: asyncio.Queue[Piece | Exception]) -> None:
        try:
            async with contextlib.aclosing(self._one(index)) as pieces:
                async for text, finish in pieces:
                    if text or finish:
                        queue.put_nowait((index, text, finish))
        except Exception as error:
            queue.put_nowait(error)

    async def _one(self, index: int) -> AsyncGenerator[tuple[str, str | None], None]:
        """Text of one sample; the last piece has the reason why it ends."""
        detokenizer, stops = Detokenizer(self.tokenizer), StopStrings(self.chat.stop)
        tokens = self.supervisor.generate(self.prompt, self._params(index))
        async with contextlib.aclosing(tokens):
            async for token, finish in tokens:
                self.completion_tokens += 1
                text = stops.add(detokenizer.add(token))
                if stops.stopped:
                    yield text, "stop"
                    return
                yield text + (stops.finish() if finish else ""), finish

    def _params(self, index: int) -> SamplingParams:
        return SamplingParams(
            temperature=self.chat.temperature,
            top_k=self.chat.top_k,
            top_p=self.chat.top_p,
            repetition_penalty=self.chat.repetition_penalty,
            max_tokens=self.max_tokens,
            seed=self.chat.seed,
            index=index,
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
    may hold what a user wrote."""
    if isinstance(error, Stopped):
        return error_body(str(error), "server_error", "engine_failed")
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
    log.error("%s at %s", type(error).__name__, place)
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
