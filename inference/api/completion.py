"""The samples of one request as text: all at the same time, a delta whenever a step brings some."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from inference.engine.messages import Logprobs, SampleOutput
from inference.engine.sequence import SamplingParams
from inference.tokenization.answer_cache import AnswerCache
from inference.tokenization.detokenizer import Detokenizer, StopStrings
from inference.tokenization.reasoning import ReasoningFilter
from inference.tokenization.tokenizer import Tokenizer

Generate = Callable[[list[int], SamplingParams], AsyncGenerator[SampleOutput, None]]
"""Yields the tokens that follow a prompt, as `Supervisor.generate` does."""


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """One sample: the prompt that it continues, and how it is drawn."""

    prompt: list[int]
    params: SamplingParams


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text of sample `index`. The last delta says why the sample ends, and its tokens."""

    index: int
    text: str
    finish: str | None = None
    tokens: int | None = None
    logprobs: Logprobs = field(default_factory=list)
    prompt_logprobs: Logprobs = field(default_factory=list)


class Completion:
    """All samples of one request. For one use; the counts are complete when the deltas end.

    new_filter: makes the reasoning filter of each sample, if the samples are answers of a chat.
    """

    def __init__(
        self,
        generate: Generate,
        tokenizer: Tokenizer,
        requests: Sequence[SampleRequest],
        stops: Sequence[str],
        answer_cache: AnswerCache,
        *,
        new_filter: Callable[[], ReasoningFilter] | None = None,
    ) -> None:
        self.generate, self.requests, self.answer_cache = generate, requests, answer_cache
        self.samples = [
            _SampleText(index, tokenizer, stops, new_filter() if new_filter else None)
            for index in range(len(requests))
        ]

    @property
    def completion_tokens(self) -> int:
        return sum(sample.tokens for sample in self.samples)

    @property
    def reasoning_tokens(self) -> int:
        return sum(sample.reasoning_tokens for sample in self.samples)

    async def deltas(self) -> AsyncGenerator[TextDelta, None]:
        """Yield deltas as they come. Closing the iterator cancels the samples.

        Raises GenerationStopped.
        """
        queue: asyncio.Queue[TextDelta | Exception] = asyncio.Queue()
        tasks = [asyncio.create_task(self._write(sample, queue)) for sample in self.samples]
        running = len(tasks)
        try:
            while running:
                delta = await queue.get()
                if isinstance(delta, Exception):
                    raise delta
                running -= delta.finish is not None
                yield delta
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(
        self, sample: "_SampleText", queue: "asyncio.Queue[TextDelta | Exception]"
    ) -> None:
        request = self.requests[sample.index]
        try:
            async with contextlib.aclosing(self.generate(request.prompt, request.params)) as steps:
                async for emitted in steps:
                    delta = sample.add(emitted)
                    if delta.text or delta.finish or delta.logprobs or delta.prompt_logprobs:
                        queue.put_nowait(delta)
                    if delta.finish:
                        break
        except Exception as error:
            queue.put_nowait(error)
            return
        # Templates leave out the reasoning of earlier answers.
        if not (sample.stops.stopped or (sample.reasoning and sample.reasoning.found)):
            self.answer_cache.put(sample.text, sample.ids)


class _SampleText:
    """The text of one sample, as it grows. ids: the tokens of it, without the one that ends it;
    cached_tokens: how many of the prompt were in the KV cache.
    """

    def __init__(
        self,
        index: int,
        tokenizer: Tokenizer,
        stops: Sequence[str],
        reasoning: ReasoningFilter | None,
    ) -> None:
        self.index, self.reasoning, self.stops = index, reasoning, StopStrings(stops)
        self.detokenizer = Detokenizer(tokenizer, begins=reasoning is not None)
        self.end_ids = tokenizer.end_ids
        self.text = ""
        self.ids: list[int] = []
        self.tokens = self.reasoning_tokens = self.cached_tokens = 0

    def add(self, emitted: SampleOutput) -> TextDelta:
        """Take the tokens of a step, up to where a stop string is complete."""
        text, finish, taken, hidden = "", emitted.finish, 0, 0
        for token in emitted.tokens:
            taken += 1
            shown = self.detokenizer.add(token)
            if self.reasoning is not None:
                shown = self.reasoning.add(shown)
                hidden += self.reasoning.found and not self.reasoning.answering
            text += self.stops.add(shown)
            if self.stops.stopped:
                finish = "stop"
                break
            if token not in self.end_ids:
                self.ids.append(token)
        if finish and not self.stops.stopped:
            held = self.reasoning.finish() if self.reasoning else ""
            text += self.stops.add(held) + self.stops.finish()
        self.text += text
        self.tokens += taken
        self.reasoning_tokens += hidden
        self.cached_tokens = emitted.cached or self.cached_tokens
        return TextDelta(
            self.index,
            text,
            finish,
            self.tokens if finish else None,
            # Reasoning comes first: its tokens are the first ones of a step.
            (emitted.logprobs or [])[hidden:taken],
            emitted.prompt_logprobs or [],
        )
