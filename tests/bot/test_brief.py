"""What people type after /draft, as a brief or as one sentence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.drafting.brief.brief import KNOWN, BadBrief, Brief, is_help, parse
from bot.drafting.brief.options import CHINESE, TONES, Options
from bot.drafting.brief.recipe import load_recipes
from bot.messages import LANGUAGES, sentences

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
    ["temperature=1.0 top_k=50 top_p=0.95 max_tokens=1024 n=3 rain"],
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
        ("temprature=1 rain", "Did you mean `temperature`?"),
        ("blog: rain temprature=1", "Did you mean `temperature`?"),
        ("volume=11 rain", "I know `kind`, `tone`, `words`"),
        ("kind=blgo rain", "Did you mean `blog`?"),
        ("n=9 rain", "`n` takes a whole number from 1 to 5, not `9`."),
        ("temperature=hot rain", "a number from 0 to 2, not `hot`."),
        ("temperature=nan rain", "a number from 0 to 2, not `nan`."),
        ("top_p=0 rain", "a number above 0, up to 1, not `0`."),
        ("n=1e9 rain", "`n` takes a whole number from 1 to 5"),
        ("seed=99999999999999999999 rain", "from 0 to 2147483647"),
        ("n= rain", "`n` takes a whole number from 1 to 5."),
        ("blgo: rain", "Did you mean `blog`?"),
        ("Stroy: rain", "Did you mean `story`?"),
        ("blog: temprature=1 rain", "Did you mean `temperature`?"),
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


@settings(max_examples=500)
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
