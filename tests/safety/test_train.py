"""Fitting: the same every time, on rows whose label is known, with thresholds that hold."""

import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from safety.classifier.classifier import sigmoid
from safety.training.dataset import LabelledText, has
from safety.training.examples import example, task
from safety.training.logistic import Sparse, fit, minimum
from safety.training.train import CATEGORIES, fitted, main, scorers, threshold
from safety.verdict import Stage


def row(text: str, *categories: str, lang: str = "zh", source: str = "forum") -> LabelledText:
    return LabelledText(
        text=text,
        stage=Stage.OUTPUT,
        lang=lang,
        unsafe=bool(categories),
        categories=categories,
        source=source,
    )


HARMFUL = ("steal", "smuggle", "burgle")
THINGS = ("car", "house", "shop", "boat")
NOUNS = ["办公室", "项目", "会议", "同事", "客户", "报告", "午餐", "天气"]
ROWS = [
    *[
        row(f"{noun}{verb}都是垃圾，滚出去", *CATEGORIES["zh"])
        for noun, verb in product(NOUNS, "的在和了是有要")
    ],
    *[row(f"{noun}{verb}很好，谢谢大家") for noun, verb in product(NOUNS, "的在和了是有要")],
]


def test_two_fits_of_the_same_rows_are_the_same_and_tell_them_apart() -> None:
    (one, limits), (other, same) = scorers("zh", ROWS), scorers("zh", ROWS)
    for name in ("tables", "words", "biases"):
        assert (getattr(one, name) == getattr(other, name)).all()
    assert limits == same
    assert 0 < limits["hate"] < 0.5
    odds = [one.log_odds(each.seen, each.places)[0, -1] for each in examples()]
    assert min(odds[:56]) > max(odds[56:])


def examples(rows: list[LabelledText] = ROWS) -> list:  # type: ignore[type-arg]
    return [example(each, "zh") for each in rows]


def test_rows_whose_label_is_not_known_teach_nothing() -> None:
    others = [
        row("别的坏话", "violence", source="other"),
        row("别的好话", source="other"),
        row("平常的话", source="ordinary"),
    ]
    learned = task(examples(ROWS + others), "hate")
    texts = [each.row.text for each in learned.examples]
    assert "别的坏话" not in texts
    assert {"别的好话", "平常的话"} < set(texts)
    assert learned.labels.sum() == 56
    assert learned.importance.min() < learned.importance.max() == 1.0


REQUESTS = [
    row(f"how can I {verb} a {noun} tonight", *(["illicit"] if verb in HARMFUL else []), lang="en")
    for verb, noun in product([*HARMFUL, "paint", "repair", "photograph"], THINGS)
]


def test_what_is_known_of_words_reaches_words_that_no_row_holds() -> None:
    learned = task([example(each, "en") for each in REQUESTS], "illicit")
    fitted_ = fitted(learned, "illicit", "en")
    seen = [example(row(f"how can I {verb} it", lang="en"), "en") for verb in ("rob", "clean")]
    robbing, cleaning = (fitted_.log_odds(each.seen, each.places)[0, -1] for each in seen)
    assert robbing > cleaning


def test_a_harmful_row_of_another_kind_counts_a_little_as_a_harmful_answer() -> None:
    rows = [row("x" * 9, "harm"), row("y" * 9), row("z" * 9, "violence", source="other")]
    learned = task(examples([*rows, row("w" * 9, "pii", source="people")]), "harm")
    assert learned.labels.tolist() == [1, 0, 1]
    assert 0 < learned.importance[2] < learned.importance[0]


def test_whatever_is_no_attack_teaches_what_an_attack_is_not() -> None:
    rows = [row("x" * 9, "prompt_attack"), row("y" * 9, "violence", source="other")]
    request = row("z" * 9, source="requests").model_copy(update={"stage": Stage.INPUT})
    learned = task(examples([*rows, request]), "prompt_attack")
    assert learned.labels.tolist() == [1, 0, 0]
    assert learned.importance[0] < learned.importance[1] < learned.importance[2]


def test_unsafe_is_any_category_that_is_named_beside_others() -> None:
    assert has(row("x", "sexual", "violence"), "unsafe")
    assert not has(row("x", "prompt_attack"), "unsafe")


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.25])
def test_a_threshold_keeps_false_alarms_of_every_source_at_its_rate(rate: float) -> None:
    rows = [row(f"句子{number}号", source="forum") for number in range(100)]
    rows += [row(f"话语{number}号", source="chat") for number in range(100)]
    rows += [row("坏话", "hate", source=source) for source in ("forum", "chat")]
    scores = np.random.default_rng(1).uniform(size=len(rows))
    limit = threshold(scores, task(examples(rows), "hate"), "hate", rate)
    for part in (scores[:100], scores[100:200]):
        assert (part > limit).mean() <= rate + 1e-9
    assert max((scores[:100] > limit - 0.03).mean(), (scores[100:200] > limit - 0.03).mean()) > rate


def test_the_fit_is_where_the_gradient_is_zero() -> None:
    generator = np.random.default_rng(0)
    dense = generator.normal(size=(80, 5))
    labels = (dense @ [1.0, -2, 0, 0.5, 0] + generator.normal(size=80) > 0).astype(np.float64)
    rows, columns = np.indices(dense.shape)
    matrix = Sparse(rows.ravel(), columns.ravel(), dense.ravel(), *dense.shape)
    weights, bias = fit(matrix, labels, np.ones(80), strength=1.0)
    errors = sigmoid(dense @ weights + bias) - labels
    assert np.abs(dense.T @ errors + weights).max() < 0.05
    assert abs(errors.sum()) < 0.05


def test_a_bowl_has_its_minimum_at_its_bottom() -> None:
    scales = np.array([1.0, 10.0, 100.0])
    point = minimum(lambda x: (float(scales @ (x - 3) ** 2) + 1, 2 * scales * (x - 3)), np.zeros(3))
    assert point == pytest.approx([3, 3, 3], abs=1e-2)


def test_collections_are_named_by_the_first_word_of_their_sources() -> None:
    rows = [row(f"句子{number}号", source=f"forum {number % 3}") for number in range(60)]
    scores = np.linspace(0.1, 0.9, 61)
    learned = task(examples([*rows, row("坏话", "hate", source="forum 0")]), "hate")
    assert threshold(scores, learned, "hate", 0.05) < 1


def test_a_path_that_is_no_folder_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["train", str(tmp_path / "nowhere")])
    assert main() == 2
    assert "nowhere is no folder: name the one that holds *.jsonl." in capsys.readouterr().err


def test_a_folder_without_rows_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "weights.npz"
    monkeypatch.setattr(sys, "argv", ["train", str(tmp_path), "--out", str(out)])
    assert main() == 2
    assert capsys.readouterr().err.startswith("train: No row is labelled sexual_minors")
    assert not out.exists()
