"""Numbers that states give to people: of identity, tax, health, of passports and cars.

python-stdnum knows the check digits. A form that many other numbers have needs a word beside it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.cn import ric
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.in_ import aadhaar
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.se import personnummer
from stdnum.us import itin, ssn

from safety.text.normalise import NormalisedText
from safety.text.segmentation import GAP
from safety.verdict import Finding


class IdForm(NamedTuple):
    """The form of a number: its rule, pattern and check; one of the words must be before it."""

    rule: str
    pattern: re.Pattern[str]
    is_valid: Callable[[str], bool]
    hints: tuple[str, ...]
    words: re.Pattern[str]


def _form(
    rule: str, pattern: str, check: Callable[[str], bool] = lambda _: True, words: str = ""
) -> IdForm:
    bounded = rf"(?<![A-Za-z0-9])(?<![0-9][.,-])(?:{pattern})(?![A-Za-z0-9])(?!-[0-9])"
    # A word behind a bracket is the placeholder of a number that was removed.
    named = re.compile(rf"(?i)(?<![a-z\[])(?:{words})(?![a-z])" if words else "")
    return IdForm(rule, re.compile(bounded), check, tuple(words.split("|")), named)


def _grouped(*sizes: int) -> str:
    return GAP.join(f"[0-9]{{{size}}}" for size in sizes)


def _without_gaps(check: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda number: check(re.sub(r"[^A-Za-z0-9]", "", number))


def _is_resident(number: str) -> bool:
    """Check the date of birth and the check digit: python-stdnum's list of places has gaps."""
    try:
        ric.get_birth_date(number)
    except ValueError:
        return False
    return bool(ric.calc_check_digit(number) == number[-1].upper())


DATE = "[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
PASSPORT_WORDS = r"passport|reisepass|passeport|pasaporte|护照|通行证|台胞证|证件号"

ID_FORMS = (
    _form(
        "id_cn_resident",
        rf"[1-9](?:{GAP}[0-9]){{5}}{GAP}(?:18|19|20)(?:{GAP}[0-9]){{9}}{GAP}[0-9Xx]",
        _without_gaps(_is_resident),
    ),
    _form("passport", r"[A-Za-z]{1,2}[0-9]{6,8}|[0-9]{9}", words=PASSPORT_WORDS),
    _form("id_us_ssn", r"[0-9]{3}([ -])[0-9]{2}\1[0-9]{4}", ssn.is_valid),
    _form("id_us_ssn", r"[0-9]{9}", ssn.is_valid, "ssn|social security"),
    _form("id_us_itin", r"9[0-9]{2}([ -]?)[0-9]{2}\1[0-9]{4}", itin.is_valid, r"itin|taxpayer"),
    _form(
        "id_gb_nino",
        r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?<!BG|GB|KN|NK|NT|TN|ZZ)( ?)"
        r"[0-9]{2}\1[0-9]{2}\1[0-9]{2}\1[A-D]",
    ),
    _form("id_gb_nhs", _grouped(3, 3, 4), _without_gaps(nhs.is_valid), "nhs"),
    _form(
        "id_de_tax",
        _grouped(2, 3, 3, 3),
        _without_gaps(idnr.is_valid),
        r"steuer-id|steuernummer|steueridentifikationsnummer|idnr|tax id|tin",
    ),
    _form(
        "id_fr_nir",
        rf"[12]{GAP}[0-9]{{2}}{GAP}(?:0[1-9]|1[0-2]|[2-9][0-9]){GAP}(?:[0-9]{{2}}|2[AB])"
        rf"{GAP}{_grouped(3, 3, 2)}",
        _without_gaps(nir.is_valid),
    ),
    _form("id_es_dni", r"[0-9]{8}-?[A-HJ-NP-TV-Z]", dni.is_valid),
    _form("id_es_nie", r"[XYZ]-?[0-9]{7}-?[A-HJ-NP-TV-Z]", nie.is_valid),
    _form(
        "id_it_codice_fiscale",
        r"[A-Za-z]{6}[0-9]{2}[A-Za-z][0-9]{2}[A-Za-z][0-9]{3}[A-Za-z]",
        codicefiscale.is_valid,
    ),
    _form(
        "id_nl_bsn",
        r"[0-9]{9}|[0-9]{4}[.][0-9]{2}[.][0-9]{3}",
        bsn.is_valid,
        r"bsn|burgerservicenummer",
    ),
    _form("id_pl_pesel", r"[0-9]{11}", pesel.is_valid, r"pesel"),
    _form("id_br_cpf", r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", cpf.is_valid),
    _form("id_br_cpf", r"[0-9]{11}", cpf.is_valid, r"cpf"),
    _form("id_in_aadhaar", _grouped(4, 4, 4), _without_gaps(aadhaar.is_valid), r"aadhaar|uidai"),
    _form("id_se_personnummer", rf"(?:19|20)?{DATE}[-+][0-9]{{4}}", personnummer.is_valid),
    _form("id_fi_hetu", r"[0-3][0-9][01][0-9]{3}[-+A-FU-Y][0-9]{3}[0-9A-Y]", hetu.is_valid),
    _form("id_ch_ahv", r"756[.][0-9]{4}[.][0-9]{4}[.][0-9]{2}|756[0-9]{10}", ahv.is_valid),
    _form("id_kr_rrn", rf"{DATE}-[0-9]{{7}}", rrn.is_valid),
    _form("id_mx_curp", rf"[A-Z]{{4}}{DATE}[HMX][A-Z]{{5}}[0-9A-Z][0-9]", curp.is_valid),
    _form("id_ca_sin", _grouped(3, 3, 3), _without_gaps(sin.is_valid), r"sin|social insurance"),
)
# GA 36-2018: a province, a town, five or six signs. Two figures at least: "新A4纸" is paper.
PLATE = re.compile(
    "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼] ?[A-HJ-NP-Z][·•・. -]?"
    "(?=[A-Z]*[0-9][A-Z]*[0-9])[A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9挂学警港澳](?![A-Za-z0-9])"
)
CONTEXT_CHARS = 40
# Each form has six digits or more, with at most this between two of them, and at most LETTERS
# before and behind them.
DIGITS = re.compile("[0-9](?:[^0-9]{0,3}[0-9]){5,}")
LETTERS = 16


class Identities:
    def find(self, text: NormalisedText) -> Iterator[Finding]:
        text = text.closed_up.simplified
        places = [match.span() for match in DIGITS.finditer(text.text)]
        if not places:
            return
        words = text.text.lower()
        for form in ID_FORMS:
            if any(hint in words for hint in form.hints):
                for start, end in dict.fromkeys(_matches(form, text.text, places)):
                    yield text.finding("identity", form.rule, start, end)


def _matches(
    form: IdForm, text: str, places: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Yield valid numbers of this form around these places, perhaps more than once."""
    for first, last in places:
        for match in form.pattern.finditer(text, max(0, first - LETTERS), last + LETTERS):
            before = max(0, match.start() - CONTEXT_CHARS)
            if form.words.search(text, before, match.start()) and form.is_valid(match[0]):
                yield match.span()


class Plates:
    """Number plates of cars in mainland China, of the same category."""

    def find(self, text: NormalisedText) -> Iterator[Finding]:
        if text.text.isascii():
            return
        text = text.closed_up.simplified
        for match in PLATE.finditer(text.text):
            yield text.finding("identity", "plate_cn", *match.span())
