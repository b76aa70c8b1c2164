"""What belongs to a person or leads to one: numbers, addresses, names of accounts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from safety.detectors.account import Accounts
from safety.detectors.card import CardNumbers
from safety.detectors.email_address import Emails
from safety.detectors.handle import Handles
from safety.detectors.identity import Identities, Plates
from safety.detectors.ip_address import IPAddresses
from safety.detectors.phone import Phones
from safety.text.normalise import normalise
from safety.verdict import Finding

OTHERS = (Identities(), Plates(), Accounts(), Handles(), IPAddresses())
PHONES = Phones(["US", "CN"])


IBAN = "DE89 3704 0044 0532 0130 00"
BITCOIN = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TAPROOT = "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
ETHEREUM = "0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe"


def spans(text: str, findings: list[Finding]) -> list[str]:
    return [text[finding.start : finding.end] for finding in findings]


def emails(text: str) -> list[str]:
    return spans(text, list(Emails().find(normalise(text))))


def phones(text: str) -> list[str]:
    return spans(text, list(PHONES.find(normalise(text))))


def cards(text: str) -> list[str]:
    return spans(text, list(CardNumbers().find(normalise(text))))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Write to jane.roe@acme-corp.com.", "jane.roe@acme-corp.com"),
        ("<jane+news@mail.acme.co.uk>", "jane+news@mail.acme.co.uk"),
        ("请发邮件到zhang_san@qq.com，谢谢", "zhang_san@qq.com"),
        ("邮箱：张三li@163.com。", "li@163.com"),
        ("mailto:o'neil@acme.ie?subject=hi", "o'neil@acme.ie"),
        ("a josé@empresa-corp.com", "josé@empresa-corp.com"),
        ("jose\u0301@empresa-corp.com", "jose\u0301@empresa-corp.com"),
        ("müller@firma-gmbh.de", "müller@firma-gmbh.de"),
        ("info@münchen-firma.de!", "info@münchen-firma.de"),
        ("почта@компания.рф", "почта@компания.рф"),
        ("请联系zhang@acme.com谢谢", "zhang@acme.com"),
        ("张伟@acme-corp.com", "张伟@acme-corp.com"),
        ("写信到：张.wei@例子.中国谢谢", "张.wei@例子.中国"),
        ("稍等...zhang@acme.com和www.acme.com", "zhang@acme.com"),
        ("我们有问题请联系张伟@acme.com", "联系张伟@acme.com"),
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
        "josé@example.com",
        "@张伟 请看 acme.com",
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
        ("Tel. 030/9018200", "030/9018200"),
        ("mobil oder Fax: 0171/2345678", "0171/2345678"),
        ("电话13800138000，", "13800138000"),
        ("手机：138-0013-8000", "138-0013-8000"),
        ("请拨打+86 138 0013 8000。", "+86 138 0013 8000"),
        ("座机010-62345678转3", "010-62345678"),
        ("客服熱線400-820-8820", "400-820-8820"),
        ("(+86)138-0013-8000", "+86)138-0013-8000"),
        ("0086 13800138000", "0086 13800138000"),
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
        "call before 12/05/2024 or in 2024/2025",
        "from 2019-2020 and 2019 - 2020",
        "the server 192.168.100.200",
        "the network 198.51.100.0/24",
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
        ("4539.1488.0343.6467", "4539.1488.0343.6467"),
        ("4539_1488_0343_6467", "4539_1488_0343_6467"),
        ("4539/1488/0343/6467", "4539/1488/0343/6467"),
        ("4539  1488  0343  6467", "4539  1488  0343  6467"),
        ("4539 – 1488 – 0343 – 6467", "4539 – 1488 – 0343 – 6467"),
        ("3714·496353·98431", "3714·496353·98431"),
        ("4539 1488 0343 6467 12/27", "4539 1488 0343 6467"),
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
        "30.05.2024 - 09.06.2024",  # Luhn's check accepts it, and Diners Club has the prefix
        "4.539148803436467",
    ],
)
def test_what_is_no_card_number_is_not_found(text: str) -> None:
    assert cards(text) == []


@given(st.text("0123456789", min_size=11, max_size=18), st.integers(1, 9))
def test_luhn_accepts_one_last_digit_of_ten(digits: str, change: int) -> None:
    accepted = [last for last in "0123456789" if luhn.is_valid(digits + last)]
    assert len(accepted) == 1
    assert not luhn.is_valid(digits + str((int(accepted[0]) + change) % 10))


def others(text: str) -> list[tuple[str, str]]:
    read = normalise(text)
    found = [finding for rule in OTHERS for finding in rule.find(read)]
    return [(finding.rule, text[finding.start : finding.end]) for finding in found]


@pytest.mark.parametrize(
    ("text", "rule", "value"),
    [
        ("身份证号11010519491231002X，请核对", "id_cn_resident", "11010519491231002X"),
        (
            "１１０１０５１９４９１２３１００２Ｘ",
            "id_cn_resident",
            "１１０１０５１９４９１２３１００２Ｘ",
        ),
        ("护照E12345678已过期", "passport", "E12345678"),
        ("Passport no. 533401234, please", "passport", "533401234"),
        ("港澳通行证：C12345678", "passport", "C12345678"),
        ("her SSN is 494-33-0748.", "id_us_ssn", "494-33-0748"),
        ("social security number 494330748", "id_us_ssn", "494330748"),
        ("NI number AB 12 34 56 C", "id_gb_nino", "AB 12 34 56 C"),
        ("NHS number: 943 476 5919", "id_gb_nhs", "943 476 5919"),
        ("Steuer-ID 36 574 261 809", "id_de_tax", "36 574 261 809"),
        ("2 55 08 14 168 025 38", "id_fr_nir", "2 55 08 14 168 025 38"),
        ("con DNI 54362315K", "id_es_dni", "54362315K"),
        ("NIE X-2482300-W", "id_es_nie", "X-2482300-W"),
        ("RCCMNL83S18D969H", "id_it_codice_fiscale", "RCCMNL83S18D969H"),
        ("BSN 1112.22.333", "id_nl_bsn", "1112.22.333"),
        ("PESEL 44051401359", "id_pl_pesel", "44051401359"),
        ("CPF 390.533.447-05", "id_br_cpf", "390.533.447-05"),
        ("Aadhaar 2341 2341 2346", "id_in_aadhaar", "2341 2341 2346"),
        ("880320-0016", "id_se_personnummer", "880320-0016"),
        ("131052-308T", "id_fi_hetu", "131052-308T"),
        ("756.9217.0769.85", "id_ch_ahv", "756.9217.0769.85"),
        ("971013-9019902", "id_kr_rrn", "971013-9019902"),
        ("BOXW310820HNERXN09", "id_mx_curp", "BOXW310820HNERXN09"),
        ("SIN 123-456-782", "id_ca_sin", "123-456-782"),
        ("车牌京A12345停在门口", "plate_cn", "京A12345"),
        ("粵B·D12345", "plate_cn", "粵B·D12345"),
        ("京A 12345", "plate_cn", "京A 12345"),
        ("粤Z1234港", "plate_cn", "粤Z1234港"),
        (f"IBAN {IBAN} thanks", "iban", IBAN),
        ("GB82WEST12345698765432", "iban", "GB82WEST12345698765432"),
        ("GB82 WEST 1234 5698 7654 32 NOW", "iban", "GB82 WEST 1234 5698 7654 32"),
        (f"pay to {BITCOIN}", "wallet_bitcoin", BITCOIN),
        (f"付到{SEGWIT}。", "wallet_bitcoin", SEGWIT),
        (TAPROOT, "wallet_bitcoin", TAPROOT),
        (f"({ETHEREUM})", "wallet_ethereum", ETHEREUM),
        ("from 106.31.73.20: refused", "ip_address", "106.31.73.20"),
        ("来自106.31.73.20的请求", "ip_address", "106.31.73.20"),
        ("host 2001:4860:4860::8888, port 53", "ip_address", "2001:4860:4860::8888"),
        ("微信号：zhang_san88，备注姓名", "wechat_id", "zhang_san88"),
        ("加VX zhangsan_1", "wechat_id", "zhangsan_1"),
        ("My WeChat ID: zhangsan", "wechat_id", "zhangsan"),
        ("加我微信zhangsanfeng聊", "wechat_id", "zhangsanfeng"),
        ("wxid_a1b2c3d4e5f6g7 在线", "wechat_id", "wxid_a1b2c3d4e5f6g7"),
        ("IBAN DE89-3704-0044-0532-0130-00", "iban", "DE89-3704-0044-0532-0130-00"),
        ("de89370400440532013000", "iban", "de89370400440532013000"),
        ("at ab12 gb82 west 1234 5698 7654 32 now", "iban", "gb82 west 1234 5698 7654 32"),
        ("身份证 110101 19900307 7651", "id_cn_resident", "110101 19900307 7651"),
        ("NHS 943.476.5919", "id_gb_nhs", "943.476.5919"),
        ("QQ：1234567", "qq_number", "1234567"),
        (
            "1 1 0 1 0 5 1 9 4 9 1 2 3 1 0 0 2 X",
            "id_cn_resident",
            "1 1 0 1 0 5 1 9 4 9 1 2 3 1 0 0 2 X",
        ),
    ],
)
def test_what_belongs_to_a_person_is_found(text: str, rule: str, value: str) -> None:
    assert (rule, value) in others(text)


@pytest.mark.parametrize(
    "text",
    [
        "身份证号110105194912310021，请核对",  # a wrong check digit
        "编号110105194913310021",  # a thirteenth month
        "078-05-1120 and 000-12-3456",  # printed on samples, and given to nobody
        "invoice 943476591 and ticket 44051401359",  # a form that needs a word
        "con DNI 54362315A",
        "RCCMNL83S18D969A",
        "DE88 3704 0044 0532 0130 00",
        BITCOIN[:-1] + "b",
        TAPROOT[:-1] + "q",
        "0x" + "0" * 40,
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "新A4纸和京B2B平台",
        "at 192.168.1.10, 127.0.0.1 and 203.0.113.9",
        "version 4.16.0.9, v 10.2.3.4, section 1.2.3.4.5",
        "std::vector<a::b> at 12:30:45",
        "WeChat mini programs and 微信 public accounts, 微信Android版",
        "QQ音乐和微信支付",
        "my passport expired in 2024",
        "[ID number removed] 533401234",
    ],
)
def test_what_only_has_the_form_of_personal_data_is_not_found(text: str) -> None:
    assert others(text) == []
