"""What people type after /draft, as a brief or as one sentence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.drafting.brief.brief import BadBrief, Brief, is_help, is_muting, parse
from bot.drafting.brief.names import KNOWN
from bot.drafting.brief.options import CHINESE, TONES, Options
from bot.drafting.brief.recipe import load_recipes
from bot.messages import LANGUAGES, sentences
from tests.fuzzing import FUZZ

RECIPES = load_recipes()
DEFAULTS = Options(
    n=1, temperature=0.7, top_k=50, top_p=0.95, repetition_penalty=1.1, max_tokens=512, seed=7
)


def parsed(typed: str, *languages: str) -> Brief:
    return parse(typed, RECIPES, DEFAULTS, limit=8000, languages=languages or ("en", "zh", "de"))


def sentence_for(typed: str, *languages: str) -> str:
    with pytest.raises(BadBrief) as bad:
        parsed(typed, *languages)
    return bad.value.sentence.to("en")


@pytest.mark.parametrize(
    ("typed", "recipe", "text"),
    [
        ("blog: our new office in Lisbon", "blog", "our new office in Lisbon"),
        ("Blog Post:our new office", "blog", "our new office"),
        ("博客：里斯本的新办公室", "blog", "里斯本的新办公室"),
        ("新闻稿:里斯本的新办公室", "news", "里斯本的新办公室"),
        ("kind=社交帖子 里斯本的新办公室", "social", "里斯本的新办公室"),
        ("类型＝教案 分数", "lesson", "分数"),
        ("Exercise: fractions", "lesson", "fractions"),
        ("kind=press-release rain", "news", "rain"),
        ("Re: the rain", "text", "Re: the rain"),
        ("Email Bob: the rain", "text", "Email Bob: the rain"),
        ("our new office in Lisbon", "text", "our new office in Lisbon"),
        ("Note to self: buy milk", "text", "Note to self: buy milk"),
        ("kind=news our new office", "news", "our new office"),
        ("text: E=mc2 for children", "text", "E=mc2 for children"),
        ("text: for children: E=mc2", "text", "for children: E=mc2"),
        ("  haiku\nabout rain  ", "text", "haiku\nabout rain"),
    ],
)
def test_the_kind_before_a_colon_chooses_the_recipe(typed: str, recipe: str, text: str) -> None:
    brief = parsed(typed)
    assert (brief.recipe, brief.text) == (recipe, text)


@pytest.mark.parametrize(
    "typed",
    [
        "n=3 top-k=40 blog: rain",
        "blog: n=3 TOP_K=40 rain",
        "blog: rain n=3 top_k=40",
        "n=3 blog: rain, top_k=40",
    ],
)
def test_options_stand_before_or_after_the_kind_or_at_the_end(typed: str) -> None:
    brief = parsed(typed)
    assert (brief.recipe, brief.text) == ("blog", "rain")
    assert (brief.options.n, brief.options.top_k) == (3, 40)


@pytest.mark.parametrize(
    "typed",
    [
        "temperature=1.0 top_k=50 top_p=0.95 max_tokens=1024 n=3 rain",
        "温度=1.0 候选词元数=50 累计概率=0.95 词元上限=1024 份数=3 雨",
    ],
)
def test_the_classical_sampling_can_be_asked_for(typed: str) -> None:
    options = parsed(typed).options
    assert (options.temperature, options.top_k, options.top_p) == (1.0, 50, 0.95)
    assert (options.max_tokens, options.n) == (1024, 3)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "nothing to write"),
        (" \n\t ", "nothing to write"),
        ("\u200b\u200d\ufeff\x07", "nothing to write"),
        ("blog:", "nothing to write"),
        ("n=3", "nothing to write"),
        ("x" * 50_000, "50,000 characters long; I take at most 8,000"),
        ("temprature=1 rain", "There is no option temprature: use temperature."),
        ("blog: rain temprature=1", "use temperature."),
        ("volume=11 rain", "I know kind, tone, words"),
        ("kind=blgo rain", "Did you mean blog?"),
        ("n=9 rain", "`n` takes a whole number from 1 to 5, not `9`."),
        ("temperature=hot rain", "a number from 0 to 2, not `hot`."),
        ("temperature=nan rain", "a number from 0 to 2, not `nan`."),
        ("top_p=0 rain", "a number above 0, up to 1, not `0`."),
        ("n=1e9 rain", "`n` takes a whole number from 1 to 5"),
        ("seed=99999999999999999999 rain", "from 0 to 2147483647"),
        ("n= rain", "`n` takes a whole number from 1 to 5."),
        ("blgo: rain", "Did you mean blog?"),
        ("Stroy: rain", "Did you mean story?"),
        ("blog: temprature=1 rain", "use temperature."),
        ("tone=fromal rain", "`enthusiastic`, `persuasive`, `simple`. Did you mean `formal`?"),
        ("tone=purple rain", "`tone` takes one of `formal`, `professional`"),
        ("lang=chinees rain", "Did you mean `Chinese`?"),
        ("words=5 rain", "a whole number from 10 to 3000"),
        ("social: network=linkdin rain", "Did you mean `linkedin`?"),
        ("blog: network=x rain", "A text of this kind is for no network"),
        ("tweet: words=300 rain", "a whole number from 10 to 70"),
    ],
)
def test_what_is_no_brief_gets_one_sentence_that_says_what_to_do(typed: str, says: str) -> None:
    assert says in sentence_for(typed)


SLIPS = [
    # What was typed, what is said, and what a form is filled in with.
    ("tones=formal rain", "There is no option tones: use tone.", {"tone": "formal"}, "rain"),
    ("word=300 rain", "There is no option word: use words.", {"words": "300"}, "rain"),
    ("language=zh rain", "There is no option language: use lang.", {"lang": "zh"}, "rain"),
    ("blog: rain language=en", "use lang.", {"kind": "blog", "lang": "en"}, "rain"),
    ('audiences="new parents" rain', "use audience.", {"audience": "new parents"}, "rain"),
    ("type=blog rain", "There is no option type: use kind.", {"kind": "blog"}, "rain"),
    ("style=formal blog: rain", "use tone.", {"kind": "blog", "tone": "formal"}, "rain"),
    ("语气s=正式 雨", "没有“语气s”这个选项，请用“语气”。", {"tone": "formal"}, "雨"),
    ("口吻=正式 雨", "没有“口吻”这个选项，请用“语气”。", {"tone": "formal"}, "雨"),
    ("语气=fromal 雨", "是不是想写 `正式`？", {"tone": "formal"}, "雨"),
    ("字数=9 雨", "`字数` 应该是从 10 到 3000 的整数，不能是 `9`。", {}, "雨"),
    ("类型=zzz 雨", "可用的有 博客、", {}, "雨"),
    ("口音=浓 雨", "“口音”这个选项", {}, "口音=浓 雨"),
    ("volume=11 n=2 rain", "There is no option volume.", {"n": "2"}, "volume=11 rain"),
    ("network=linkedn rain", "Did you mean `linkedin`?", {"network": "linkedin"}, "rain"),
    ("network=zzz rain", "takes one of `x`, `bluesky`", {}, "rain"),
    ("network=blog rain", "network=blog does not work: use kind=blog.", {"kind": "blog"}, "rain"),
    ("blog: network=X rain", "for no network", {"kind": "blog", "network": "x"}, "rain"),
    ("kind=zh rain", "kind=zh does not work: use lang=zh.", {"lang": "zh"}, "rain"),
    ("blog: kind=zh rain", "use lang=zh.", {"kind": "blog", "lang": "zh"}, "rain"),
    ("类型=中文 雨", "类型=中文 无效，请用 语言=中文。", {"lang": "zh"}, "雨"),
    ("kind=formal rain", "kind=formal does not work: use tone=formal.", {"tone": "formal"}, "rain"),
    ("tone=zh rain", "tone=zh does not work: use lang=zh.", {"lang": "zh"}, "rain"),
    (
        "kind=news blog: rain",
        "You named two kinds of text, news and blog: leave one of them out.",
        {"kind": "news"},
        "rain",
    ),
    (
        "类型=新闻稿 博客：雨",
        "你写了两个类型：新闻稿 和 博客。请只留一个。",
        {"kind": "news"},
        "雨",
    ),
    ("kind=blgo n=2 rain", "Did you mean blog?", {"kind": "blog", "n": "2"}, "rain"),
    ("kind=zzz rain", "There is no kind of text called zzz.", {}, "rain"),
    ("blgo: words=90 rain", "Did you mean blog?", {"kind": "blog", "words": "90"}, "rain"),
    ("n=9 seed=3 blog: rain", "from 1 to 5, not `9`.", {"kind": "blog", "seed": "3"}, "rain"),
    ("top_p=0 temperature=hot n=2 rain", "not `hot`.", {"n": "2"}, "rain"),
    ("tone=fromal rain", "Did you mean `formal`?", {"tone": "formal"}, "rain"),
    ("tone=purple words=90 rain", "`tone` takes one of", {"words": "90"}, "rain"),
    (
        "tweet: words=300 rain",
        "10 to 70",
        {"kind": "social", "network": "x", "words": "300"},
        "rain",
    ),
    ("n=2 blog:", "There is nothing to write yet", {"kind": "blog", "n": "2"}, ""),
    (
        "n=2 blog: " + "long " * 2000,
        "10,009 characters",
        {"kind": "blog", "n": "2"},
        "long " * 2000,
    ),
]


@pytest.mark.parametrize(("typed", "says", "options", "text"), SLIPS)
def test_a_slip_is_said_in_a_sentence_and_the_rest_is_understood(
    typed: str, says: str, options: dict[str, str], text: str
) -> None:
    with pytest.raises(BadBrief) as bad:
        parsed(typed)
    assert any(says in bad.value.sentence.to(language) for language in LANGUAGES)
    assert bad.value.understood.options == options
    assert bad.value.understood.text == text.strip()


def test_a_slip_of_a_form_is_told_from_one_in_its_text() -> None:
    for typed, in_text in (("rain", False), ("tone=purple rain", True)):
        with pytest.raises(BadBrief) as bad:
            parse(typed, RECIPES, DEFAULTS, limit=99, languages=["en"], chosen={"tone": "violet"})
        assert (bad.value.option, bad.value.typed) == ("tone", in_text)


def test_beside_a_kind_that_a_form_chose_an_unknown_option_is_text() -> None:
    chosen = {"kind": "lesson"}
    brief = parse("E=mc2", RECIPES, DEFAULTS, limit=99, languages=["en"], chosen=chosen)
    assert (brief.recipe, brief.text) == ("lesson", "E=mc2")


@pytest.mark.parametrize("typed", ["mute", " UNMUTE ", "静音", "取消静音"])
def test_muting_is_asked_for_by_one_word(typed: str) -> None:
    assert is_muting(typed)
    assert not is_muting(f"{typed} the trumpets")


def test_a_kind_may_stand_at_the_end() -> None:
    assert parsed("rain kind=blog").recipe == "blog"


def test_a_wrong_option_cannot_bring_markup_into_the_answer() -> None:
    assert "<" not in sentence_for("n=<!channel> rain")


def test_tone_words_and_language_can_be_chosen_in_english_and_in_chinese() -> None:
    english = parsed("kind=news tone=formal words=300 n=3 lang=zh our office in Lisbon")
    chinese = parsed("类型=新闻稿 语气=正式，字数=３００ 份数=3 语言=中文 our office in Lisbon")
    assert english == chinese
    assert (english.recipe, english.options.tone, english.options.words) == ("news", "formal", 300)
    assert (english.options.n, english.options.lang) == (3, "zh")


@pytest.mark.parametrize(
    ("typed", "network"),
    [
        ("tweet: rain", "x"),
        ("LinkedIn: rain", "linkedin"),
        ("network=twitter rain", "x"),
        ("小红书：下雨", "xiaohongshu"),
        ("kind=weibo rain", "weibo"),
        ("social: network=mastodon rain", "mastodon"),
        ("social: rain", None),
    ],
)
def test_a_post_is_for_the_network_that_is_named(typed: str, network: str | None) -> None:
    brief = parsed(typed)
    assert (brief.recipe, brief.options.network) == ("social", network)


def test_many_words_get_as_many_tokens_as_they_may_take_unless_tokens_are_chosen() -> None:
    assert parsed("words=50 rain").options.max_tokens == DEFAULTS.max_tokens
    assert parsed("words=1000 rain").options.max_tokens == 2000
    assert parsed("words=1000 max_tokens=90 rain").options.max_tokens == 90


@pytest.mark.parametrize(
    ("typed", "best"),
    [
        ("best=yes rain", True),
        ("rain 择优=是", True),
        ("best=no rain", False),
        ("rain", False),
    ],
)
def test_the_best_alone_is_shown_where_a_brief_says_so(typed: str, best: bool) -> None:
    assert parsed(typed).options.best is best


def test_what_is_chosen_comes_before_the_kind_and_the_kind_before_the_settings() -> None:
    assert parsed("rain").options.temperature == DEFAULTS.temperature
    assert parsed("news: rain").options.temperature == 0.4
    assert parsed("temperature=1.5 news: rain").options.temperature == 1.5


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("博客：里斯本的新办公室", "The model here writes English, not Chinese."),
        ("lang=zh our new office", "The model here writes English, not Chinese."),
        ("lang=en 里斯本的新办公室", "not Chinese"),
        ("写一篇关于 Kubernetes Operator 的博客文章", "not Chinese"),
        ("雨についてのブログ", "not Japanese"),
        ("비에 대한 이야기", "not Korean"),
        ("блог о дожде", "not Russian"),
        ("lang=german rain", "not German"),
    ],
)
def test_what_the_model_does_not_write_is_said_before_anything_is_written(
    typed: str, says: str
) -> None:
    assert says in sentence_for(typed, "en")


@pytest.mark.parametrize("typed", ["three poems of 李白 in short", "über den Regen", "🌧 1 2 3"])
def test_a_foreign_name_or_an_accent_makes_no_other_language(typed: str) -> None:
    assert parsed(typed, "en").options.lang is None


@pytest.mark.parametrize("typed", ["help", " HELP ", "?", "帮助"])
def test_help_is_asked_for_by_one_word(typed: str) -> None:
    assert is_help(typed)
    assert not is_help(f"{typed} me with a letter")


values = ["推特", "xyz", "3", "-1", "1e9", "nan"]
words = st.sampled_from([*KNOWN, *CHINESE, *TONES, *RECIPES, *values])
signs = st.sampled_from(["=", "＝", ":", "：", " ", "\n", "\u3000", "", "<!here>", "、"])
near_briefs = st.lists(words | signs | st.text(max_size=3), max_size=12).map("".join)


@settings(max_examples=500 * FUZZ)
@given(typed=st.text() | near_briefs, languages=st.sets(st.sampled_from(sentences.TEXT_LANGUAGES)))
def test_any_text_is_a_brief_or_a_sentence(typed: str, languages: set[str]) -> None:
    try:
        brief = parse(typed, RECIPES, DEFAULTS, limit=8000, languages=languages)
    except BadBrief as bad:
        for language in LANGUAGES:
            said = bad.sentence.to(language)
            assert 0 < len(said) <= 3000
            assert "<" not in said
    else:
        assert brief.text.strip()
        assert brief.recipe in RECIPES
        assert brief.options.lang is None or brief.options.lang in languages
