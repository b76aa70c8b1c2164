"""What Slack would ping, link or fetch is shown as plain words; nothing invisible is shown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety import Action, Stage, load_policy
from safety.policy.policy import LinkPolicy, Policy
from safety.screening.screening import Screening
from safety.text.normalise import normalise

SCREENING = Screening(load_policy(None))


def shown(text: str, policy: Policy | None = None) -> str | None:
    screening = SCREENING if policy is None else Screening(policy)
    return screening.judge(normalise(text), Stage.OUTPUT).text


def allowing(*hosts: str) -> Policy:
    return load_policy(None).model_copy(update={"links": LinkPolicy(allow=hosts)})


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("<!channel>", "channel"),
        ("<!here|here>", "here"),
        ("<!everyone>", "everyone"),
        ("<!subteam^S0123ABC>", "subteam"),
        ("<!subteam^S0123ABC|@design>", "design"),
        ("<!date^1392734382^{date}|Feb 18>", "Feb 18"),
        ("<@U024BE7LH>", "U024BE7LH"),
        ("<@U024BE7LH|anna>", "anna"),
        ("<#C024BE7LR|general>", "general"),
        ("@channel", "channel"),
        ("@HERE", "HERE"),
        ("＜!channel＞", "channel"),
        ("<!chan\u200bnel>", "channel"),
        ("@chan\ufe0fnel", "channel"),
        ("@chаnnel", "channel"),
    ],
)
@pytest.mark.parametrize("around", ["Hello {}, read this.", "大家好{}，请看", "{}"])
def test_slack_markup_is_shown_as_its_words(markup: str, words: str, around: str) -> None:
    assert shown(around.format(markup)) == around.format(words)


@pytest.mark.parametrize(
    "text",
    [
        "if a < b and c > d: pass",
        "vector<int> v; #include <stdio.h>",
        "mail@channel.example.com is a host",
        "the @hereabouts handle",
        "a <- b -> c",
        "5 <!= 6",
        "I am here, everyone, in the channel",
    ],
)
def test_what_only_looks_like_markup_stays(text: str) -> None:
    assert not [f for f in SCREENING.examine(normalise(text)) if f.category == "slack_markup"]


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("https://elsewhere.net/a.b?c=d.e", "elsewhere[.]net/a[.]b?c=d[.]e"),
        ("HTTP://ELSEWHERE.NET", "ELSEWHERE[.]NET"),
        ("www.elsewhere.net", "www[.]elsewhere[.]net"),
        ("elsewhere.net/path", "elsewhere[.]net/path"),
        ("elsewhere.io", "elsewhere[.]io"),
        ("notes.md/secret", "notes[.]md/secret"),
        ("evil.coach/x?d=1", "evil[.]coach/x?d=1"),
        ("evil.google/x", "evil[.]google/x"),
        ("evil.bargains?d=1", "evil[.]bargains?d=1"),
        ("evil.xn--p1ai/x", "evil[.]xn--p1ai/x"),
        ("evil.xn--p1ai", "evil[.]xn--p1ai"),
        ("http://localhost:8000/x", "localhost:8000/x"),
        ("http://10.0.0.1/x", "10[.]0[.]0[.]1/x"),
        ("ftp://elsewhere.net", "ftp[:]//elsewhere[.]net"),
        ("javascript:alert(1)", "javascript[:]alert(1)"),
        ("data:text/html,hello", "data[:]text/html,hello"),
        ("[our page](https://elsewhere.net/x)", "our page (elsewhere[.]net/x)"),
        ("[https://bank.com](https://evil.net)", "bank[.]com (evil[.]net)"),
        ("![a chart](https://evil.net/p.png?q=1)", "a chart (evil[.]net/p[.]png?q=1)"),
        ("![](https://evil.net/p.png)", "evil[.]net/p[.]png"),
        ("[go](javascript:alert(1))", "go (javascript[:]alert(1))"),
        ("[go](//evil.net/x)", "go (evil[.]net/x)"),
        ("[go]: https://evil.net", "go (evil[.]net)"),
        ("<https://evil.net|our page>", "our page (evil[.]net)"),
        ("<https://evil.net/x>", "evil[.]net/x"),
        ("https://evil.net/https://other.net/", "evil[.]net/https[:]//other[.]net/"),
        ("https://例子.com/a", "例子[.]com/a"),
        ("ｈｔｔｐｓ：／／ｅｖｉｌ．ｎｅｔ", "evil[.]net"),
        ("https://ev\u200bil.net", "evil[.]net"),
        ("_elsewhere.net_", "_elsewhere[.]net_"),
    ],
)
@pytest.mark.parametrize("around", ["See {} now", "({})", "{}", "看 {}，谢谢"])
def test_a_link_to_an_unknown_host_is_shown_and_not_linked(
    link: str, words: str, around: str
) -> None:
    assert shown(around.format(link)) == around.format(words)


@pytest.mark.parametrize(
    "text",
    [
        "Write e.g. this, i.e. that, at 5 p.m.",
        "Open main.py, README.md and build.sh.",
        "version 1.2.3 of and/or 24/7",
        "Set `config.name` and `np.int` in code",
        "```\nself.info = app.run()\n```",
        "The data: it shows growth. JavaScript: the good parts.",
        "items[0](x.y) and [see below](note)",
        "U.S. and U.K., Ph.D.",
        "Node.js/React, index.html#top, e.g./i.e., 9 a.m./p.m.",
        "Set `self.total/self.count` in code",
    ],
)
def test_what_is_no_link_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "https://acme.com/launch.html",
        "acme.com",
        "http://acme.com:8080/x",
        "https://docs.acme.org/a and https://a.b.acme.org",
    ],
)
def test_an_allowed_host_stays_a_link(text: str) -> None:
    assert shown(text, allowing("acme.com", "*.acme.org")) == text


@pytest.mark.parametrize(
    "text",
    [
        "https://acme.com@evil.net/",
        "https://acme.com.evil.net/",
        "https://evilacme.com/",
        "https://acme.org/",
        "https://evil.net/acme.com",
        "https://evil.net?acme.com",
        "javascript://acme.com/%0aalert(1)",
        "https://аcme.com/",
        "https://www.acme.com/",
    ],
)
def test_a_host_that_only_looks_allowed_is_not_linked(text: str) -> None:
    policy = allowing("acme.com", "*.acme.org")
    assert Screening(policy).judge(normalise(text), Stage.OUTPUT).action is Action.REDACT
    assert "://" not in str(shown(text, policy))


def test_a_label_is_shown_beside_its_target_even_where_the_host_is_allowed() -> None:
    text = "[click](https://acme.com/x)"
    assert shown(text, allowing("acme.com")) == "click (https://acme.com/x)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("zero\u200bwidth\u2060 and\ufeff", "zerowidth and"),
        ("bidi \u202eevil\u202c", "bidi evil"),
        ("tags\U000e0041\U000e0042", "tags"),
        ("bell\x07 and escape\x1b[31m", "bell and escape[31m"),
        ("soft\u00adhyphen", "softhyphen"),
        ("family 👨\u200d👩\u200d👧 and ❤️", "family 👨\u200d👩\u200d👧 and ❤️"),
        ("flag 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", None),
        ("می\u200cخواهم", None),
        ("क्\u200dष", None),
        ("two\n\n\tlines\r\n", None),
    ],
)
def test_what_nobody_can_see_is_not_shown(text: str, words: str | None) -> None:
    assert shown(text) == (text if words is None else words)


@pytest.mark.parametrize(
    "text",
    [
        "<!<!channel>>",
        "<<!here>!channel>",
        "[[a](https://b.net)](https://c.net)",
        "[![a](https://b.net/i.png)](https://c.net)",
        "http://http://evil.net",
        "http://javascript:alert(1)",
        "@@channel",
        "@chan<!here>nel",
        "[a](https://b.net)c.net/d",
        "<https://a.net|<https://b.net|c>>",
        "@\u200bchannel",
    ],
)
def test_what_redaction_brings_together_is_redacted_too(text: str) -> None:
    once = shown(text)
    assert once is None or shown(once) == once


SYMBOLS = [*"<>![]()@|. /`1，例\u200b\n", "//", "```"]
WORDS = ["<!channel>", "https://", "evil.net", "@here", "channel", "javascript:", "U1", "a"]
WHOLE = ["jane@acme.com", "4539 1488 0343 6467", "[a](https://evil.net)"]
DANGERS = st.sampled_from(SYMBOLS + WORDS + WHOLE)


@settings(max_examples=500)
@given(st.lists(DANGERS, max_size=14).map("".join))
def test_what_is_shown_holds_nothing_more_to_redact(text: str) -> None:
    once = shown(text)
    assert once is None or SCREENING.judge(normalise(once), Stage.OUTPUT).action is Action.ALLOW
