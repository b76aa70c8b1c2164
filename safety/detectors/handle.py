"""Accounts of WeChat and QQ, as Tencent allows them, if the words announce them."""

import re
from collections.abc import Iterator

from safety.text.normalise import NormalisedText
from safety.verdict import Finding

BETWEEN = r"[ ]?(?:号码?|ID|id|账号|群)?[ ]{0,2}(?:[:=]|是|为|加|搜)?[ ]{0,2}"
WECHAT = re.compile(
    rf"(?P<added>[加找][我你他她]?的?)?"
    rf"(?:微信|薇信|威信|[Vv]信|(?<=加)[Vv]|(?<![A-Za-z])(?:[VvWw][Xx]|[Ww]e[Cc]hat)){BETWEEN}"
    r"(?<![A-Za-z])(?P<id>[A-Za-z][A-Za-z0-9_-]{5,19})(?![A-Za-z0-9_@-])"
    # The name that WeChat gives to whoever has not chosen one.
    r"|(?<![A-Za-z0-9_])(?P<given>wxid_[a-z0-9]{10,20})(?![A-Za-z0-9_])"
)
HINTS = ("信", "加v", "vx", "wx", "wechat", "qq", "扣扣")
QQ = re.compile(rf"(?<![A-Za-z])(?:QQ|qq|扣扣){BETWEEN}([1-9][0-9]{{4,10}})(?![A-Za-z0-9@])")
# Without one of these, it is a word of ordinary prose: "WeChat mini programs".
SIGNED = re.compile("[0-9_-]")


class Handles:
    def find(self, text: NormalisedText) -> Iterator[Finding]:
        text = text.closed_up.simplified
        words = text.text.lower()
        if not any(hint in words for hint in HINTS):
            return
        for match in WECHAT.finditer(text.text):
            name = "given" if match["given"] else "id"
            if match["given"] or _is_said(match) or SIGNED.search(match["id"]):
                yield text.finding("handle", "wechat_id", *match.span(name))
        for match in QQ.finditer(text.text):
            yield text.finding("handle", "qq_number", *match.span(1))


def _is_said(match: re.Match[str]) -> bool:
    """Say whether the words announce a name: "微信号：", "WeChat ID", "加我微信"."""
    before = match[0][: match.start("id") - match.start()].rstrip()
    return match["added"] is not None or before[-1] in "号:=是为加搜D"
