"""The reasoning that a model writes before its answer is shown to nobody."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.api.completion import Completion, Generate, SampleRequest
from inference.checkpoint.open import open_vocabulary
from inference.engine.messages import SampleOutput
from inference.engine.sequence import SamplingParams
from inference.tokenization.answer_cache import AnswerCache
from inference.tokenization.reasoning import ReasoningFilter, ends_in_reasoning
from inference.tokenization.tokenizer import Tokenizer
from tests.inference.vocabularies import byte_level

CASES = [
    ("<think>Hm. A tram?</think>\n\nLisbon has trams.", False, "Lisbon has trams."),
    ("\n<think>\n\n</think>\n\nLisbon", False, "Lisbon"),
    ("It thinks of a plan.</think>\nLisbon", True, "Lisbon"),
    ("Lisbon has no <think> tag.</think>", False, "Lisbon has no <think> tag.</think>"),
    ("  Lisbon", False, "  Lisbon"),
    ("<thing>", False, "<thing>"),
    ("<thin", False, "<thin"),
    ("", False, ""),
    # At its token limit inside the reasoning: there is no text yet.
    ("<think>Hm. </thin", False, ""),
    ("Hm.", True, ""),
]


@pytest.mark.parametrize(("written", "opened", "shown"), CASES)
@given(data=st.data())
def test_reasoning_is_removed_however_the_text_is_sliced(
    written: str, opened: bool, shown: str, data: st.DataObject
) -> None:
    reasoning, text, rest = ReasoningFilter(opened=opened), "", written
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        text += reasoning.add(rest[:size])
        assert shown.startswith(text)
        rest = rest[size:]
    assert text + reasoning.finish() == shown
    assert reasoning.found == (opened or "<think>" in written.lstrip()[:7])


@pytest.mark.parametrize(
    ("prompt", "opens"),
    [("<|im_start|>assistant\n<think>\n", True), ("<think>\n\n</think>\n\n", False), ("", False)],
)
def test_a_prompt_can_end_in_the_reasoning(prompt: str, opens: bool) -> None:
    assert ends_in_reasoning(prompt) == opens


def writes(tokens: list[int]) -> Generate:
    """Stand where the ranks would be: yield these tokens, two a step."""

    async def generate(
        prompt: list[int], params: SamplingParams
    ) -> AsyncGenerator[SampleOutput, None]:
        for at in range(0, len(tokens), 2):
            some = tokens[at : at + 2]
            last = at + 2 >= len(tokens)
            scores = [[(token, -1.0)] for token in some]
            yield SampleOutput("s0", some, "stop" if last else None, logprobs=scores)

    return generate


@pytest.mark.parametrize("thinks", [True, False])
async def test_an_answer_has_neither_text_nor_logprobs_of_its_reasoning(
    tmp_path: Path, thinks: bool
) -> None:
    byte_level(tmp_path)
    tokenizer = Tokenizer(open_vocabulary(tmp_path))
    answer = tokenizer.encode("Lisbon has trams.")
    thought = tokenizer.encode("<think>A tram?</think>\n\n") if thinks else []
    # One token each, as models have them: their names are text, unlike those of control tokens.
    assert not thinks or len(tokenizer.encode("<think>")) == 1
    requests, cache = [SampleRequest([1], SamplingParams())], AnswerCache()
    completion = Completion(
        writes([*thought, *answer]),
        tokenizer,
        requests,
        ["tram?"],
        cache,
        new_filter=ReasoningFilter,
    )
    deltas = [delta async for delta in completion.deltas()]
    assert "".join(delta.text for delta in deltas) == "Lisbon has trams."
    assert [item[0][0] for delta in deltas for item in delta.logprobs] == answer
    assert completion.reasoning_tokens == len(thought)
    assert completion.completion_tokens == len(thought) + len(answer)
    # In the next prompt the template leaves the reasoning out.
    assert cache.get("Lisbon has trams.") == (None if thinks else answer)
