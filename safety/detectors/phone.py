"""Phone numbers of all countries, as `phonenumbers` (Google's libphonenumber) knows them.

A number in international form is judged by itself; a national one by the regions of the policy,
or by the words before it.
"""

import re
from collections.abc import Iterator, Sequence

import phonenumbers

from safety.text.normalise import NormalisedText
from safety.verdict import Finding

CANDIDATE = re.compile(
    r"(?<![A-Za-z0-9_])(?<![0-9][.,:/-])(?<!=)"
    r"(?:\+ ?|00)?\(?[0-9](?:[ ()./-]{0,3}[0-9]){6,16}"
    r"(?: ?(?:x|ext) ?[0-9]{1,5})?(?![A-Za-z0-9_:%元万亿件])(?![.,/-][0-9])"
)
# A word behind a bracket is the placeholder of a number that was removed.
BEFORE = re.compile(
    r"(?i)(?<![a-z\[])(?:(?:tele)?phone|fax|tel|calls?|calling|mobile|cell|whatsapp|text me|texted"
    r"|sms|dial|hotline|messages? (?:to|on)|answer(?:ing)? at|reach (?:me|us|him|her|them)"
    r")(?![a-z])"
    r"|电话|手机|热线|致电|联系方式|传真|拨打|微信"
)
BEHIND = re.compile(r"(?i)[ (-]{1,2}(?:office|fax|mobile?|cell|home|work|desk)(?![a-z])")
CONTEXT_CHARS = 40
# The word next to a number counts more than a word further away.
OTHER_NUMBER = re.compile(
    r"(?i)(?:编号|单号|order|invoice|ticket|case|licen[cs]e|tracking)"
    r"(?: (?:number|no\.?))?(?: is)?[ #:]{0,3}\Z"
)
SENTENCE_END = re.compile(r"(?i)[。！？；]|(?<!tel)(?<!fax)(?<!mob)[.!?]\s")
# A national number begins with a trunk zero or a group of three: "10 20 30 40 50" is a list.
AREA = re.compile(r"\(?(?:0|[0-9]{3})")
CHINESE_MOBILE = re.compile(r"(?:86)?1[3-9][0-9]{9}")
# Dates, times, IP addresses, the national ids of the United States, and amounts.
NO_PHONE = re.compile(
    r"(?:19|20)[0-9]{2}[./-][0-9]{1,2}[./-][0-9]{1,2}.*|[0-9]{1,2}[./-][0-9]{1,2}[./-](?:19|20)[0-9]{2}"
    r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?|[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{1,3}(?:[.,][0-9]{3})+"
    r"|(?:19|20)[0-9]{2} ?[/-] ?(?:19|20)[0-9]{2}"
)


class Phones:
    def __init__(self, regions: Sequence[str]) -> None:
        self.regions = tuple(regions)

    def find(self, text: NormalisedText) -> Iterator[Finding]:
        text = text.closed_up.simplified
        for match in CANDIDATE.finditer(text.text):
            if NO_PHONE.fullmatch(match[0]):
                continue
            start, end = match.span()
            before = text.text[max(0, start - CONTEXT_CHARS) : start]
            sentence = SENTENCE_END.split(before)[-1]
            rule = self._rule(match[0], sentence, text.text[end : end + CONTEXT_CHARS])
            if rule is not None:
                yield text.finding("phone", rule, *match.span())

    def _rule(self, written: str, before: str, behind: str) -> str | None:
        number = re.sub(r"[^0-9]", "", re.split("[xe]", written.replace("(0)", ""))[0])
        is_international = written.startswith("+")
        if CHINESE_MOBILE.fullmatch(number) and is_international == number.startswith("86"):
            return "phone_cn_mobile"
        if is_international:
            return "phone_international" if _is_possible("+" + number) else None
        if len(number) > 15 or OTHER_NUMBER.search(before):
            return None
        if BEFORE.search(before) or BEHIND.match(behind):
            return "phone_named"
        grouped = number != written and AREA.match(written)
        if grouped and any(_is_valid(number, region) for region in self.regions):
            return "phone_national"
        return None


def _is_possible(number: str) -> bool:
    # Possible, not valid: readers also take unassigned ranges for phone numbers.
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False


def _is_valid(number: str, region: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False
