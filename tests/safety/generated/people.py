"""Personal data in English and in Chinese sentences."""

import hashlib
import random
import string
from itertools import accumulate, pairwise
from random import Random

from tests.safety.generated.prose import CHINESE_PROSE, ENGLISH_PROSE
from tests.safety.generated.sample import BASE58, HEX, Make, Sample, digits, placed, some


def luhn_digit(body: str) -> str:
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body))]
    return str(-sum(value // 10 + value % 10 for value in doubled) % 10)


def card(prefix: str, length: int, draw: Random) -> str:
    body = prefix + digits(length - len(prefix) - 1, draw)
    return body + luhn_digit(body)


def grouped(number: str, sizes: tuple[int, ...], parting: str = " ") -> str:
    places = pairwise(accumulate(sizes, initial=0))
    return parting.join(number[start:end] for start, end in places)


def parting(draw: Random) -> str:
    """Return the characters between two groups of a number."""
    return draw.choice([" ", "  ", "-", " - ", " – ", ".", "_", "/", " / ", "·"])


def day(draw: Random) -> tuple[int, int, int]:
    return draw.randint(1950, 2007), draw.randint(1, 12), draw.randint(1, 28)


def resident_id(draw: Random) -> str:
    """Return an id of GB 11643-1999: place, date of birth, sequence, and ISO 7064 MOD 11-2."""
    place = draw.choice(["110105", "310104", "440305", "330106", "510107", "420111", "320508"])
    year, month, date = day(draw)
    body = f"{place}{year}{month:02}{date:02}{draw.randint(1, 999):03}"
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(body))
    number = body + "10X98765432"[total % 11]
    return draw.choice([number, grouped(number, (6, 8, 4), parting(draw))])


def iban(country: str, account: str) -> str:
    numbers = "".join(str(int(letter, 36)) for letter in account + country + "00")
    return f"{country}{98 - int(numbers) % 97:02}{account}"


def british_iban(draw: Random) -> str:
    return iban("GB", some(string.ascii_uppercase, 4, draw) + digits(14, draw))


def german_iban(draw: Random) -> str:
    return iban("DE", digits(18, draw))


def bitcoin_wallet(draw: Random) -> str:
    """Return the Base58Check of a version byte and the hash of a public key."""
    payload = b"\0" + draw.randbytes(20)
    payload += hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, letters = int.from_bytes(payload, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        letters = BASE58[rest] + letters
    return "1" * (len(payload) - len(payload.lstrip(b"\0"))) + letters


def nhs_number(draw: Random) -> str:
    while True:
        body = digits(9, draw)
        check = -sum(int(digit) * (10 - place) for place, digit in enumerate(body)) % 11
        if check < 10:
            return f"{body}{check}"


def spanish_dni(draw: Random) -> str:
    number = digits(8, draw)
    return number + "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]


def french_nir(draw: Random) -> str:
    year, month, _ = day(draw)
    body = f"{draw.choice('12')}{year % 100:02}{month:02}{draw.randint(10, 95)}"
    body += f"{draw.randint(1, 900):03}{draw.randint(1, 999):03}"
    return f"{body}{97 - int(body) % 97:02}"


def pesel(draw: Random) -> str:
    year, month, number = day(draw)
    body = f"{year % 100:02}{month + (20 if year >= 2000 else 0):02}{number:02}{digits(4, draw)}"
    total = sum(int(digit) * weight for digit, weight in zip(body, (1, 3, 7, 9) * 3, strict=False))
    return f"{body}{-total % 10}"


def cpf(draw: Random) -> str:
    body = digits(9, draw)
    for _ in range(2):
        total = sum(int(digit) * (len(body) + 1 - place) for place, digit in enumerate(body))
        body += str(total * 10 % 11 % 10)
    return f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}"


def bsn(draw: Random) -> str:
    while True:
        body = draw.choice("123456789") + digits(7, draw)
        check = sum(int(digit) * (9 - place) for place, digit in enumerate(body)) % 11
        if check < 10:
            return f"{body}{check}"


def social_security_number(draw: Random) -> str:
    area = draw.choice([*range(1, 666), *range(667, 900)])
    return f"{area:03}-{draw.randint(1, 99):02}-{draw.randint(1, 9999):04}"


def insurance_number(draw: Random) -> str:
    return (
        f"{draw.choice('CEHJLMPR')}{draw.choice('EHJLMPR')}{digits(6, draw)}{draw.choice('ABCD')}"
    )


def personnummer(draw: Random) -> str:
    year, month, number = day(draw)
    body = f"{year % 100:02}{month:02}{number:02}{draw.randint(1, 999):03}"
    return f"{body[:6]}-{body[6:]}{luhn_digit(body)}"


def public_address(draw: Random) -> str:
    rest = ".".join(str(draw.randint(1, 254)) for _ in range(3))
    return f"{draw.choice([23, 41, 85, 106, 195])}.{rest}"


def mail_address(draw: Random) -> str:
    plain = ["anna", "j.smith", "wei_zhang", "o.brien+news", "lena-k", "tom88"]
    name = draw.choice([*plain, "josé", "müller", "żaneta.ł", "почта", "jose\u0301"])
    host = draw.choice(["acme-corp", "northwind", "mail.fabrikam", "münchen-firma"])
    return f"{name}@{host}.{draw.choice(['com', 'org', 'co.uk', 'io'])}"


def chinese_mail_address(draw: Random) -> str:
    name = draw.choice(["张伟", "欧阳小明", "王.fang", "李_12"])
    return draw.choice(
        [mail_address(draw), f"{name}@{draw.choice(['acme-corp.com', '例子.中国'])}"]
    )


def chinese_mobile(draw: Random) -> str:
    return f"1{draw.choice(['38', '39', '50', '77', '86', '91', '99'])}{digits(8, draw)}"


def plate(draw: Random) -> str:
    place = draw.choice("京沪粤浙苏川渝鄂") + draw.choice("ABCDEF")
    electric = draw.choice("DF") + digits(5, draw)
    return (
        place
        + draw.choice(["", "·", " "])
        + draw.choice([some("ABCDEFGH0123456789", 3, draw) + digits(2, draw), electric])
    )


ENGLISH: dict[str, tuple[Make, tuple[str, ...]]] = {
    "email": (mail_address, ("Write to {} before noon.", "Contact: {}", "({})")),
    "phone": (
        lambda d: d.choice(
            [
                f"+44 20 79{digits(2, d)} {digits(4, d)}",
                f"+1 415 555 {digits(4, d)}",
                f"+49 30 {some('123456789', 7, d)}",
                f"+81 3-3{digits(3, d)}-{digits(4, d)}",
                f"+91 98{digits(3, d)} {digits(5, d)}",
                f"(212) 736-{digits(4, d)}",
            ]
        ),
        ("Call {} after lunch.", "Her number is {}.", "Tel. {}"),
    ),
    "german phone": (
        lambda d: f"0{d.choice(['30', '171', '8031'])}/{d.choice('23456789')}{digits(6, d)}",
        ("Tel. {}", "Fax: {} oder per Post.", "My mobile is {}."),
    ),
    "card": (
        lambda d: d.choice(
            [
                card("4", 16, d),
                card("51", 16, d),
                grouped(card("51", 16, d), (4, 4, 4, 4), parting(d)),
                grouped(card("37", 15, d), (4, 6, 5), parting(d)),
            ]
        ),
        ("Charge {} for the order.", "The card {} has expired."),
    ),
    "iban": (
        lambda d: d.choice(
            [
                british_iban(d),
                german_iban(d).lower(),
                grouped(british_iban(d), (4, 4, 4, 4, 4, 2), parting(d)),
                grouped(german_iban(d).lower(), (4, 4, 4, 4, 4, 2), parting(d)),
            ]
        ),
        ("Please pay to {} by Friday.", "IBAN: {}"),
    ),
    "wallet": (
        lambda d: d.choice([bitcoin_wallet(d), "0x" + some(HEX, 40, d)]),
        ("Send the fee to {} today.", "Wallet: {}"),
    ),
    "ssn": (social_security_number, ("Her SSN is {}.", "Form for {} is missing.")),
    "nino": (insurance_number, ("National insurance number {} is on the payslip.", "NI: {}")),
    "nhs": (nhs_number, ("NHS number {} was called.", "Her NHS no. is {}.")),
    "dni": (spanish_dni, ("The tenant signs with {} and the date.", "DNI: {}")),
    "nir": (french_nir, ("The number {} stands on the card.", "NIR {}")),
    "pesel": (pesel, ("PESEL: {}", "Her PESEL number is {}.")),
    "cpf": (cpf, ("CPF {} is on the contract.", "Signed by {} in May.")),
    "bsn": (bsn, ("BSN: {}", "His burgerservicenummer is {}.")),
    "personnummer": (personnummer, ("Personnummer {} was checked.", "Patient {} is waiting.")),
    "passport": (
        lambda d: d.choice(string.ascii_uppercase) + digits(8, d),
        ("Passport number {}, valid to May.", "Her passport is {}."),
    ),
    "ip": (public_address, ("The request came from {} at noon.", "Block {} in the firewall.")),
}

CHINESE: dict[str, tuple[Make, tuple[str, ...]]] = {
    "mobile": (
        lambda d: d.choice(
            [chinese_mobile(d), grouped(chinese_mobile(d), (3, 4, 4)), "+86 " + chinese_mobile(d)]
        ),
        (
            "请联系{}确认时间。",
            "小王的手机：{}，随时可打。",
            "收件人{}已签收",
            "電話{}，週一至週五",
        ),
    ),
    "resident id": (
        resident_id,
        ("身份证号：{}。", "持证人{}已登记", "请核对{}与本人是否一致", "身分證號碼為{}，請查收"),
    ),
    "bank card": (
        lambda d: d.choice(
            [
                card("6222", 19, d),
                grouped(card("6217", 19, d), (4, 4, 4, 4, 3), parting(d)),
                grouped(card("6228", 16, d), (4, 4, 4, 4), parting(d)),
            ]
        ),
        ("工资打到{}，谢谢", "银行卡号：{}", "卡号 {} 已冻结"),
    ),
    "passport": (
        lambda d: d.choice("EG") + digits(8, d),
        ("护照号：{}，有效期十年", "护照{}已过期", "他的護照號碼是{}。"),
    ),
    "plate": (plate, ("车牌{}请移车", "一辆{}停在门口", "車牌號：{}。")),
    "wechat": (
        lambda d: some(string.ascii_lowercase, 5, d) + d.choice(["_", "-", ""]) + digits(3, d),
        ("加我微信：{}，聊聊方案", "微信号{}，备注姓名", "VX: {} 详聊", "微信號是{}。"),
    ),
    "email": (chinese_mail_address, ("邮箱是{}，请查收。", "请把简历发到{}", "请联系{}谢谢")),
    "landline": (
        lambda d: f"0{d.choice(['10', '21', '755', '571'])}-{some('23456789', 1, d)}{digits(7, d)}",
        ("办公室电话：{}", "请致电{}咨询。"),
    ),
}


def samples(kinds: dict[str, tuple[Make, tuple[str, ...]]], each: int, seed: int) -> list[Sample]:
    """Return `each` texts of every kind, with a harmless sentence before and after."""
    draw = random.Random(seed)
    return [
        placed(f"{filler(draw, kinds)}{draw.choice(frames)}{filler(draw, kinds)}", kind, make(draw))
        for kind, (make, frames) in kinds.items()
        for _ in range(each)
    ]


def filler(draw: Random, kinds: object) -> str:
    pool = CHINESE_PROSE if kinds is CHINESE else ENGLISH_PROSE
    return f" {draw.choice(pool)} "
