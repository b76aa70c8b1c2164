"""The samples of one request, as text: side by side, a piece whenever some has come."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from inference.engine.messages import Logprobs, SampleOutput
from inference.engine.sequence import SamplingParams
from inference.engine.supervisor import Supervisor
from inference.tokenization.answer_cache import Turns
from inference.tokenization.detokenizer import Detokenizer, StopStrings
from inference.tokenization.reasoning import Thoughts
from inference.tokenization.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Piece:
    """More of sample `index`; the last one says why it ends, and after how many tokens."""

    index: int
    text: str
    finish: str | None = None
    tokens: int | None = None
    logprobs: Logprobs = field(default_factory=list)
    prompt_logprobs: Logprobs = field(default_factory=list)

    @property
    def says_nothing(self) -> bool:
        return not (self.text or self.finish or self.logprobs or self.prompt_logprobs)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One sample: what it goes on from, and how it is drawn."""

    prompt: list[int]
    params: SamplingParams


class Samples:
    """Of one request; for one use. What they cost stands in the counts when they are done.

    answers: makes for each sample what takes its thoughts out, if it is the answer of a chat.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        tokenizer: Tokenizer,
        wanted: Sequence[Wanted],
        stops: Sequence[str],
        turns: Turns,
        *,
        answers: Callable[[], Thoughts] | None = None,
    ) -> None:
        self.supervisor, self.tokenizer = supervisor, tokenizer
        self.wanted, self.stops, self.turns = wanted, stops, turns
        self.answers = answers
        self.completion_tokens = self.reasoning_tokens = 0
        self.cached_tokens = [0] * len(wanted)

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """Closing the iterator cancels all. Raises GenerationStopped."""
        queue: asyncio.Queue[Piece | Exception] = asyncio.Queue()
        tasks = [
            asyncio.create_task(self._write(index, queue)) for index in range(len(self.wanted))
        ]
        running = len(tasks)
        try:
            while running:
                piece = await queue.get()
                if isinstance(piece, Exception):
                    raise piece
                running -= piece.finish is not None
                yield piece
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self, index: int, queue: asyncio.Queue[Piece | Exception]) -> None:
        try:
            async with contextlib.aclosing(self._one(index)) as pieces:
                async for piece in pieces:
                    if not piece.says_nothing:
                        queue.put_nowait(piece)
        except Exception as error:
            queue.put_nowait(error)

    async def _one(self, index: int) -> AsyncGenerator[Piece, None]:
        """Pieces of one sample, a step's tokens each."""
        thoughts = self.answers() if self.answers else None
        sample = _Text(self.tokenizer, self.stops, thoughts)
        wanted = self.wanted[index]
        steps, written = self.supervisor.generate(wanted.prompt, wanted.params), 0
        async with contextlib.aclosing(steps):
            async for emitted in steps:
                self.cached_tokens[index] = emitted.cached or self.cached_tokens[index]
                text, taken, finish = sample.take(emitted)
                self.completion_tokens += taken
                written += taken
                hidden = sample.hidden
                self.reasoning_tokens += hidden
                logprobs = (emitted.logprobs or [])[hidden:taken]
                tokens = written if finish else None
                yield Piece(index, text, finish, tokens, logprobs, emitted.prompt_logprobs or [])
                if finish:
                    break
        # Templates leave the thoughts of earlier answers out.
        if not sample.stops.stopped and not sample.has_thought:
            self.turns.keep(sample.whole, sample.ids)


class _Text:
    """The text of one sample, as it grows. hidden: how many tokens of the last step are thoughts;
    they are its first.
    """

    def __init__(
        self, tokenizer: Tokenizer, stops: Sequence[str], thoughts: Thoughts | None
    ) -> None:
        self.detokenizer = Detokenizer(tokenizer, begins=thoughts is not None)
        self.thoughts, self.stops = thoughts, StopStrings(stops)
        self.end_ids = tokenizer.end_ids
        self.hidden = 0
        self.ids: list[int] = []
        self.whole = ""

    @property
    def has_thought(self) -> bool:
        return self.thoughts is not None and self.thoughts.any

    def take(self, emitted: SampleOutput) -> tuple[str, int, str | None]:
        """The text of a step's tokens, how many count, and why it ends there if it does."""
        text, finish, taken, self.hidden = "", emitted.finish, 0, 0
        for token in emitted.tokens:
            taken += 1
            text += self.stops.add(self._shown(self.detokenizer.add(token)))
            if self.stops.stopped:
                finish = "stop"
                break
            if token not in self.end_ids:
                self.ids.append(token)
        if finish and not self.stops.stopped:
            rest = self.thoughts.finish() if self.thoughts else ""
            text += self.stops.add(rest) + self.stops.finish()
        self.whole += text
        return text, taken, finish

    def _shown(self, text: str) -> str:
        if self.thoughts is None:
            return text
        shown = self.thoughts.add(text)
        self.hidden += self.thoughts.any and not self.thoughts.started
        return shown
