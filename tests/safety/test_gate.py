"""The release gate: chunking changes nothing, and nothing is shown before it is judged."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from safety import Blocked, Filter, Stage, load_policy
from safety.text.normalise import NormalisedText
from safety.text.segmentation import FORCED_AFTER, HELD_BACK
from safety.verdict import Finding, Removes
from tests.safety.generated.streams import KEY, PRIVATE_KEY, chunked

# A slow machine must not make a block of what the tests compare.
PATIENT = load_policy(None).model_copy(update={"timeout_seconds": 60.0})
FILTER = Filter(PATIENT)
SPARING = Filter(PATIENT.model_copy(update={"block_removes": Removes.REST}))
# One loop for all drafts: a new one for each, with its threads, takes as long as the judging.
RUNNER = asyncio.Runner()


@pytest.fixture(scope="module", autouse=True)
def _runner() -> Iterator[None]:
    with RUNNER:
        yield


def run_gate(chunks: Sequence[str], judge: Filter = FILTER) -> tuple[list[str], tuple[str, ...]]:
    """Return the text released at each step, and the rules that blocked."""

    async def stream() -> tuple[list[str], tuple[str, ...]]:
        gate = judge.gate(request="r1")
        released: list[str] = []
        try:
            for chunk in chunks:
                released.append(await gate.feed(chunk))
            released.append(await gate.finish())
        except Blocked as blocked:
            return released, blocked.verdict.rules
        return released, ()

    return RUNNER.run(stream())


def judged(text: str) -> tuple[str | None, tuple[str, ...]]:
    verdict = RUNNER.run(FILTER.judge(text, Stage.OUTPUT, request="r1"))
    return verdict.text, verdict.rules


@settings(max_examples=300)
@given(chunked())
@example(["+41 (0)96 471 07 95 office. 4539 1488 0343 6467A sentence of words "])
@example([*"See [a. b](https://evil.net/x). Call 555-123-4567. Then 555 123 4567.\n"])
@example(
    [
        "[标签](//elsewhere.net/中！(文。中)，文。[标签](mailto:jane.roe@acme-corp.com)",
        "。今天天气很好，我们去公园散步 ",
    ]
)
def test_what_the_gate_releases_is_what_the_whole_text_is_judged_to_be(chunks: list[str]) -> None:
    text, _ = judged("".join(chunks))
    released, rules = run_gate(chunks)
    assert bool(rules) == (text is None)
    assert text is None or "".join(released) == text


@pytest.mark.parametrize("secret", [KEY, PRIVATE_KEY, "ghp_" + "a8Bc9Zk2" * 5])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_no_part_of_a_secret_is_shown_before_the_block(secret: str, size: int) -> None:
    text = f"Here it is. The key is as follows: {secret} and more text. " + "Then a sentence. " * 20
    released, rules = run_gate([text[i : i + size] for i in range(0, len(text), size)])
    assert "Here it is. ".startswith("".join(released))
    assert rules


def test_no_character_is_shown_before_it_was_judged() -> None:
    seen: list[str] = []

    class Recorder:
        def find(self, text: NormalisedText) -> list[Finding]:
            seen.append(text.original)
            return []

    judge = Filter(load_policy(None))
    judge.screening.detectors = (*judge.screening.detectors, Recorder())

    async def stream() -> None:
        gate = judge.gate(request="r1")
        shown = ""
        for chunk in ["One sentence.", "Another one!", "第三句。第四句，很长。", "And"]:
            shown += await gate.feed(chunk + " ")
            assert shown in "".join(dict.fromkeys(seen))
        shown += await gate.finish()
        assert seen[-1] == shown

    asyncio.run(stream())


def test_the_first_sentence_is_shown_with_the_character_after_it() -> None:
    released, _ = run_gate([*"It works. And on"])
    assert released.index("It works. ") == len("It works. A") - 1


def test_a_chinese_sentence_is_shown_with_the_character_after_it() -> None:
    released, _ = run_gate([*"今天很好。明天"])
    assert released.index("今天很好。") == len("今天很好。明") - 1


def test_a_text_without_sentences_is_shown_in_pieces_with_a_reserve() -> None:
    words = [f"word{chr(97 + i % 26)} " for i in range(300)]
    released, _ = run_gate(words)
    first = next(index for index, piece in enumerate(released) if piece)
    fed = sum(map(len, words[: first + 1]))
    assert FORCED_AFTER <= len(released[first]) <= FORCED_AFTER + 8
    assert fed >= len(released[first]) + HELD_BACK


def test_a_long_code_block_is_shown_line_by_line_after_a_while() -> None:
    lines = ["```\n", *["value = compute(something)\n"] * 60]
    released, _ = run_gate([*lines, "```\n", "Done. "])
    assert sum(1 for piece in released if piece) > 2


def test_a_table_of_numbers_is_shown_row_by_row() -> None:
    rows = ["| year | sales |\n", "|---|---|\n", "| 2024 | 12 |\n", "| 2025 | 14 |\n", "Done"]
    released, _ = run_gate(rows)
    assert [piece for piece in released if piece] == rows


@pytest.mark.parametrize(
    ("span", "rule"), [((0, 4), "hindsight"), ((11, 19), "detector_error")], ids=["shown", "across"]
)
def test_a_finding_in_shown_text_blocks_and_never_rewrites(
    span: tuple[int, int], rule: str
) -> None:
    """A rule that finds something only once more text has come breaks its contract."""

    class Hindsight:
        def find(self, text: NormalisedText) -> list[Finding]:
            return [text.finding("email", "hindsight", *span)] if "sesame" in text.text else []

    judge = Filter(load_policy(None))
    judge.screening.detectors = (Hindsight(),)
    released, rules = run_gate(["One two. ", "Three. ", "Open sesame. ", "End"], judge)
    assert "One two. Three. Open sesame. ".startswith("".join(released))
    assert rules == (rule,)


@pytest.mark.parametrize(
    "kept_whole",
    [
        "416 60 039 office",
        "call 905-674-3793",
        "4539 1488 0343 6467",
        "[a label with words](https://elsewhere.net/x)",
        "<!subteam^S1|@the team of us>",
        "`https://elsewhere.net/x y`",
        "password is Tr0ub4dor",
        "jane.roe@acme-corp.com",
        "https://例子.com/路径",
        "电话13800138000转接例子.com",
        "+ 44 20 7946 0018",
        "call 905-674-3793 ext 12",
        "[l]: https://elsewhere.net/x",
        "[标签](www.elsewhere.net/中文。中文)",
        "[标签](//elsewhere.net/中！(文。中)，文。",
        "[标签](mailto:某人。中文)",
        "您的密码：98765432！欢迎使用Abc",
        "-----BEGIN RSA PRIVATE KEY-----",
        "IBAN MT84 MALT 0110 0001 2345 MTLC AST0 01S",
        "j a n e @ a c m e . c o m",
        "4539 – 1488 – 0343 – 6467",
        "gb82 west 1234 5698 7654 32",
        "张伟@acme-corp.com",
        "李.wei@例子公司.中国",
    ],
)
def test_a_cut_between_words_parts_nothing_wherever_it_falls(kept_whole: str) -> None:
    for filler in ("word ", "字"):
        for length in range(FORCED_AFTER - 60, FORCED_AFTER + 5, 2):
            before = (filler * FORCED_AFTER)[-length:]
            text = f"{before}{kept_whole} {filler * 200}"
            shown, expected = judged(text)
            released, rules = run_gate([text])
            assert rules == (expected if shown is None else ())
            assert shown is None or "".join(released) == shown


@pytest.mark.parametrize(
    "text",
    [
        "`" + "word " * 250 + "` See `elsewhere.net and. More` here. " + "word " * 300,
        "[标签](https://elsewhere.net/" + "字" * 1500 + ") " + "字" * 300,
        "call " + "jane.roe" * 6 + "@acme-corp.com. 44 20 7946 0018 is mine. The end",
        "call [me](mailto:jane.roe@acme-corp.com?subject=how_are_you). 44 20 7946 0018. The end",
        "Code:\n```\n" + "x = 'readme.io' # jane.roe@acme-corp.com\n" * 40 + "```\nDone. It is",
        "Some text. " * 60 + "``` See elsewhere.net now. Then elsewhere.net again",
    ],
    ids=["code", "target", "e-mail", "label", "fence", "backticks"],
)
def test_a_piece_is_judged_as_it_stands_in_the_whole(text: str) -> None:
    shown, _ = judged(text)
    assert shown is not None
    released, rules = run_gate([text])
    assert ("".join(released), rules) == (shown, ())


def test_what_is_found_only_in_the_redacted_whole_blocks() -> None:
    """A rule that looks back further than the context of a piece breaks its contract."""

    class FarSight:
        def find(self, text: NormalisedText) -> list[Finding]:
            start = text.text.find("sesame")
            is_far = start > 1000 and "[e-mail removed]" in text.text[: start - 1000]
            return [text.finding("email", "far_sight", start, start + 6)] if is_far else []

    judge = Filter(load_policy(None))
    judge.screening.detectors = (*judge.screening.detectors, FarSight())
    text = "Mail jane.roe@acme-corp.com. " + "Some words. " * 100 + "Open sesame. End"
    _, rules = run_gate([text], judge)
    assert rules == ("far_sight",)


@pytest.mark.parametrize("opening", ["", "```\n"], ids=["lines", "a code block"])
def test_each_piece_is_judged_with_little_text_before_it(opening: str) -> None:
    examined: list[int] = []

    class Recorder:
        def find(self, text: NormalisedText) -> list[Finding]:
            examined.append(len(text.text))
            return []

    judge = Filter(load_policy(None))
    judge.screening.detectors = (Recorder(),)
    run_gate([opening, *["some code\n"] * 400], judge)
    assert max(examined[:-1]) < 2 * FORCED_AFTER + 50


def test_after_a_block_every_call_raises_it_again() -> None:
    async def stream() -> None:
        gate = FILTER.gate(request="r1")
        with pytest.raises(Blocked) as first:
            await gate.feed(f"{KEY}. Then ")
        with pytest.raises(Blocked) as second:
            await gate.feed("more")
        with pytest.raises(Blocked):
            await gate.finish()
        assert first.value.verdict is second.value.verdict is gate.verdict

    asyncio.run(stream())


@settings(max_examples=100, deadline=None)
@given(chunked(), st.integers(1, 40))
def test_a_block_that_spares_what_was_shown_spares_what_every_chunking_shows(
    chunks: list[str], size: int
) -> None:
    ending = f". The key is {KEY}. Then "
    text = "".join([*chunks, ending])
    parts = [text[i : i + size] for i in range(0, len(text), size)]
    spared = {kept_by_block(each, SPARING) for each in ([text], [*chunks, ending], parts)}
    assert len(spared) == 1
    assert KEY not in (spared.pop() or "")


@pytest.mark.parametrize(
    ("begun", "rest"),
    [("One. Two. ", f"The key is {KEY}. Then "), ("一。二。", f"密钥是 {KEY}。然后")],
)
def test_a_block_keeps_what_was_released_only_where_the_policy_says_so(
    begun: str, rest: str
) -> None:
    assert kept_by_block([begun + rest], SPARING) == begun
    assert kept_by_block([begun + rest], FILTER) is None


def kept_by_block(chunks: Sequence[str], judge: Filter) -> str | None:
    async def stream() -> tuple[str, str | None]:
        gate, released = judge.gate(request="r1"), ""
        try:
            for chunk in chunks:
                released += await gate.feed(chunk)
            await gate.finish()
        except Blocked as blocked:
            return released, blocked.kept
        pytest.fail("nothing was blocked")

    released, kept = RUNNER.run(stream())
    assert kept is None or kept.startswith(released)
    return kept


def test_a_block_by_what_reaches_back_or_by_a_failure_spares_nothing() -> None:
    class Late:
        """Finds in the whole what it did not find in its pieces."""

        def find(self, text: NormalisedText) -> list[Finding]:
            is_whole = text.text.endswith("end")
            return [Finding("secret", "late", 0, 4)] if is_whole else []

    judge = Filter(SPARING.policy)
    judge.screening.detectors = (*judge.screening.detectors, Late())
    assert kept_by_block(["One. Two. The ", "end"], judge) is None
    judge.screening.policy = SPARING.policy.model_copy(update={"max_chars": 12})
    assert kept_by_block(["One. Two. ", "Three and more"], judge) is None


def test_a_blocks_message_holds_names_of_rules_only() -> None:
    async def stream() -> str:
        with pytest.raises(Blocked) as blocked:
            await FILTER.gate(request="r1").feed(f"{KEY}. Then ")
        return str(blocked.value)

    assert asyncio.run(stream()) == "blocked by aws_access_key"


def test_the_verdict_after_finish_is_the_verdict_on_the_whole_text() -> None:
    text = "Write to jane.roe@acme-corp.com. See elsewhere.net/x today."

    async def stream() -> None:
        gate = FILTER.gate(request="r1")
        await gate.feed(text)
        await gate.finish()
        assert gate.verdict == await FILTER.judge(text, Stage.OUTPUT, request="r2")

    asyncio.run(stream())


def test_a_draft_that_is_stopped_has_a_verdict_on_what_was_shown() -> None:
    async def stream() -> None:
        gate = FILTER.gate(request="r1")
        shown = await gate.feed("First sentence. Mail jane.roe@acme-corp.com now. Rest")
        await gate.stop()
        await gate.stop()
        assert gate.verdict.text == shown
        assert gate.verdict.rules == ("email_address",)

    asyncio.run(stream())


def test_a_stream_over_the_limit_is_blocked() -> None:
    policy = load_policy(None).model_copy(update={"max_chars": 50})
    _, rules = run_gate(["Ten chars. "] * 6, Filter(policy))
    assert rules == ("too_long",)
