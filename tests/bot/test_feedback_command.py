"""`draftsmith feedback`: what an operator reads, goes back on, and gives to whoever trains."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import bot
from bot.cli import feedback
from bot.drafting.learning import Learning
from bot.drafting.training_pairs import Pair, TrainingPairs
from bot.errors import OperatorError
from bot.intervals import wilson
from bot.settings import ExplicitSettings, Settings
from bot.store import Preferences, Store, StoreUnavailable
from bot.store.models import now
from tests.bot.clicker import TEAM, Clicker

BOT = Path(bot.__file__).parent
IMPORTS = re.compile(r"(?:from|import) bot\.evaluate\b")


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    return ExplicitSettings(data_dir=tmp_path, database_url=None)


async def clicked(settings: Settings, times: int) -> None:
    """Accept one of two drafts so many times: mostly the more readable one."""
    store = await Store.open(settings.database)
    clicker = Clicker(store)
    for i in range(times):
        versions = await clicker.two(better=i % 2)
        await clicker.accept(versions[i % 2 if i % 8 else 1 - i % 2])
    await Learning(store).refit(TEAM)
    await store.close()


async def test_it_says_what_clicks_taught_and_how_well_they_are_predicted(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await clicked(settings, 40)
    assert await feedback.report(settings) == 0
    said = capsys.readouterr().out
    assert f"Workspace {TEAM}" in said
    assert "80 drafts beside others: 40 accepted" in said
    assert "40 comparisons of measured drafts, in 40 threads" in said
    assert "unseen comparisons told right: 88% (95 %: 74% to 95%)" in said
    assert "by the built-in weights 88%" in said
    assert "40 comparisons, 88% of unseen ones right; the built-in weights told more" in said


async def test_a_few_clicks_are_said_to_be_too_few(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await clicked(settings, 3)
    await feedback.report(settings)
    assert "nothing is learnt before there are 36 comparisons" in capsys.readouterr().out


async def test_a_reset_is_said_and_counts_from_then_on(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await clicked(settings, 40)
    assert await feedback.reset(settings, TEAM) == 0
    await feedback.report(settings)
    said = capsys.readouterr().out
    assert "0 comparisons of measured drafts" in said
    assert ": reset" in said
    with pytest.raises(OperatorError, match="no workspace T9"):
        await feedback.reset(settings, "T9")


async def test_only_the_pairs_of_people_who_agreed_in_the_apps_home_are_written(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await clicked(settings, 2)
    file = tmp_path / "pairs.jsonl"
    assert await feedback.export(settings, file) == 0
    assert file.read_text() == ""
    assert "0 pairs written. 2 left out" in capsys.readouterr().err
    store = await Store.open(settings.database)
    await store.save_preferences(Preferences(user="U1", consented_at=now()))
    await store.close()
    await feedback.export(settings, file)
    pairs = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [set(pair) for pair in pairs] == [{"prompt", "chosen", "rejected"}] * 2
    assert pairs[0]["chosen"] == [{"role": "assistant", "content": "Text 2."}]


async def test_a_file_that_cannot_be_written_is_one_sentence(
    settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(OperatorError, match="cannot be written"):
        await feedback.export(settings, tmp_path / "no" / "pairs.jsonl")


async def test_the_file_is_for_its_user_alone_and_whole_or_not_there(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await clicked(settings, 2)
    file = tmp_path / "pairs.jsonl"
    file.write_text("from before")
    file.chmod(0o644)

    async def fails(_: TrainingPairs, __: str) -> AsyncIterator[Pair]:
        yield {}
        raise StoreUnavailable

    with monkeypatch.context() as broken:
        broken.setattr(TrainingPairs, "of", fails)
        with pytest.raises(StoreUnavailable):
            await feedback.export(settings, file)
    assert file.read_text() == "from before"
    await feedback.export(settings, file)
    assert file.read_text() == ""
    assert file.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("*.part"))


async def test_comparisons_of_one_thread_are_no_evidence_of_their_own(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    store = await Store.open(settings.database)
    clicker = Clicker(store)
    for _ in range(12):
        first = (await clicker.two())[0]
        for _ in range(3):
            await clicker.accept((await clicker.two(thread_id=first.thread_id))[0])
    await store.close()
    await feedback.report(settings)
    said = capsys.readouterr().out
    assert "36 comparisons of measured drafts, in 12 threads" in said
    sure = wilson(1.0, 12)
    assert f"told right: 100% (95 %: {sure.low:.0%} to 100%)" in said


def test_the_product_does_without_its_evaluation() -> None:
    files = [file for file in BOT.rglob("*.py") if "evaluate" not in file.parts]
    assert files
    assert [file for file in files if IMPORTS.search(file.read_text("utf-8"))] == []
