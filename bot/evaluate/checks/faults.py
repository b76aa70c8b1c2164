"""What a text must not have: placeholders, labels, talk about the task, the recipe's own words."""

import re
from collections.abc import Iterator

from bot.evaluate.checks.subject import HEADING_MARK, Subject, bare, folded, is_heading

ASKS_TO_FILL = (
    r"your|insert|name|date|time|company|organi[sz]ation|contact|address|phone|e-?mail|link|title|"
    r"recipient|sender|location|city|number|position|website|url|department|"
    r"你的|您的|姓名|名字|公司|日期|时间|地址|地点|电话|联系|邮箱|链接|职位|部门|插入|填写|收件人|"
    r"发件人|签名"
)
BRACKET = re.compile(r"[\[［【]([^\]］】\n]{1,60})[\]］】](?!\()")
FILL = re.compile(rf"\s*(?:{ASKS_TO_FILL})", re.IGNORECASE)
NAME_LEFT_OUT = re.compile(
    r"\bX{3,}\b|[XＸ×]{2,}(?=[公年月日先女老市路元学部集])|某某|(?<![\\\w}])\{[A-Za-z][\w ]{2,}\}"
)
BLANK = re.compile(r"_{4,}")  # Exercises have them.

LABEL = re.compile(
    r"^\W*(?:(?:blog |post |news |article |story )?(?:title|headline|body|text)|subject line|"
    r"heading|social media post|post|tweet|"
    r"(?:新闻|文章|博客|故事|主)?标题|题目|正文|内容|帖子|推文)\W{0,4}[:：]",
    re.IGNORECASE | re.MULTILINE,
)

TEXT_NOUN = (
    r"(?:blog(?: post)?|(?:social (?:media )?)?post|article|(?:news |press )?release|report|"
    r"e-?mail|lesson(?: plan)?|(?:short )?story|scene|script|draft|text|"
    r"(?:revised |new )?version|revision|tweet|memo|translation|summary|example)"
)
OPENS = {
    "en": re.compile(
        rf"\W*(?:(?:sure|certainly|of course|absolutely|okay)\b.*(?:{TEXT_NOUN}\b|[:!.]$)|"
        rf"(?:here(?:'s| is| are)|below is|i(?:'ve| have) (?:written|drafted|made))\b.*"
        rf"\b{TEXT_NOUN}\b|i'm sorry,? (?:but )?i (?:can|am|must)|"
        r"i (?:cannot|can't) (?:assist|help|fulfil)|as an ai\b)",
        re.IGNORECASE,
    ),
    "zh": re.compile(
        r"\W*(?:好的[，。！：]|当然[，。！：]|没问题|以下是|下面是|这是一[篇封份条个段场]|这里是|"
        r"(?:很抱歉|抱歉|对不起)，我(?:不能|无法)|作为(?:一个|一名)?(?:AI|人工智能))"
    ),
}
CLOSES = {
    "en": re.compile(
        rf"\W*(?:(?:this|the above|the) {TEXT_NOUN}\b.*\b(?:provides?|aims?|gives?|includes?|"
        r"covers?|follows?|captures?|highlights?|meets?|keeps?|explores?|explains?|describes?|"
        r"uses?|serves?|is (?:written|designed|intended|suitable|about|meant)|should|tone|words|"
        r"readers?)\b|i hope (?:this|you find)|let me know if you(?:'d| would) like (?:me|any|to)|"
        r"feel free to (?:adjust|edit|modify|change|customi[sz]e)|(?:please )?note that this|"
        r"note:|(?:total )?word count|\(?\d+ words\)?\W*$)",
        re.IGNORECASE,
    ),
    "zh": re.compile(
        r"\W*(?:注[：:]|字数[：:]|共?约?\d+字|"
        r"这[篇封份条个段场](?:博客|文章|邮件|报告|新闻稿?|故事|教案|剧本|戏|帖子|文字)|"
        r"本(?:文|篇|邮件|教案|新闻稿|故事|剧本|博客)(?:旨在|通过|主要|从|以|介绍|讲述)|"
        r"以上(?:是|就是|内容)|希望(?:这|以上).{0,14}(?:帮助|满意|符合|喜欢)|"
        r"如(?:需|果需要|有).{0,10}(?:修改|调整))"
    ),
}

# What the packaged recipes ask for, as models turn it into headings.
RECIPE_HEADINGS = re.compile(
    r"(?:what(?: is|'s)? (?:is )?new|why (?:it|this) matters.*|"
    r"(?:and )?what (?:comes|is|happens|should happen|'s) next|what stands in the way|"
    r"somebody who wants something|who|what|when|where|who,? what,? where.*|"
    r"(?:the )?(?:ending|obstacle|first sentence)|"
    r"有什么新鲜事|对读者(?:有什么|的)意义|接下来(?:会怎样|要做什么)|何人|何事|何时|何地|新鲜事|"
    r"遇到的阻碍|阻碍|结局|人物)\W*$",
    re.IGNORECASE,
)
INLINE_LABEL = re.compile(r"^\W*([^:：。.!?！？\n]{2,40})[:：]")


def has_no_placeholder(subject: Subject) -> bool:
    """Say whether nothing is left for the reader to fill in, such as [Your Name]."""
    if NAME_LEFT_OUT.search(subject.text):
        return False
    if subject.recipe.name != "lesson" and BLANK.search(subject.text):
        return False
    return not any(_to_fill(match, subject) for match in BRACKET.finditer(subject.text))


def _to_fill(match: re.Match[str], subject: Subject) -> bool:
    if match[0] in subject.told:
        return False
    if FILL.match(match[1]):
        return True
    # In a scene, brackets hold what can be seen; elsewhere, words that are capitalised wait.
    is_prose = subject.recipe.name != "script" and match[0][0] == "["
    return is_prose and match[1][0].isupper() and not match[1].isdigit()


def has_no_label(subject: Subject) -> bool:
    """Say whether no line says what it is, as "Title:" does."""
    return not LABEL.search(subject.text)


def is_not_about_itself(subject: Subject) -> bool:
    """Say whether it neither begins nor ends with talk about the text."""
    if not subject.lines:
        return False
    first, last = (bare(line).replace("’", "'") for line in (subject.lines[0], subject.lines[-1]))
    if OPENS[subject.language].match(first):
        return False
    return len(subject.lines) == 1 or not CLOSES[subject.language].match(last)


def has_no_recipe(subject: Subject) -> bool | None:
    """Say whether no heading repeats what the recipe asks the writer for.

    A report shall have headings, and in a scene a name stands before each line.
    """
    if subject.recipe.name in ("report", "script"):
        return None
    structure = _phrase(subject.recipe.wording(subject.language).structure)
    return not any(_repeats(each, structure) for each in _headings(subject))


def _headings(subject: Subject) -> Iterator[str]:
    """Yield headings, and what stands before a colon in a line."""
    for line in subject.lines:
        label = INLINE_LABEL.match(line)
        if label:
            yield bare(label[1])
        elif HEADING_MARK.match(line) or is_heading(line, subject.language):
            yield bare(line)


def _repeats(heading: str, structure: str) -> bool:
    if RECIPE_HEADINGS.fullmatch(folded(heading).strip()):
        return True
    words = _phrase(heading)
    if not words.isascii():
        return len(words) > 4 and words in structure
    return len(words.split()) > 2 and f" {words} " in f" {structure} "


def _phrase(text: str) -> str:
    return " ".join(re.findall(r"\w+", folded(text)))
