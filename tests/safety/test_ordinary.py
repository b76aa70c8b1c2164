"""Ordinary drafts pass: a filter that stops them is soon switched off."""

import asyncio

import pytest

from bot.drafting.brief.recipe import load_recipes
from safety import Filter, Stage, load_policy
from safety.training.train import with_own
from tests.safety.drafts import PARTS, drafts


@pytest.fixture(scope="module")
def judging() -> Filter:
    return Filter(load_policy(None))


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("language", PARTS)
def test_of_a_hundred_drafts_at_most_one_is_stopped(
    language: str, stage: Stage, judging: Filter
) -> None:
    async def stopped() -> list[str]:
        verdicts = [
            (row.source, await judging.judge(row.text, stage, request="r1"))
            for row in drafts(language)
        ]
        return [f"{kind}: {each.rules}" for kind, each in verdicts if not each.allowed]

    assert len(list(drafts(language))) >= 300
    assert len(found := asyncio.run(stopped())) <= 3, found


def test_the_drafts_are_of_every_kind_and_all_different() -> None:
    for parts in PARTS.values():
        assert set(parts["forms"]) == set(load_recipes())
    texts = [row.text for language in PARTS for row in drafts(language)]
    assert len(set(texts)) == len(texts)


def test_no_sentence_of_the_drafts_is_learned_from() -> None:
    learned = "\n".join(row.text for row in with_own([]))
    for parts in PARTS.values():
        for topic in parts["topics"]:
            assert not [each for each in (topic["lead"], *topic["facts"]) if each in learned]
