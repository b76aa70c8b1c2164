"""What a reasoning model thinks before its answer is shown to nobody."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.api.completion import Samples, Wanted
from inference.checkpoint.open import open_vocabulary
from inference.engine.messages import SampleOutput
from inference.engine.sequence import SamplingParams
from inference.tokenization.answer_cache import Turns
from inference.tokenization.reasoning import Thoughts, leaves_open
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
    # At its token limit in the midst of a thought: there is no text yet.
    ("<think>Hm. </thin", False, ""),
    ("Hm.", True, ""),
]


@pytest.mark.parametrize(("written", "opened", "shown"), CASES)
@given(data=st.data())
def test_thoughts_are_taken_out_however_the_text_is_sliced(
    written: str, opened: bool, shown: str, data: st.DataObject
) -> None:
    thoughts, text, rest = Thoughts(opened=opened), "", written
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        text += thoughts.add(rest[:size])
        assert shown.startswith(text)
        rest = rest[size:]
    assert text + thoughts.finish() == shown
    assert thoughts.any == (opened or "<think>" in written.lstrip()[:7])


@pytest.mark.parametrize(
    ("prompt", "opens"),
    [("<|im_start|>assistant\n<think>\n", True), ("<think>\n\n</think>\n\n", False), ("", False)],
)
def test_a_prompt_can_leave_the_thoughts_open(prompt: str, opens: bool) -> None:
    assert leaves_open(prompt) == opens


class Writes:
    """Stands where the ranks would be: gives these tokens, two a step."""

    def __init__(self, tokens: list[int]) -> None:
        self.tokens = tokens

    async def generate(self, prompt: list[int], params: SamplingParams):
        for at in range(0, len(self.tokens), 2):
            some = self.tokens[at : at + 2]
            last = at + 2 >= len(self.tokens)
            scores = [[(token, -1.0)] for token in some]
            yield SampleOutput("s0", some, "stop" if last else None, logprobs=scores)


@pytest.mark.parametrize("thinks", [True, False])
async def test_an_answer_has_neither_text_nor_logprobs_of_its_thoughts(
    tmp_path: Path, thinks: bool
) -> None:
    byte_level(tmp_path)
    tokenizer = Tokenizer(open_vocabulary(tmp_path))
    answer = tokenizer.encode("Lisbon has trams.")
    thought = tokenizer.encode("<think>A tram?</think>\n\n") if thinks else []
    # One token each, as models have them: their names are text, unlike those of control tokens.
    assert not thinks or len(tokenizer.encode("<think>")) == 1
    wanted, turns = [Wanted([1], SamplingParams())], Turns()
    samples = Samples(
        Writes([*thought, *answer]), tokenizer, wanted, ["tram?"], turns, answers=Thoughts
    )
    pieces = [piece async for piece in samples.pieces()]
    assert "".join(piece.text for piece in pieces) == "Lisbon has trams."
    assert [item[0][0] for piece in pieces for item in piece.logprobs] == answer
    assert samples.reasoning_tokens == len(thought)
    assert samples.completion_tokens == len(thought) + len(answer)
    # Its history will be what a template makes of it, which leaves thoughts out.
    assert turns.find("Lisbon has trams.") == (None if thinks else answer)
