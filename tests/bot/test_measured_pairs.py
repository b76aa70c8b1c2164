"""How good the measures are: pairs of which the better one is known, and who tells them apart."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path

import pytest

from bot.drafting.measures import MEASURES, Judge
from bot.drafting.measures.repetition import repetition
from bot.drafting.measures.units import ends_whole, sentences_of, words_of
from bot.evaluate import marked
from bot.evaluate.measures import (
    BOTH,
    KINDS,
    Examiner,
    Row,
    Told,
    keep,
    main,
    rows_of,
    shown_by,
    table,
)
from bot.evaluate.pairs import MAKERS, Pair, pairs_of
from bot.evaluate.results import Journal, Run, Text
from bot.messages import Language
from inference.client import ChatMessage, EngineClient
from tests.conftest import Worker

ENGLISH = (
    "## Our tea\n\nOur tea comes from the hills of Yunnan. It travels by ship for six weeks. "
    "The ship stops in Lisbon, where oranges come on board. Both arrive in spring.\n\n"
    "- We pack the tea by hand.\n- We sell the oranges by weight.\n\nCome before noon. "
    "By noon the shelves are empty. Then only the cat is left."
)
SIBLING = (
    "Spring brings a ship to the harbour. Sacks are carried up the steps. A clerk counts each one. "
    "The cook is waiting for cinnamon. Nobody has seen the captain. He sleeps until evening."
)
CHINESE = (
    "我们的茶来自云南的山上。船要走六个星期。船在里斯本停一次。"
    "茶在春天到。我们用手包装。请中午以前来。"
)


def text_of(case: str, text: str, language: Language = "en", sample: int = 0) -> Text:
    return Text(case, "blog", language, "open", 0, sample, 7, "our tea", None, text, "stop")


def run_of(*texts: Text) -> Run:
    return Run("tiny", seed=7, n=2, chosen={}, recipes="", texts=texts)


RUN = run_of(
    text_of("blog-en-tea", ENGLISH),
    text_of("blog-en-tea", SIBLING, sample=1),
    text_of("blog-en-ship", SIBLING),
    text_of("blog-zh-tea", CHINESE, "zh"),
)
HOT = run_of(text_of("blog-en-tea", "Purple ministries evaporate sideways. Ladder of, whom? Nine."))


def pair_of(kind: str, case: str = "blog-en-tea") -> Pair:
    [pair] = [pair for pair in pairs_of(RUN, HOT, [kind]) if pair.case == case]
    return pair


def told(measure: str, kind: str, right: Sequence[float], language: Language = "en") -> list[Told]:
    return [Told(measure, kind, language, each) for each in right]


@pytest.mark.parametrize("case", ["blog-en-tea", "blog-zh-tea"])
def test_mixed_sentences_are_the_same_ones(case: str) -> None:
    pair = pair_of("shuffled", case)
    better, worse = sentences_of(pair.better), sentences_of(pair.worse)
    assert Counter(better) == Counter(worse)
    assert better != worse


@pytest.mark.parametrize("case", ["blog-en-tea", "blog-zh-tea"])
def test_what_is_repeated_makes_a_text_no_longer_in_sentences(case: str) -> None:
    pair = pair_of("repeated", case)
    better, worse = sentences_of(pair.better), sentences_of(pair.worse)
    assert len(better) == len(worse) > len({*worse})
    assert repetition(pair.worse, pair.language) > repetition(pair.better, pair.language)


@pytest.mark.parametrize("case", ["blog-en-tea", "blog-zh-tea"])
def test_a_cut_text_breaks_off_and_a_halved_one_does_not(case: str) -> None:
    cut, halved = pair_of("cut", case), pair_of("halved", case)
    assert cut.better.startswith(cut.worse)
    assert not cut.worse.endswith((".", "。"))
    assert halved.better.startswith(halved.worse)
    assert ends_whole(halved.worse, halved.language)


def test_knotted_sentences_have_the_same_words_and_are_fewer() -> None:
    pair = pair_of("knotted")
    assert len(sentences_of(pair.worse)) < len(sentences_of(pair.better)) / 2
    assert not {*words_of(pair.better, "en")} - {*words_of(pair.worse, "en")}


def test_a_copy_has_half_of_its_sentences_from_a_sibling() -> None:
    pair = pair_of("copied")
    assert pair.sibling == SIBLING
    assert {*sentences_of(pair.worse)} & {*sentences_of(SIBLING)}
    assert {*sentences_of(pair.worse)} & {*sentences_of(pair.better)}


def test_other_texts_are_of_the_same_kind_and_language() -> None:
    assert pair_of("other").worse == SIBLING
    assert [pair for pair in pairs_of(RUN, HOT, ["other"]) if pair.language == "zh"] == []
    assert pair_of("hot").worse == HOT.texts[0].text


def test_pairs_are_the_same_each_time() -> None:
    assert [*pairs_of(RUN, HOT, [*MAKERS])] == [*pairs_of(RUN, HOT, [*MAKERS])]


def test_every_kind_of_pair_can_be_made() -> None:
    assert {kind for kinds in KINDS.values() for kind in kinds} <= {*MAKERS}
    assert {*KINDS} == {*MEASURES}


def test_a_measure_that_guesses_is_not_shown() -> None:
    sure, guessing = [1.0] * 18 + [0.0] * 2, [1.0, 0.0] * 10
    rows = rows_of([*told("relevance", "other", sure), *told("readability", "knotted", guessing)])
    assert shown_by(rows) == {"en": ["relevance"]}


def test_a_measure_must_tell_all_of_its_pairs_apart() -> None:
    sure, wrong = [1.0] * 20, [0.0] * 20
    kinds = KINDS["coherence"]
    rights = {kind: told("coherence", kind, sure) for kind in kinds}
    assert shown_by(rows_of(chain(*rights.values()))) == {"en": ["coherence"]}
    for kind in kinds:
        without = {other: right for other, right in rights.items() if other != kind}
        assert shown_by(rows_of(chain(*without.values()))) == {"en": []}
        one_wrong = without | {kind: told("coherence", kind, wrong)}
        assert shown_by(rows_of(chain(*one_wrong.values()))) == {"en": []}


def test_few_pairs_prove_nothing() -> None:
    assert shown_by(rows_of(told("relevance", "other", [1.0] * 9))) == {"en": []}


@pytest.mark.parametrize(
    ("longer", "shown"),
    [(20, []), (19, []), (13, ["relevance"]), (10, ["relevance"]), (7, ["relevance"]), (1, [])],
)
def test_a_measure_of_length_is_not_shown(longer: int, shown: list[str]) -> None:
    halved = told("relevance", "halved", [1.0] * longer + [0.0] * (20 - longer))
    rows = rows_of([*told("relevance", "other", [1.0] * 20), *halved])
    assert shown_by(rows) == {"en": shown}


def test_what_is_shown_with_a_judge_is_decided_by_what_both_say_together() -> None:
    sure, wrong = [1.0] * 20, [0.0] * 20
    rows = rows_of(
        [
            *told("relevance", "other", sure),
            *told("judge: relevance", "other", wrong),
            *told("with judge: relevance", "other", wrong),
        ]
    )
    assert shown_by(rows) == {"en": ["relevance"]}
    assert shown_by(rows, BOTH) == {"en": []}


async def test_the_judge_and_what_is_counted_are_asked_together_and_alone() -> None:
    async def likes_cats(messages: Sequence[ChatMessage]) -> Mapping[str, float]:
        return {"5" if "cat is left" in messages[-1].content else "1": 0.0}

    async with EngineClient("unix:nowhere") as engine:
        examiner = Examiner(engine, "tiny", Judge(likes_cats), asyncio.Semaphore())
        found = await examiner.tell(pair_of("halved"), "creativity")
    assert [each.measure for each in found] == [
        "creativity",
        "judge: creativity",
        "with judge: creativity",
    ]
    assert [each.right for each in found[1:]] == [1.0, 1.0]
    assert "Shown with judge: (en): none." in table(rows_of(found), examiner, "tiny + critic")


async def test_what_a_sibling_has_in_common_does_not_depend_on_what_was_asked_before() -> None:
    async def value(*kinds: str) -> float:
        async with EngineClient("unix:nowhere") as engine:
            examiner = Examiner(engine, "tiny", None, asyncio.Semaphore())
            for kind in kinds:
                await examiner.tell(pair_of(kind), "creativity")
        return examiner.values["creativity", "en"]["blog-en-tea"]

    assert await value("repeated", "copied") == await value("copied") != await value("repeated")


async def test_the_table_says_what_wins_by_length_what_it_costs_and_how_values_spread() -> None:
    async with EngineClient("unix:nowhere") as engine:
        examiner = Examiner(engine, "tiny", None, asyncio.Semaphore())
        found = [
            each
            for pair in pairs_of(RUN, HOT, ["copied", "halved"])
            for each in await examiner.tell(pair, "creativity")
        ]
    examiner.costs["relevance"].append(700)
    said = table(rows_of(found), examiner, "tiny")
    assert "| the longer wins |" in said
    assert "Tokens read for relevance: 700 a text" in said
    assert "Values of creativity (en) in texts of the run, quartiles: 0." in said


def test_ties_count_half() -> None:
    [row] = rows_of(told("relevance", "other", [0.5] * 30))
    assert isinstance(row, Row)
    assert row.accuracy.value == 0.5
    assert not row.tells


def test_what_is_kept_of_one_language_stays_when_another_is_measured(tmp_path: Path) -> None:
    place = tmp_path / "shown.json"
    place.write_text('{"other": {"en": ["relevance"]}}')
    keep("tiny", {"en": ["relevance", "coherence"]}, place)
    keep("tiny", {"zh": []}, place)
    assert json.loads(place.read_text()) == {
        "other": {"en": ["relevance"]},
        "tiny": {"en": ["relevance", "coherence"], "zh": []},
    }


def test_the_command_measures_with_a_worker(
    tiny_worker: Worker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Journal(tmp_path / "run").save(RUN)
    Journal(tmp_path / "hot").save(HOT)
    asked = [str(tmp_path / "run"), "--hot", str(tmp_path / "hot"), "--url", tiny_worker.url]
    assert main([*asked, "--languages", "en"]) == 0
    said = capsys.readouterr().out
    for measure, kinds in KINDS.items():
        for kind in kinds:
            assert f"| {measure} | en | {kind} |" in said
    assert "Tokens read for coherence" in said
    assert "Shown (en): none." in said  # Two briefs prove nothing.


@pytest.mark.parametrize("command", [main, marked.main])
@pytest.mark.parametrize(
    ("option", "number"), [("--concurrency", "0"), ("--concurrency", "-1"), ("--limit", "-1")]
)
def test_numbers_below_one_are_refused(
    command: Callable[[Sequence[str]], int],
    option: str,
    number: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="2"):
        command(["run", option, number])
    assert f"{number} is not 1 or more" in capsys.readouterr().err


@pytest.mark.parametrize("some", [[], ["--hot", "hot", "--pairs", "cut"]])
def test_a_result_of_some_pairs_is_not_kept(
    some: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--keep", *some]) == 2
    assert "--keep needs all pairs" in capsys.readouterr().err


def test_a_run_without_texts_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Journal(tmp_path).save(run_of())
    assert main([str(tmp_path)]) != 0
    assert "has no text that pairs can be made of" in capsys.readouterr().err
