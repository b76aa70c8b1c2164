"""The set of briefs, and what is reckoned from the checks."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bot.drafting.brief.recipe import FREE, load_recipes
from bot.errors import OperatorError
from bot.evaluate.cases import Case, chosen, load_cases
from bot.evaluate.compare import comparison
from bot.evaluate.conditions import Conditions
from bot.evaluate.report import tables
from bot.evaluate.results import Journal, Run, Text, load
from bot.evaluate.session import checked_again
from bot.intervals import exact_test, mean_difference, wilson
from bot.settings import ExplicitSettings

CASES = load_cases()
CONDITIONS = Conditions(load_recipes(), ExplicitSettings(), {}, 0)
RUN = Run("scripted", 0, 1, {}, "")


def text(case: str, *, turn: int = 0, sample: int = 0, **checks: bool) -> Text:
    said = "Shorter." if turn else None
    half = "held-back" if case.endswith("b") else "open"
    return Text(
        case, "blog", "en", half, turn, sample, 0, "a brief", said, "A text.", "stop", 9, checks
    )


def test_there_are_120_briefs_of_all_kinds_in_both_languages_half_of_them_held_back() -> None:
    assert len(CASES) >= 120
    assert len({case.name for case in CASES}) == len(CASES)
    shares = Counter((case.kind, case.language, case.held_back) for case in CASES)
    kinds = load_recipes().keys() - {FREE}
    assert set(shares) == {(k, lang, h) for k in kinds for lang in ("en", "zh") for h in (0, 1)}
    assert len(set(shares.values())) == 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_brief_is_read_as_its_file_says(case: Case) -> None:
    brief = CONDITIONS.brief(case)
    assert brief.recipe == case.kind
    assert (brief.options.lang or "en") == case.language
    assert not re.search(r"\w[=＝]", brief.text)


def test_a_wrong_file_of_briefs_is_told_with_its_place(tmp_path: Path) -> None:
    wrong = '[[brief]]\nname = "a-brief"\ntyped = "x"\nwish = { says = "Shorter." }\n'
    (tmp_path / "blog.en.toml").write_text(wrong)
    with pytest.raises(OperatorError, match=r"wrong at brief\.0\.wish: .*nothing to look for"):
        load_cases(tmp_path)


def test_a_limit_takes_from_all_kinds_in_turn() -> None:
    some = chosen(CASES, languages=["en"], half="held-back", limit=9)
    assert len({case.kind for case in some}) == 8
    assert {case.half for case in some} == {"held-back"}
    assert {case.kind for case in chosen(CASES, kinds=["news"])} == {"news"}


def test_seeds_depend_on_the_brief_and_not_on_what_else_is_written() -> None:
    seeds = {CONDITIONS.brief(case).options.seed for case in CASES}
    assert len(seeds) == len(CASES)
    other = replace(CONDITIONS, seed=1)
    assert other.brief(CASES[0]).options.seed == CONDITIONS.brief(CASES[0]).options.seed + 1


def test_what_is_set_overrides_a_kind_and_what_is_typed_overrides_both() -> None:
    hotter = replace(CONDITIONS, chosen={"temperature": "0.9", "tone": "formal"})
    news = next(case for case in CASES if case.name == "news-en-factory")
    assert CONDITIONS.brief(news).options.temperature == 0.4
    assert hotter.brief(news).options.temperature == 0.9
    typed = news.model_copy(update={"typed": "news: tone=warm temperature=0.1 x y z"})
    assert hotter.brief(typed).options.temperature == 0.1
    assert hotter.brief(typed).options.tone == "warm"


def test_an_option_out_of_its_range_is_a_sentence() -> None:
    with pytest.raises(OperatorError, match=f"{CASES[0].name}: .*temperature"):
        replace(CONDITIONS, chosen={"temperature": "9"}).brief(CASES[0])


def test_the_interval_of_a_share_is_wilsons() -> None:
    found = wilson(0.9, 50)
    assert (round(found.low, 3), round(found.high, 3)) == (0.786, 0.957)
    assert wilson(1.0, 4).high == pytest.approx(1.0)


def test_the_test_of_pairs_is_mcnemars_exact_one() -> None:
    # 12 better and 3 worse of 100: 2 * P(X <= 3), X binomial (15, 1/2).
    differences = [1.0] * 12 + [-1.0] * 3 + [0.0] * 85
    assert exact_test(differences) == pytest.approx(0.03516, abs=1e-5)
    assert exact_test([0.0]) == 1.0
    found = mean_difference(differences)
    assert found.value == pytest.approx(0.09)
    assert 0 < found.low < found.value < found.high


def test_several_texts_of_a_brief_are_no_further_evidence() -> None:
    one = replace(RUN, texts=[text("b1", whole=True), text("b2", whole=False)])
    many = [replace(each, sample=i) for each in one.texts for i in range(5)]
    share = "50 % [9, 91]"
    assert share in tables(one)
    assert share in tables(replace(RUN, texts=many))


def test_the_tables_say_how_often_refinements_follow() -> None:
    texts = [
        text("b1"),
        text("b1", turn=1, wish=True),
        text("b2b"),
        text("b2b", turn=1, wish=False),
    ]
    said = tables(replace(RUN, texts=texts))
    assert "Refinements that follow, all briefs: 50 %" in said
    assert "Refinements that follow, held-back: 0 %" in said


def test_a_comparison_pairs_the_briefs_that_both_runs_have() -> None:
    old = replace(RUN, texts=[text(f"b{i}", whole=i % 2 == 0) for i in range(8)])
    new = replace(RUN, texts=[text(f"b{i}", whole=True) for i in range(7)])
    [row] = [line for line in comparison(old, new).split("###")[1].splitlines() if "whole" in line]
    assert row.startswith("| whole | 7 | 57 % | 100 % | +43 [")
    assert "| 3, 0 | 0.250 |" in row
    with pytest.raises(OperatorError, match="no brief in common"):
        comparison(old, replace(RUN, texts=[text("c1", whole=True)]))


def test_a_draft_and_its_refinement_are_one_pair() -> None:
    old = [text("b1", whole=True), text("b1", turn=1, whole=False)]
    new = [text("b1", whole=True), text("b1", turn=1, whole=True)]
    said = comparison(replace(RUN, texts=old), replace(RUN, texts=new))
    assert "| whole | 1 | 50 % | 100 % |" in said


def test_a_run_is_read_as_it_was_written_and_its_results_hold_no_words(tmp_path: Path) -> None:
    run = replace(RUN, texts=[text("b1", whole=True), text("b1", turn=1, wish=True)])
    Journal(tmp_path).save(run)
    assert load(tmp_path) == run
    assert "A text." not in (tmp_path / "results.json").read_text()
    assert comparison(run, load(tmp_path / "results.json"))
    with pytest.raises(OperatorError, match="no results"):
        load(tmp_path / "texts.jsonl")


def test_a_run_goes_on_only_where_it_is_the_same(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.save(RUN)
    journal.add([text("b1", whole=True)])
    assert [each.case for each in journal.begun(RUN).texts] == ["b1"]
    with pytest.raises(OperatorError, match="another run"):
        journal.begun(replace(RUN, chosen={"temperature": "0.9"}))


def test_a_text_may_have_any_character_that_ends_a_line_elsewhere(tmp_path: Path) -> None:
    run = replace(RUN, texts=[replace(text("b1"), text="a\u2028b\u2029c\x85d\ne\r\nf\x0bg")])
    Journal(tmp_path).save(run)
    assert load(tmp_path) == run


def test_a_text_that_was_being_written_is_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.save(RUN)
    journal.add([text("b1"), text("b2")])
    file = tmp_path / "texts.jsonl"
    written = file.read_bytes()
    file.write_bytes(written[:-30])
    assert [each.case for each in journal.begun(RUN).texts] == ["b1"]


def test_texts_that_cannot_be_written_anew_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, run = Journal(tmp_path), replace(RUN, texts=[text("b1")])
    journal.save(run)

    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        journal.save(replace(RUN, texts=[text("b2")]))
    assert load(tmp_path) == run


def test_texts_are_checked_anew_without_being_written_anew() -> None:
    case = next(case for case in CASES if case.name == "email-en-workshop")
    written = text(case.name)
    again = checked_again(replace(RUN, texts=[replace(written, kind="email")]))
    assert again.texts[0].checks["asked words"] is False
    assert again.texts[0].checks["whole"] is True
    with pytest.raises(OperatorError, match="not there any more"):
        checked_again(replace(RUN, texts=[text("blog-en-gone")]))
