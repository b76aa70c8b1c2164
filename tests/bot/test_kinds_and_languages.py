"""Kinds, help and languages as people in Slack meet them; only the model is scripted."""

from pathlib import Path

import pytest

from bot.app import Bot
from bot.workspace import Workspace
from tests.person import Person, StartBot, facts
from tests.scripted_engine import ScriptedEngine

POEM = """
name = "poem"
en = { title = "a poem", names = ["verse"], ask = "Write a poem about this:", example = "rain" }
sampling = { temperature = 1.1 }
"""


@pytest.fixture
def mei(workspace: Workspace) -> Person:
    """Return somebody whose Slack is in Chinese."""
    return Person(workspace, workspace.person("mei", locale="zh-CN"), workspace.channel("launch"))


async def test_help_shows_every_kind_and_option_with_examples_and_starts_nothing(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    assert (await ana.draft("help")).ok
    (whisper,) = workspace.whispers(ana.id)
    said = str(whisper.blocks)
    for name in ("blog", "news", "report", "social", "lesson", "story", "script", "email", "text"):
        assert f"/draft {name}: " in said
    for name in ("tone", "words", "lang", "n", "temperature", "top_k", "top_p", "max_tokens"):
        assert f"`{name}=`" in said
    assert "a whole number from 1 to 5" in said
    assert workspace.messages(ana.channel) == []


async def test_somebody_whose_slack_is_in_chinese_is_told_everything_in_chinese(
    bot: Bot, mei: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await mei.draft("blog:")
    assert "还没有要写的内容" in str(workspace.views(mei.id)[-1].blocks)
    await mei.draft("")
    (view,) = await workspace.until(lambda: workspace.views(mei.id))
    assert view.body["title"]["text"] == "新草稿"
    answer = await workspace.submit(mei.id, view.id, {"brief": "n=9 rain", "drafts": "1"})
    assert answer.errors["brief"] == "份数 应该是从 1 到 5 的整数，不能是 9。"
    await mei.draft("help")
    helped = str(workspace.whispers(mei.id)[-1].blocks)
    assert "怎么用" in helped
    assert "/draft 博客：our new office in Lisbon" in helped  # What this model can write.

    await mei.draft("博客: our new office")
    (draft,) = await mei.sees_drafts(1)
    assert f"<@{mei.id}> 要写一篇博客：our new office" in mei.root.text
    assert "草稿 1" in draft.text
    assert "再写一份" in str(draft.blocks)
    await mei.reply("n" * 9000)
    await mei.hears("请缩短后再发")


async def test_people_of_two_languages_are_each_told_in_their_own(
    bot: Bot, ana: Person, mei: Person, workspace: Workspace
) -> None:
    for person, says in ((ana, "Did you mean blog?"), (mei, "是不是想写“博客”？")):
        await person.draft("kind=blgo rain")
        assert says in str(workspace.views(person.id)[-1].blocks)


async def test_a_locale_that_slack_does_not_tell_is_taken_for_english(
    bot: Bot, mei: Person, workspace: Workspace
) -> None:
    workspace.fail("users.info", status=500, times=5)
    ack = await mei.draft("blog:")
    shown = str([view.blocks for view in workspace.views(mei.id)])
    assert "nothing to write" in ack.text + shown


async def test_a_locale_is_asked_for_once(bot: Bot, mei: Person, workspace: Workspace) -> None:
    for _ in range(3):
        await mei.draft("blog:")
    assert [call.method for call in workspace.calls].count("users.info") == 1


async def test_a_brief_in_a_language_that_the_model_does_not_write_starts_nothing(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    await ana.draft("博客：里斯本的新办公室")
    assert "not Chinese" in str(workspace.views(ana.id)[-1].blocks)
    assert workspace.messages(ana.channel) == []
    await ana.draft("blog: rain")
    await ana.sees_drafts(1)
    await ana.reply("改得正式一点")
    await ana.hears("not Chinese")
    assert len(engine.requests) == 1


async def test_a_model_that_writes_chinese_is_asked_in_chinese_for_a_chinese_brief(
    start: StartBot, mei: Person, engine: ScriptedEngine
) -> None:
    async with start(model_languages=["en", "zh"]):
        await mei.draft("新闻稿：语气=正式 里斯本的新办公室")
        await mei.sees_drafts(1)
        (first,) = engine.requests
        assert "语气要正式" in first["messages"][-1]["content"]
        await mei.reply("再短一点")
        await mei.sees_drafts(2)
    assert engine.requests[1]["messages"][1] == first["messages"][1]


async def test_tone_and_length_last_for_the_whole_thread(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    await ana.draft("kind=news tone=formal words=120 n=2 our office")
    first, _ = await ana.sees_drafts(2)
    await ana.react(first, "repeat")
    await ana.sees_drafts(3)
    await ana.reply("shorter")
    await ana.sees_drafts(4)
    asked = [request["messages"][1]["content"] for request in engine.requests]
    assert len(set(asked)) == 1
    assert "Keep the tone formal. Write about 120 words." in asked[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("We are hiring two designers.", "28 of 280 characters (x)"),
        ("We are hiring. " * 30, ":warning: 449 characters, over the 280 of x"),
    ],
)
async def test_a_post_says_whether_its_network_takes_it(
    bot: Bot, ana: Person, engine: ScriptedEngine, text: str, says: str
) -> None:
    engine.write = lambda _: text
    await ana.draft("tweet: we are hiring")
    (draft,) = await ana.sees_drafts(1)
    assert facts(draft) == says


async def test_an_operators_kind_is_drafted_and_is_in_the_help(
    start: StartBot, ana: Person, engine: ScriptedEngine, workspace: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "kinds"
    folder.mkdir()
    (folder / "poem.toml").write_text(POEM, encoding="utf-8")
    async with start(recipes=folder):
        await ana.draft("help")
        assert "/draft poem: rain" in str(workspace.whispers(ana.id)[-1].blocks)
        await ana.draft("poem: the sea")
        (draft,) = await ana.sees_drafts(1)
        assert "asked for a poem: the sea" in ana.root.text
        assert engine.requests[0]["temperature"] == 1.1
    # The operator takes the file away: the thread goes on as free text.
    async with start():
        await ana.react(draft, "repeat")
        await ana.sees_drafts(2)
        assert engine.requests[1]["messages"][-1]["content"].endswith("Write this: the sea")
