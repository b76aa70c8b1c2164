"""The asyncio client of the worker, or of any OpenAI-compatible server. No torch, no tokenizer."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from typing import Any, Literal, Self

import aiohttp
from pydantic import SecretStr

from inference.request_names import HEADER
from inference.tokenization.reasoning import ReasoningFilter

CONNECT_SECONDS = 5.0
# While a draft waits for room in the cache, the worker sends comment lines.
SILENCE_SECONDS = 60.0
POLL_SECONDS = 0.1

# The most alternatives of a token that OpenAI's API gives.
MOST_ALTERNATIVES = 20
# What a token shows that is only a part of a character.
UNFINISHED = "\ufffd"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How drafts are drawn; the defaults suit a writer with the default model.

    top_k 0 and top_p 1.0 switch these off. Temperature 0 always takes the most likely token.
    """

    temperature: float = 0.5
    top_k: int = 50
    top_p: float = 0.9
    repetition_penalty: float = 1.1
    max_tokens: int = 512
    stop: tuple[str, ...] = ()
    seed: int = 0
    n: int = 1


@dataclass(frozen=True, slots=True)
class Delta:
    """More text of draft `index` (0 .. n-1).

    tokens: how many the whole draft has; comes with its end, if the server sends it.
    """

    index: int
    text: str
    finish_reason: str | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a request has cost, in tokens; comes last.

    cached_tokens: tokens of the prompt that the server had computed before.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


class EngineUnavailable(Exception):
    """The worker is not up, is stopping, or has died. Trying again later may help."""


class EngineRefused(Exception):
    """The request cannot be served as it is. `sentence` may be shown; `code` is one word."""

    def __init__(self, sentence: str, code: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code


class EngineClient:
    """One worker, at "unix:/path/to/socket" or "http://host:port". Use as a context manager."""

    def __init__(
        self, url: str, *, token: SecretStr | None = None, model: str | None = None
    ) -> None:
        self.url, self.model = url, model
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS
        )
        headers = {}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        connector, base = _connector(self.url)
        self._session = aiohttp.ClientSession(
            base, connector=connector, timeout=timeout, headers=headers, trust_env=False
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def chat(
        self,
        messages: Sequence[ChatMessage],
        sampling: Sampling,
        *,
        model: str | None = None,
        request: str | None = None,
    ) -> AsyncGenerator[Delta | Usage, None]:
        """Yield the drafts as they are written, without the reasoning (<think>...</think>) before.

        Closing the iterator cancels them in the worker. `request` is its name in the worker's logs.
        Raises EngineUnavailable, EngineRefused.
        """
        body = _chat_body(messages, sampling, model or self.model)
        try:
            async with self._open.post(
                "/v1/chat/completions", json=body, headers={HEADER: request} if request else None
            ) as response:
                await _check(response)
                ended, reasoning = False, defaultdict[int, ReasoningFilter](ReasoningFilter)
                async for events in _events(response):
                    ended = "[DONE]" in events
                    answers = [json.loads(event) for event in events if event != "[DONE]"]
                    for item in _items(answers):
                        if isinstance(item, Usage):
                            yield item
                        elif shown := _without_reasoning(item, reasoning[item.index]):
                            yield shown
                    for error in filter(None, (answer.get("error") for answer in answers)):
                        raise EngineUnavailable(str(error.get("message", "The worker failed.")))
                    if ended:
                        break
                if not ended:
                    raise EngineUnavailable("The worker stopped in the middle of the draft.")
        except (aiohttp.ClientError, OSError) as error:
            raise EngineUnavailable("The worker does not answer.") from error
        except (ValueError, KeyError, TypeError, AttributeError):
            raise EngineUnavailable("The server does not answer as OpenAI's API does.") from None

    async def score(self, context: str, text: str, model: str | None = None) -> list[float]:
        """Return the log-probability of each token of a text after its context.

        Raises EngineUnavailable; EngineRefused, also where a server cannot score prompts.
        https://platform.openai.com/docs/api-reference/completions/create (echo, logprobs)
        """
        body = {"prompt": context + text, "max_tokens": 0, "echo": True, "logprobs": 0}
        body |= {"model": model or self.model} if model or self.model else {}
        try:
            async with self._open.post("/v1/completions", json=body) as response:
                await _check(response)
                return _scores(context + text, len(context), await response.json())
        except (aiohttp.ClientError, OSError) as error:
            raise EngineUnavailable("The worker does not answer.") from error
        except (ValueError, KeyError, TypeError, IndexError):
            raise EngineRefused("The server cannot score a text.", "no_scores") from None

    async def first_token(
        self, messages: Sequence[ChatMessage], model: str | None = None
    ) -> dict[str, float]:
        """Return the likeliest first tokens of the answer, and the log-probability of each.

        Raises EngineUnavailable; EngineRefused, also where a server gives no log-probabilities.
        https://platform.openai.com/docs/api-reference/chat/create (logprobs, top_logprobs)
        """
        body: dict[str, object] = {
            "messages": [{"role": m.role, "content": m.content} for m in messages],
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": True,
            "top_logprobs": MOST_ALTERNATIVES,
        }
        body |= {"model": model or self.model} if model or self.model else {}
        try:
            async with self._open.post("/v1/chat/completions", json=body) as response:
                await _check(response)
                (first, *_) = (await response.json())["choices"][0]["logprobs"]["content"]
                return {each["token"]: float(each["logprob"]) for each in first["top_logprobs"]}
        except (aiohttp.ClientError, OSError) as error:
            raise EngineUnavailable("The worker does not answer.") from error
        except (ValueError, KeyError, TypeError, IndexError):
            raise EngineRefused("The server gives no probabilities.", "no_scores") from None

    async def models(self) -> list[str]:
        """Return the names of the models served. Raises EngineUnavailable, EngineRefused."""
        try:
            async with self._open.get("/v1/models") as response:
                await _check(response)
                return [str(model["id"]) for model in (await response.json())["data"]]
        except (aiohttp.ClientError, OSError) as error:
            raise EngineUnavailable("The worker does not answer.") from error

    async def ready(self) -> bool:
        """Say whether the model gives tokens."""
        return (await self.readiness())[0]

    async def wait_ready(
        self,
        timeout: float,  # noqa: ASYNC109
        on_progress: Callable[[str], None] | None = None,
    ) -> None:
        """Wait until the model answers. Calls `on_progress` whenever loading gets further.

        Raises EngineUnavailable after `timeout` seconds.
        """
        said = ""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    is_ready, progress = await self.readiness()
                    if progress and progress != said and on_progress is not None:
                        on_progress(progress)
                    said = progress
                    if is_ready:
                        return
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError as error:
            last = f" (last seen: {said})" if said else ""
            raise EngineUnavailable(
                f"The worker was not ready within {timeout:.0f} s{last}."
            ) from error

    async def readiness(self) -> tuple[bool, str]:
        """Say whether the model gives tokens, and how far it is, if the worker says so."""
        try:
            async with self._open.get("/health/ready") as response:
                if response.status == HTTPStatus.NOT_FOUND:
                    # Another server than ours, which has no such page: the next request will show.
                    return True, ""
                body = await response.json(content_type=None)
                progress = body.get("progress", "") if isinstance(body, dict) else ""
                return response.status == 200, str(progress)
        except (aiohttp.ClientError, OSError, ValueError):
            return False, ""

    @property
    def _open(self) -> aiohttp.ClientSession:
        assert self._session is not None, "EngineClient is used inside 'async with'"
        return self._session


def _connector(url: str) -> tuple[aiohttp.BaseConnector, str]:
    # A cancelled request must close its connection, and a stale connection must not be used again.
    if url.startswith("unix:"):
        path = url.removeprefix("unix:").removeprefix("//")
        return aiohttp.UnixConnector(path=path, limit=0, force_close=True), "http://worker"
    return aiohttp.TCPConnector(limit=0, force_close=True), url


def _chat_body(
    messages: Sequence[ChatMessage], sampling: Sampling, model: str | None
) -> dict[str, object]:
    body: dict[str, object] = {
        "messages": [{"role": m.role, "content": m.content} for m in messages],
        **asdict(sampling),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    return body | ({"model": model} if model else {})


def _scores(whole: str, start: int, answer: dict[str, Any]) -> list[float]:
    """Return the scores of the tokens that end behind `start`, in characters of the whole text.

    A character may be several tokens, which show as U+FFFD: no offset can be trusted behind them,
    so each whole token is looked for in the text. The first token of all has no score.
    """
    told, at, scores = answer["choices"][0]["logprobs"], 0, []
    for token, score in zip(told["tokens"], told["token_logprobs"], strict=True):
        found = whole.find(token, at) if token and UNFINISHED not in token else -1
        end = found + len(token) if found >= 0 else at
        if score is not None and (end > start or (end == at >= start)):
            scores.append(float(score))
        at = end
    return scores


def _without_reasoning(delta: Delta, reasoning: ReasoningFilter) -> Delta | None:
    """Remove the reasoning, which some servers send. Return None if nothing is left."""
    text = reasoning.add(delta.text)
    if delta.finish_reason:
        text += reasoning.finish()
    return replace(delta, text=text) if text or delta.finish_reason else None


async def _check(response: aiohttp.ClientResponse) -> None:
    """Raise EngineUnavailable or EngineRefused if the response is an error."""
    if response.status < 400:
        return
    try:
        error = (await response.json(content_type=None))["error"]
        message = str(error["message"])
        code = str(error.get("code") or error.get("type") or response.status)
    except (ValueError, KeyError, TypeError):
        message = f"The worker answered with status {response.status}."
        code = str(response.status)
    if response.status >= 500 or response.status == 429:
        raise EngineUnavailable(message)
    raise EngineRefused(message, code)


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[list[str]]:
    """Yield the data of server-sent events (one line each, as OpenAI's API sends them).

    Events that have arrived already come together, so that a slow reader catches up in one step.
    """
    rest = b""
    async for data in response.content.iter_any():
        *lines, rest = (rest + data).split(b"\n")
        if events := _data(lines):
            yield events
    yield _data([rest])


def _data(lines: Sequence[bytes]) -> list[str]:
    return [line[5:].strip().decode() for line in lines if line.startswith(b"data:")]


def _items(answers: Sequence[dict[str, Any]]) -> list[Delta | Usage]:
    """Return one delta for each draft that has more text, then the usage."""
    deltas: dict[int, Delta] = {}
    costs: list[Usage] = []
    for answer in answers:
        for choice in answer.get("choices", []):
            index, text = choice["index"], choice["delta"].get("content") or ""
            before = deltas.get(index, Delta(index, ""))
            reason = choice.get("finish_reason") or before.finish_reason
            tokens = choice.get("tokens", before.tokens)
            deltas[index] = Delta(index, before.text + text, reason, tokens)
        if usage := answer.get("usage"):
            details = usage.get("prompt_tokens_details") or {}
            cached = details.get("cached_tokens") or 0
            costs.append(Usage(usage["prompt_tokens"], usage["completion_tokens"], cached))
    return [each for each in deltas.values() if each.text or each.finish_reason] + costs
