"""The responses of the OpenAI-compatible API, whole and in chunks. Knows no HTTP.

https://platform.openai.com/docs/api-reference/chat/object and .../completions/object
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from itertools import accumulate

from inference.api.completion import Completion, TextDelta
from inference.engine.messages import Logprobs
from inference.tokenization.tokenizer import Tokenizer

JsonObject = dict[str, object]
ScoredTokens = Sequence[Sequence[tuple[int, float | None]]]
"""Like Logprobs, but the first token of a prompt has no probability."""


def now() -> int:
    return int(time.time())


def error_body(message: str, kind: str, code: str, param: str = "") -> JsonObject:
    error = {"message": message, "type": kind, "param": param or None, "code": code}
    return {"error": error}


def usage_body(completion: Completion, n: int) -> JsonObject:
    """Build the usage. Each prompt counts once, not n times."""
    prompt_tokens = sum(len(request.prompt) for request in completion.requests[::n])
    cached_tokens = sum(sample.cached_tokens for sample in completion.samples[::n])
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "total_tokens": prompt_tokens + completion.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": completion.reasoning_tokens},
    }


class _Responses:
    """What the responses to one request have in common."""

    def __init__(self, tokenizer: Tokenizer, model: str, prefix: str, kind: str) -> None:
        self.tokenizer = tokenizer
        name = f"{prefix}-{secrets.token_hex(12)}"
        self.head: JsonObject = {"id": name, "created": now(), "model": model, "object": kind}

    def last_chunk(self, usage: JsonObject) -> JsonObject:
        return self._chunk([]) | {"usage": usage}

    def _chunk(self, choices: list[JsonObject]) -> JsonObject:
        return self.head | {"choices": choices}


class ChatResponses(_Responses):
    """Builds the responses to one chat request."""

    def __init__(self, tokenizer: Tokenizer, model: str, *, logprobs: bool) -> None:
        super().__init__(tokenizer, model, "chatcmpl", "chat.completion.chunk")
        self.logprobs = logprobs

    def opening(self, index: int) -> JsonObject | None:
        """Return the chunk that comes before all deltas of sample `index`."""
        delta = {"role": "assistant", "content": ""}
        return self._chunk([self._choice(index, {"delta": delta}, None, [])])

    def chunk(self, delta: TextDelta) -> JsonObject:
        said = {"delta": {"content": delta.text} if delta.text else {}}
        choice = self._choice(delta.index, said, delta.finish, delta.logprobs)
        # Not in OpenAI's API, whose `usage` counts all samples together, after the last one.
        return self._chunk([choice | ({"tokens": delta.tokens} if delta.finish else {})])

    def whole(self, samples: Sequence[Sequence[TextDelta]], usage: JsonObject) -> JsonObject:
        """Return the whole response. samples: all deltas of each."""
        choices = []
        for index, deltas in enumerate(samples):
            text = "".join(delta.text for delta in deltas)
            said = {"message": {"role": "assistant", "content": text, "refusal": None}}
            logprobs = [item for delta in deltas for item in delta.logprobs]
            choices.append(self._choice(index, said, deltas[-1].finish, logprobs))
        return self.head | {"object": "chat.completion", "choices": choices, "usage": usage}

    def _choice(
        self, index: int, said: Mapping[str, object], finish: str | None, logprobs: Logprobs
    ) -> JsonObject:
        content = [
            self._token(*item[0]) | {"top_logprobs": [self._token(*other) for other in item[1:]]}
            for item in logprobs
        ]
        shown = {"content": content, "refusal": None} if self.logprobs and content else None
        return {"index": index, **said, "finish_reason": finish, "logprobs": shown}

    def _token(self, token: int, logprob: float) -> JsonObject:
        data = list(self.tokenizer.bytes_of(token))
        return {"token": self.tokenizer.text_of([token]), "logprob": logprob, "bytes": data}


class CompletionResponses(_Responses):
    """Builds the responses to one completion request."""

    def __init__(
        self, tokenizer: Tokenizer, model: str, prompts: Sequence[list[int]] | None, *, scores: bool
    ) -> None:
        """prompts: the token ids of each sample's prompt, if it is to be echoed."""
        super().__init__(tokenizer, model, "cmpl", "text_completion")
        self.prompts, self.scores = prompts, scores
        self.offsets: dict[int, int] = {}

    def opening(self, index: int) -> JsonObject | None:
        """Return the chunk that comes before all deltas of sample `index`, if it is echoed."""
        if self.prompts is None:
            return None
        return self._chunk([self._choice(index, self._echo(index), None, self._unscored(index))])

    def chunk(self, delta: TextDelta) -> JsonObject:
        scored = [*delta.prompt_logprobs, *delta.logprobs]
        return self._chunk([self._choice(delta.index, delta.text, delta.finish, scored)])

    def whole(self, samples: Sequence[Sequence[TextDelta]], usage: JsonObject) -> JsonObject:
        """Return the whole response. samples: all deltas of each."""
        choices = []
        for index, deltas in enumerate(samples):
            text = self._echo(index) + "".join(delta.text for delta in deltas)
            prompt = [item for delta in deltas for item in delta.prompt_logprobs]
            own = [item for delta in deltas for item in delta.logprobs]
            scored = [*self._unscored(index), *prompt, *own]
            choices.append(self._choice(index, text, deltas[-1].finish, scored))
        return self.head | {"choices": choices, "usage": usage}

    def _echo(self, index: int) -> str:
        return "" if self.prompts is None else self.tokenizer.text_of(self.prompts[index])

    def _unscored(self, index: int) -> ScoredTokens:
        """Return the first token of an echoed prompt, which has nothing before it."""
        return [] if self.prompts is None else [[(self.prompts[index][0], None)]]

    def _choice(
        self, index: int, text: str, finish: str | None, scored: ScoredTokens
    ) -> JsonObject:
        shown = self._logprobs(index, scored) if self.scores and scored else None
        return {"index": index, "text": text, "finish_reason": finish, "logprobs": shown}

    def _logprobs(self, index: int, scored: ScoredTokens) -> JsonObject:
        text_of = self.tokenizer.text_of
        tokens = [text_of([item[0][0]]) for item in scored]
        *offsets, end = accumulate(map(len, tokens), initial=self.offsets.get(index, 0))
        self.offsets[index] = end
        return {
            "tokens": tokens,
            "token_logprobs": [item[0][1] for item in scored],
            "top_logprobs": [
                {text_of([token]): logprob for token, logprob in item} if item[0][1] else None
                for item in scored
            ],
            "text_offset": offsets,
        }


Responses = ChatResponses | CompletionResponses
