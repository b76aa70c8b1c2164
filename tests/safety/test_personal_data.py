"""E-mail addresses, phone numbers and card numbers, in English and in Chinese text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.detectors.card import Cards, luhn
from safety.detectors.email import Emails
from safety.detectors.phone import Phones
from safety.normalise import normalise
from safety.verdict import Finding

PHONES = Phones(["US", "CN"])


def spans(text: str, findings: list[Finding]) -> list[str]:
    return [text[finding.start : finding.end] for finding in findings]


def emails(text: str) -> list[str]:
    return spans(text, list(Emails().find(normalise(text))))


def phones(text: str) -> list[str]:
    return spans(text, list(PHONES.find(normalise(text))))


def cards(text: str) -> list[str]:
    return spans(text, list(Cards().find(normalise(text))))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Write to jane.roe@acme-corp.com.", "jane.roe@acme-corp.com"),
        ("<jane+news@mail.acme.co.uk>", "jane+news@mail.acme.co.uk"),
        ("请发邮件到zhang_san@qq.com，谢谢", "zhang_san@qq.com"),
        ("邮箱：张三li@163.com。", "li@163.com"),
        ("mailto:o'neil@acme.ie?subject=hi", "o'neil@acme.ie"),
        ("jane＠acme．com", "jane＠acme．com"),
        ("ja\u200bne@ac\u200bme.com", "ja\u200bne@ac\u200bme.com"),
        ("jаne@acme.com", "jаne@acme.com"),
    ],
)
def test_an_address_is_found(text: str, address: str) -> None:
    assert emails(text) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "name@example.com and name@docs.example.org are nobody's",
        "@here and @channel",
        "meet @ noon",
        "pip install package@1.2.3",
        "user@host",
        "a@b@c.com@",
    ],
)
def test_what_is_no_address_of_anybody_is_not_found(text: str) -> None:
    assert emails(text) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("call +44 20 7946 0018 today", "+44 20 7946 0018"),
        ("+1-984-182-0190 mobile", "+1-984-182-0190"),
        ("Desk: +41 (0)44 668 18 00", "+41 (0)44 668 18 00"),
        ("(415) 555-2671", "(415) 555-2671"),
        ("415-555-2671x036", "415-555-2671x036"),
        ("phone: 0490 75 40 81", "0490 75 40 81"),
        ("my number, 60-56-85-91 (mobile)", "60-56-85-91"),
        ("电话13800138000，", "13800138000"),
        ("手机：138-0013-8000", "138-0013-8000"),
        ("请拨打+86 138 0013 8000。", "+86 138 0013 8000"),
        ("座机010-62345678转3", "010-62345678"),
        ("客服热线400-820-8820", "400-820-8820"),
        ("１３８００１３８０００", "１３８００１３８０００"),
        ("138\ufe0f00138000", "138\ufe0f00138000"),
    ],
)
def test_a_phone_number_is_found(text: str, number: str) -> None:
    assert phones(text) == [number]


@pytest.mark.parametrize(
    "text",
    [
        "on 2026-11-23 at 10:30:00",
        "23.11.2026",
        "from 2019-2020 and 2019 - 2020",
        "the server 192.168.100.200",
        "revenue of 1,234,567,890 dollars",
        "revenue of 1.234.567 euros",
        "order 1234567890123",
        "SSN 078-05-1120",
        "version 1.2.3.4.5.6.7.8",
        "pi is 3.14159265358979",
        "ISBN 978-3-16-148410-0",
        "commit 1234567890abcdef",
        "scores 10 20 30 40 50",
        "2026年11月23日，共12345678件",
        "+1 point, +2 points",
    ],
)
def test_what_is_no_phone_number_is_not_found(text: str) -> None:
    assert phones(text) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Visa 4539148803436467, thanks", "4539148803436467"),
        ("4539 1488 0343 6467", "4539 1488 0343 6467"),
        ("4539-1488-0343-6467", "4539-1488-0343-6467"),
        ("Mastercard 5500005555555559", "5500005555555559"),
        ("Mastercard 2221000000000009", "2221000000000009"),
        ("Amex 371449635398431", "371449635398431"),
        ("JCB 3530111333300000", "3530111333300000"),
        ("Discover 6011000990139424", "6011000990139424"),
        ("my card # 503802053770", "503802053770"),
        ("银行卡6222020000000000000。", "6222020000000000000"),
        ("卡号：9558 8001 0000 0000 008", "9558 8001 0000 0000 008"),
        ("４５３９１４８８０３４３６４６７", "４５３９１４８８０３４３６４６７"),
        ("4539 1488\n0343 6467", "4539 1488\n0343 6467"),
        ("453914880\ufe003436467", "453914880\ufe003436467"),
    ],
)
def test_a_card_number_is_found(text: str, number: str) -> None:
    assert cards(text) == [number]


@pytest.mark.parametrize(
    "text",
    [
        "4539148803436468",  # the last digit is wrong
        "0000000000000000",
        "order 1234567890123452",
        "ISBN 978-3-16-148410-0",
        "pi is 3.14159265358979323",
        "453914880343646",
        "in 2024 2025 2026 2027",
    ],
)
def test_what_is_no_card_number_is_not_found(text: str) -> None:
    assert cards(text) == []


@given(st.text("0123456789", min_size=11, max_size=18), st.integers(1, 9))
def test_luhn_accepts_one_last_digit_of_ten(digits: str, change: int) -> None:
    accepted = [last for last in "0123456789" if luhn(digits + last)]
    assert len(accepted) == 1
    assert not luhn(digits + str((int(accepted[0]) + change) % 10))
