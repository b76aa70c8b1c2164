"""Texts in which there is no secret."""

import base64
import random
from random import Random

from tests.safety.generated.prose import CHINESE_PROSE, ENGLISH_PROSE
from tests.safety.generated.sample import BASE64, HEX, UPPER, WORD, Make, digits, identifier, some


def hexadecimal(length: int) -> Make:
    return lambda draw: some(HEX, length, draw)


def picture(draw: Random) -> str:
    encoded = base64.b64encode(draw.randbytes(240)).decode()
    return f"![chart](data:image/png;base64,iVBORw0KGgo{encoded})"


def product_key(draw: Random) -> str:
    return "-".join(some(UPPER, 5, draw) for _ in range(5))


def certificate(draw: Random) -> str:
    lines = "\n".join(some(BASE64, 64, draw) for _ in range(4))
    return f"-----BEGIN CERTIFICATE-----\nMII{lines}\n-----END CERTIFICATE-----"


HARD: dict[str, tuple[Make, str]] = {
    "git hash": (hexadecimal(40), "Reverted in {} by the bot."),
    "short git hash": (hexadecimal(8), "See commit {} for the fix."),
    "range of commits": (lambda d: f"{some(HEX, 12, d)}..{some(HEX, 12, d)}", "Changes: {}"),
    "sha256": (hexadecimal(64), "sha256:{} app.tar.gz"),
    "md5": (hexadecimal(32), "Content-MD5: {}"),
    "uuid": (identifier, "request id {} took 3 s"),
    "uuid without dashes": (hexadecimal(32), "trace={} span=1"),
    "colour": (lambda d: f"#{some(HEX, 6, d)}", "The button is {} on white."),
    "picture": (picture, "Here it is: {}"),
    "version": (
        lambda d: f"v{d.randint(0, 30)}.{d.randint(0, 99)}.{d.randint(0, 99)}-rc.{d.randint(1, 9)}",
        "Pin {} for now.",
    ),
    "product key": (product_key, "Your product key {} is on the box."),
    "order number": (
        lambda d: f"ORD-{digits(4, d)}-{digits(7, d)}",
        "Your order {} is on its way.",
    ),
    "parcel number": (lambda d: "1Z" + some(UPPER, 16, d), "Track it as {}."),
    "phone-like number": (
        lambda d: f"{digits(3, d)}/{digits(4, d)}/{digits(3, d)}",
        "File {} is closed.",
    ),
    "isbn": (lambda d: f"978-3-16-{digits(6, d)}-0", "ISBN {}"),
    "date and time": (
        lambda d: f"2026-{d.randint(1, 12):02}-{d.randint(1, 28):02}T{d.randint(0, 23):02}:15:00Z",
        "token: {}",
    ),
    "mac address": (lambda d: ":".join(some(HEX, 2, d) for _ in range(6)), "eth0 is {}"),
    "digest of a package": (
        lambda d: "sha512-" + base64.b64encode(d.randbytes(64)).decode(),
        '"integrity": "{}",',
    ),
    "public key": (
        lambda d: f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{some(BASE64, 43, d)} anna@laptop",
        "{}",
    ),
    "certificate": (certificate, "{}"),
    "pod": (
        lambda d: f"web-{some(HEX, 10, d)}-{some('bcdfghjklmnpqrstvwxz2456789', 5, d)}",
        "kubectl logs {}",
    ),
    "resource name": (
        lambda d: f"arn:aws:iam::{digits(12, d)}:role/deploy-{some(HEX, 6, d)}",
        "Role {}",
    ),
    "slack id": (lambda d: "U" + some(UPPER, 10, d), "Member {} joined."),
    "file name": (lambda d: f"IMG_{digits(8, d)}_{digits(6, d)}.jpg", "Attached: {}"),
    "doi": (lambda d: f"10.{digits(4, d)}/{some(WORD, 8, d).lower()}.{digits(5, d)}", "doi:{}"),
    "dna": (lambda d: some("ACGT", 48, d), "Primer {} binds twice."),
    "variable": (
        lambda d: f"${{{d.choice(['API_KEY', 'DB_PASSWORD_2', 'TOKEN_V3'])}}}",
        "password={}",
    ),
    "call": (lambda d: f"hash_{d.choice(['sha256', 'md5', 'v2'])}(text)", "password = {}"),
    "lookup": (
        lambda d: d.choice(['os.environ["PASS_1"]', "settings.token2", "config.get('key1')"]),
        "token = {}",
    ),
    "placeholder": (
        lambda d: d.choice(
            [
                "<your-token-1>",
                "changeme123",
                "your_password_1",
                "xxxxxxxxxxxx1",
                "********",
                "REDACTED",
                "sk-...",
                "ghp_" + "x" * 36,
                "AKIAIOSFODNN7EXAMPLE",
            ]
        ),
        "password: {}",
    ),
    "masked": (lambda d: f"{some(WORD, 3, d)}****{some(WORD, 2, d)}", "secret: {}"),
    "requirement": (
        lambda d: f"{d.randint(8, 16)}-character minimum",
        "Password: {} with one digit",
    ),
    "algorithm": (
        lambda d: d.choice(["SHA-256", "bcrypt", "argon2", "AES-256-GCM"]),
        "Password hashing: password is {} hashed",
    ),
    "python name": (
        lambda d: f"sk-learn-{d.choice(['extra', 'contrib'])}-{d.randint(1, 9)}",
        "pip install {}",
    ),
    "heading": (
        lambda d: d.choice(["Password policy", "Passwords", "Password reset", "API keys"]),
        "### {}\n\nRule 1 of 12: at least 3 words, changed every 90 days.",
    ),
    "line under a heading": (
        lambda d: d.choice(
            ["OAuth2Client is what we use.", "See https://acme.com/help2", "1. At least 12 signs"]
        ),
        "**Password**\n{}",
    ),
    "list": (lambda d: f"OAuth{digits(1, d)}Login", "We support:\n- Password\n- {}\n- SAML2"),
    "table": (
        lambda d: d.choice(["required", "varchar(255)", "yes, 12+", "`string`", "min. 8", "v2"]),
        "| Field | Type |\n|---|---|\n| Password | {} |\n| API key | optional |",
    ),
    "field": (
        lambda d: d.choice(["required", "hidden since version 2.14", "limited to 72 bytes"]),
        "The password field is {}.",
    ),
    "settings": (
        lambda d: f"db{digits(2, d)}.internal",
        "DB_PASSWORD=\nDB_HOST={}\npassword:\n  host: {}",
    ),
    "port": (lambda d: digits(4, d), "docker run mysql -p {}:3306"),
    "will be": (
        lambda d: d.choice(["reset on 12 May", "sent by mail", "SHA-256 hashed"]),
        "Your password will be {}.",
    ),
    "chinese heading": (lambda d: f"至少{digits(2, d)}个字符", "### 密码要求\n密码：\n{}"),
    "chinese order": (lambda d: "DD" + digits(14, d), "订单号{}，请注意查收。"),
    "chinese amount": (lambda d: f"{digits(3, d)}万{digits(4, d)}元", "合计{}整"),
    "chinese article": (lambda d: f"〔20{digits(2, d)}〕{digits(3, d)}号", "国发{}文件"),
}


def harmless(hard_each: int = 20, prose: int = 700, seed: int = 7) -> list[str]:
    """Return texts without secrets: `hard_each` of every kind that looks like one, and prose."""
    draw = random.Random(seed)
    hard = [
        f"{draw.choice(ENGLISH_PROSE)} {frame.replace('{}', make(draw))}"
        for make, frame in HARD.values()
        for _ in range(hard_each)
    ]
    return hard + [
        " ".join(draw.sample(draw.choice([ENGLISH_PROSE, CHINESE_PROSE]), 4)) for _ in range(prose)
    ]
