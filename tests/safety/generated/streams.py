"""Texts of all that the filter looks for, in any order and in any chunks, by hypothesis."""

from hypothesis import strategies as st

KEY = "AKIA" + "Q3EGRIZV7N2KXW5B"
PRIVATE_KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n"
    + "MIIEpAIBAAKCAQEA7bq3vXy0Zk9w\n" * 3
    + "aGVsbG8=\n-----END RSA PRIVATE KEY-----"
)
FRAGMENTS = [
    "A sentence of some words",
    "今天天气很好，我们去公园散步",
    "jane.roe@acme-corp.com",
    "电话13800138000",
    "call 905-674-3793",
    "+44 20 7946 0018",
    "4539 1488 0343 6467",
    "4539 1488\n0343 6467",
    "https://elsewhere.net/a.b?c=d",
    "https://例子.com/路径",
    "[a label. With sentences! 和中文。在这里](https://elsewhere.net/x)",
    "![alt. text](http://elsewhere.net/a.png)",
    "<https://elsewhere.net|a label. Here>",
    "<!channel>",
    "<!subteam^S1|@the team. Of>",
    "<@U024BE7LH|anna>",
    "@here",
    "<",
    "[",
    "](",
    "`",
    "`inline. code`",
    "\n```python\nimport os. path\nx = 'readme.io'\n```\n",
    "```",
    "1. First\n2. Second\n",
    "2024",
    "| 12 |\n| 13 |",
    "call 555",
    "(123)",
    "⑴㏠",
    "x" * 90,
    "字" * 90,
    "zero\u200bwidth",
    "ｅｖｉｌ．ｃｏｍ／ｐａｔｈ",
    "［标签。在此］（https://elsewhere.net/）",
    "password is",
    "-----BEGIN RSA PRIVATE KEY-----",
    "example.com",
    "子.com",
    "+41 (0)96 471 07 95 office",
    "您的密码：98765432！欢迎使用Abc",
    "密码是Abc12345",
    "+ 44 20 7946 0018",
    "call 905-674-3793 ext 12",
    "[l]: https://elsewhere.net/x",
    "[标签](www.elsewhere.net/中文。中文)",
    "[标签](//elsewhere.net/中！(文。中)，文",
    "[标签](mailto:某人。中文)",
    "[标签](data:text/html，中。文)",
    "[标签](javascript:中…文)",
    "``x` y `z. See elsewhere.net now`",
    "\n```\n" + "x = 'readme.io' # jane.roe@acme-corp.com\n" * 18 + "```\n",
    "call <https://elsewhere.net/xyz|me>",
    "[标签](mailto:jane.roe@acme-corp.com)",
    "4 " * 50,
    "IBAN GB82 WEST 1234 5698 7654 32",
    "4539. 1488/0343 / 6467",
    "gb82 west - 1234._5698. 7654 32",
    "NI AB 12 34 56 C",
    "护照E12345678",
    "车牌京A12345",
    "SSN 494-33-0748",
    "微信号：zhang_san88",
    "p a s s w o r d :  h u n t e r 2 2",
    "j a n e @ a c m e . c o m",
    "106.31.73.20",
    "请联系张伟@例子.中国",
    "( " * 120,
]
JOINTS = [" ", ". ", "。", "\n", "\n\n", "", "！", "? ", ", ", "，", '." ', "…"]
TEXTS = st.lists(
    st.tuples(st.sampled_from(FRAGMENTS), st.sampled_from(JOINTS)), min_size=1, max_size=24
).map(lambda parts: "".join(fragment + joint for fragment, joint in parts))
ANY_TEXTS = st.one_of(TEXTS, st.text(max_size=300))


@st.composite
def chunked(draw: st.DrawFn) -> list[str]:
    text = draw(ANY_TEXTS)
    cuts = draw(st.lists(st.integers(0, len(text)), max_size=30).map(sorted))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
