"""Number plates of cars in mainland China (GA 36-2018): a province, a town, five or six signs."""

import re
from collections.abc import Iterator

from safety.text.normalise import NormalisedText
from safety.verdict import Finding

# Two figures at least: "新A4纸" is paper.
PLATE = re.compile(
    "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼] ?[A-HJ-NP-Z][·•・. -]?"
    "(?=[A-Z]*[0-9][A-Z]*[0-9])[A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9挂学警港澳](?![A-Za-z0-9])"
)


class Plates:
    def find(self, text: NormalisedText) -> Iterator[Finding]:
        if text.text.isascii():
            return
        text = text.closed_up.simplified
        for match in PLATE.finditer(text.text):
            yield text.finding("identity", "plate_cn", *match.span())
