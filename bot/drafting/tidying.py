"""What is no part of a draft, although models write it: labels, and talk about the text itself.

"Sure, here is your blog post:", "Title: Our New Office", and at the end "This blog post gives a
friendly overview of ...". Small models do so whatever they are told.
"""

import re

from bot.drafting.whole_sentences import whole_length

NOUN = (
    r"(?:(?:social (?:media )?|blog )?post|blog|article|(?:news |press )?release|report|memo|"
    r"e-?mail|lesson(?: plan)?|(?:short )?story|scene|script|draft|text|version|revision|"
    r"continuation|translation|summary)"
)
CHINESE_NOUN = (
    r"(?:博客|文章|邮件|报告|新闻稿|新闻|故事|教案|剧本|帖子|文案|推文|稿件|草稿|版本|译文|总结|"
    r"摘要|续写)"
)
# What a first line about the text, or a label before a title, begins with: until it is whole,
# nothing is let go.
BEGINNINGS = (
    *("title:", "headline:", "blog title:", "blog post title:", "story title:", "post title:"),
    *("sure", "certainly", "of course", "here is", "here's", "here are", "below is"),
    *("【标题", "【题目", "[title", "标题", "题目", "新闻标题", "以下是", "下面是", "好的", "当然"),
)
LONGEST_LINE = 160  # Characters. What is longer is no such line.
MARKS = ' \t\r\n#*_"“'
# A list begins with such words as well: only what names a text is talk about it.
TALK = re.compile(
    rf"\s*(?:(?:(?:sure|certainly|of course)[!,.]+\s*)?(?:here(?:'s|’s| is| are)|below is)\b"
    rf"[^\n]*\b{NOUN}\b[^\n]*|(?:sure|certainly|of course)[!,.][^\n]{{0,80}}\bI\b"
    rf"[^\n]{{0,80}}\b{NOUN}\b[^\n]*|(?:好的|当然)?[，,。！!]?(?:以下|下面)是[^\n]{{0,80}}"
    rf"{CHINESE_NOUN}(?:的?(?:草稿|初稿|正文|内容|版本|全文))?[”」》]?(?:[，,][^\n]{{0,80}})?)"
    r"[:：][ \t]*(?:\n\s*|\Z)",
    re.IGNORECASE,
)
LABEL = re.compile(
    r"(\s*(?:#{1,6}[ \t]+)?)([*_]{0,2})[ \t]*"
    r"(?:(?:(?:blog (?:post )?|story |post )?title|headline|(?:新闻)?标题|题目)[ \t]*[:：]"
    r"|[【［\[](?:标题|题目|title)[】］\]][ \t]*[:：]?)([*_]{0,2})\s*",
    re.IGNORECASE,
)
RULE = re.compile(r"[ \t]*[-*_]{3,}[ \t]*")
# Lines at the end that wait for the writer's name, and the farewell above them, which says nothing
# without a name.
UNSIGNED = re.compile(
    r"(?:\n[^\n]{1,30}[,，][ \t]*)?\s*"
    r"(?:\n[ \t*_]*[\[［【](?:(?:your|my|sender|full name|name|"
    r"title|position|company|contact|phone|e-?mail)\b|"
    r"你的|您的|我的|姓名|名字|署名|签名|职位|公司|联系|电话|日期)"
    r"[^\]］】\n.:。：]{0,40}[\]］】][ \t*_]*)+\s*\Z",
    re.IGNORECASE,
)
LONGEST_SIGNATURE = 400  # Characters.
# Kinds of text that speak of themselves at their end nowhere but in a model's talk: a release is
# also one of software, a lesson one of a course, and a report lies beside an e-mail.
TOLD_NOUN = (
    r"(?:(?:social (?:media )?|blog )?post|blog|article|(?:news|press) release|memo|e-?mail|"
    r"lesson plan|(?:short )?story|scene|script|draft|text)"
)
ABOUT_ITSELF = re.compile(
    rf"[\s(\[*_]*(?:(?:this|the above) {TOLD_NOUN} (?:provides?|aims?|gives?|offers?|covers?|"
    r"captures?|highlights?|follows?|explores?|describes?|serves?|is (?:written|designed))\b|"
    rf"(?:total )?word count\b|note: (?:this|the) {TOLD_NOUN}\b|"
    r"(?:这|本)[篇封份条个段场]?(?:博客|文章|邮件|新闻稿|故事|教案|剧本|帖子|文)"
    r"(?:旨在|通过|介绍了|讲述了|概述了)|[（(]?字数[：:]|"
    r"以上(?:就)?是[^\n，。]{0,24}(?:博客|文章|邮件|报告|新闻稿|故事|教案|剧本|帖子))",
    re.IGNORECASE,
)
# The kind whose lines in brackets tell the stage what to do.
STAGED = "script"


class Opening:
    """The first line of a growing text: lets through what is no talk and no label. One use."""

    def __init__(self) -> None:
        self._held: str | None = ""

    def feed(self, piece: str) -> str:
        """Take more of the text; return what belongs to the draft, as soon as that is sure."""
        if self._held is None:
            return piece
        self._held += piece
        talk = TALK.match(self._held)
        if talk and talk.end() < len(self._held):
            self._held = self._held[talk.end() :]
        return "" if _is_open(self._held) else self.finish()

    def finish(self) -> str:
        """Return what was held back: no more comes."""
        held, self._held = self._held or "", None
        return without_opening(held)


def without_opening(text: str) -> str:
    """Return a text without a first line about it, and without a label before its title."""
    if talk := TALK.match(text):
        text = text[talk.end() :]
    if label := LABEL.match(text):
        space, before, after = label.groups()
        text = space + ("" if after else before) + text[label.end() :]
    return text


def _is_open(text: str) -> bool:
    """Say whether the beginning of a text may still turn out to be talk or a label."""
    words = text.lstrip(MARKS).lower()
    may_be = any(words.startswith(each) or each.startswith(words) for each in BEGINNINGS)
    return may_be and "\n" not in text.strip() and len(text) < LONGEST_LINE


def kept_length(text: str, *, cut_off: bool, kind: str) -> int:
    """Return how many characters of a text make the draft. `cut_off`: the model had more to say.

    What is left is a half sentence, a last line about the text itself, or a place for a name.
    """
    end = whole_length(text) if cut_off else len(text)
    whole = kept = text[:end].rstrip()
    while less := _without_last(kept, kind):
        kept = less
    return end if kept == whole else len(kept)


def _without_last(text: str, kind: str) -> str:
    """Return a text without what ends it and is no part of it; "" if there is no such thing."""
    begin = max(0, len(text) - LONGEST_SIGNATURE)
    unsigned = None if kind == STAGED else UNSIGNED.search(text, begin)
    if unsigned:
        return text[: unsigned.start()].rstrip()
    before, _, last = text.rpartition("\n")
    *_, above = before.rsplit("\n", 1)
    stands_alone = not above.strip() or RULE.fullmatch(above)
    if not stands_alone or not ABOUT_ITSELF.match(last):
        return ""
    return _without_rule(before.rstrip())


def _without_rule(text: str) -> str:
    """Return a text without a line across the page at its end."""
    before, _, last = text.rpartition("\n")
    return before.rstrip() if RULE.fullmatch(last) else text


def tidied(text: str, *, cut_off: bool, kind: str) -> str:
    """Return of a whole text of a kind what makes the draft."""
    text = without_opening(text)
    return text[: kept_length(text, cut_off=cut_off, kind=kind)]
