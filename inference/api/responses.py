"""The answers of the OpenAI-compatible API, whole and in chunks.

https://platform.openai.com/docs/api-reference/chat/object and .../completions/object
"""

from collections.abc import Sequence
from typing import Protocol

from inference.api.completion import Piece
from inference.api.requests import completion_id, now
from inference.engine.messages import Logprobs
from inference.tokenization.tokenizer import Tokenizer

Body = dict[str, object]
Scored = Sequence[Sequence[tuple[int, float | None]]]
"""As Logprobs; a prompt's first token has no probability."""


class Bodies(Protocol):
    """How one request is answered."""

    def opening(self, index: int) -> Body | None:
        """What comes before all pieces of sample `index`, as a chunk."""

    def chunk(self, piece: Piece) -> Body: ...

    def last_chunk(self, usage: Body) -> Body: ...

    def whole(self, samples: Sequence[Sequence[Piece]], usage: Body) -> Body:
        """samples: for each all its pieces."""


class ChatBodies:
    """Answers to a chat."""

    def __init__(self, tokenizer: Tokenizer, model: str, *, logprobs: bool) -> None:
        self.tokenizer, self.logprobs = tokenizer, logprobs
        self.head: Body = {"id": completion_id("chatcmpl"), "created": now(), "model": model}

    def opening(self, index: int) -> Body | None:
        return self._chunk([self._choice(index, {"role": "assistant", "content": ""}, None, [])])

    def chunk(self, piece: Piece) -> Body:
        delta: Body = {"content": piece.text} if piece.text else {}
        choice = self._choice(piece.index, delta, piece.finish, piece.logprobs)
        # Ours: `usage` counts all samples together, and comes when the last one ends.
        return self._chunk([choice | ({"tokens": piece.tokens} if piece.finish else {})])

    def last_chunk(self, usage: Body) -> Body:
        return self._chunk([]) | {"usage": usage}

    def whole(self, samples: Sequence[Sequence[Piece]], usage: Body) -> Body:
        choices = []
        for index, pieces in enumerate(samples):
            text = "".join(piece.text for piece in pieces)
            message = {"role": "assistant", "content": text, "refusal": None}
            logprobs = [item for piece in pieces for item in piece.logprobs]
            choice = self._choice(index, {}, pieces[-1].finish, logprobs)
            del choice["delta"]
            choices.append(choice | {"message": message})
        return self.head | {"object": "chat.completion", "choices": choices, "usage": usage}

    def _chunk(self, choices: list[Body]) -> Body:
        return self.head | {"object": "chat.completion.chunk", "choices": choices}

    def _choice(self, index: int, delta: Body, finish: str | None, logprobs: Logprobs) -> Body:
        content = [self._logprob(item) for item in logprobs]
        shown = {"content": content, "refusal": None} if self.logprobs and content else None
        return {"index": index, "delta": delta, "finish_reason": finish, "logprobs": shown}

    def _logprob(self, item: list[tuple[int, float]]) -> Body:
        own, *others = [self._token(token, logprob) for token, logprob in item]
        return own | {"top_logprobs": others}

    def _token(self, token: int, logprob: float) -> Body:
        data = list(self.tokenizer.bytes_of(token))
        return {"token": self.tokenizer.text_of([token]), "logprob": logprob, "bytes": data}


class CompletionBodies:
    """Answers to a completion. prompts: the token ids of each, with which an echo begins."""

    def __init__(
        self, tokenizer: Tokenizer, model: str, prompts: Sequence[list[int]] | None, *, scores: bool
    ) -> None:
        """prompts: of each sample, if it is to be echoed."""
        self.tokenizer, self.prompts, self.scores = tokenizer, prompts, scores
        self.offsets: dict[int, int] = {}
        self.head: Body = {
            "id": completion_id("cmpl"),
            "object": "text_completion",
            "created": now(),
            "model": model,
        }

    def opening(self, index: int) -> Body | None:
        if self.prompts is None:
            return None
        return self._chunk([self._choice(index, self._echo(index), None, self._unscored(index))])

    def chunk(self, piece: Piece) -> Body:
        return self._chunk([self._of_piece(piece)])

    def last_chunk(self, usage: Body) -> Body:
        return self._chunk([]) | {"usage": usage}

    def whole(self, samples: Sequence[Sequence[Piece]], usage: Body) -> Body:
        choices = []
        for index, pieces in enumerate(samples):
            text = self._echo(index) + "".join(piece.text for piece in pieces)
            scores = [item for piece in pieces for item in piece.prompt_logprobs]
            own = [item for piece in pieces for item in piece.logprobs]
            first = self._unscored(index)
            choices.append(self._choice(index, text, pieces[-1].finish, [*first, *scores, *own]))
        return self.head | {"choices": choices, "usage": usage}

    def _of_piece(self, piece: Piece) -> Body:
        logprobs = [*piece.prompt_logprobs, *piece.logprobs]
        return self._choice(piece.index, piece.text, piece.finish, logprobs)

    def _chunk(self, choices: list[Body]) -> Body:
        return self.head | {"choices": choices}

    def _echo(self, index: int) -> str:
        return "" if self.prompts is None else self.tokenizer.text_of(self.prompts[index])

    def _unscored(self, index: int) -> Scored:
        """The first token of a prompt, which nothing comes before."""
        if self.prompts is None:
            return []
        return [[(self.prompts[index][0], None)]]

    def _choice(
        self,
        index: int,
        text: str,
        finish: str | None,
        logprobs: Scored,
    ) -> Body:
        shown = self._logprobs(index, logprobs) if self.scores and logprobs else None
        return {"index": index, "text": text, "finish_reason": finish, "logprobs": shown}

    def _logprobs(self, index: int, logprobs: Scored) -> Body:
        tokens = [self.tokenizer.text_of([item[0][0]]) for item in logprobs]
        offset = self.offsets.get(index, 0)
        offsets = []
        for token in tokens:
            offsets.append(offset)
            offset += len(token)
        self.offsets[index] = offset
        text_of = self.tokenizer.text_of
        alternatives = [
            {text_of([token]): logprob for token, logprob in item} if item[0][1] else None
            for item in logprobs
        ]
        return {
            "tokens": tokens,
            "token_logprobs": [item[0][1] for item in logprobs],
            "top_logprobs": alternatives,
            "text_offset": offsets,
        }
