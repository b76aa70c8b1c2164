"""Secrets are found by their issuers' forms, and manuals and prose are left alone."""

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety.detectors.secrets import Secrets
from safety.normalise import normalise

WORD = string.ascii_letters + string.digits
URL_SAFE = WORD + "-_"
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits
BASE64 = WORD + "+/"


def some(alphabet: str, length: int, draw: random.Random) -> str:
    return "".join(draw.choices(alphabet, k=length))


# Each entry follows the issuer's documentation: what is fixed, what is drawn, and how long it is.
FORMATS = {
    "aws_access_key": lambda d: "AKIA" + some(string.ascii_uppercase + "234567", 16, d),
    "github_token classic": lambda d: "ghp_" + some(WORD, 36, d),
    "github_token app": lambda d: "ghs_" + some(WORD, 36, d),
    "github_token fine-grained": lambda d: f"github_pat_{some(WORD, 22, d)}_{some(WORD, 59, d)}",
    "gitlab_token": lambda d: "glpat-" + some(WORD, 20, d),
    "slack_token bot": lambda d: (
        f"xoxb-{some('123456789', 12, d)}-{some('123456789', 12, d)}-{some(WORD, 24, d)}"
    ),
    "slack_token app": lambda d: (
        f"xapp-1-A{some(UPPER, 10, d)}-{some('123456789', 13, d)}-{some(HEX, 64, d)}"
    ),
    "slack_webhook": lambda d: (
        f"https://hooks.slack.com/services/T{some(UPPER, 10, d)}"
        f"/B{some(UPPER, 10, d)}/{some(WORD, 24, d)}"
    ),
    "stripe_key": lambda d: "sk_live_" + some(WORD, 24, d),
    "stripe_key restricted": lambda d: "rk_live_" + some(WORD, 99, d),
    "stripe_webhook_secret": lambda d: "whsec_" + some(WORD, 32, d),
    "google_api_key": lambda d: "AIza" + some(URL_SAFE, 34, d) + some(WORD, 1, d),
    "google_oauth client": lambda d: "GOCSPX-" + some(WORD, 28, d),
    "openai_key project": lambda d: (
        f"sk-proj-{some(URL_SAFE, 74, d)}T3BlbkFJ{some(URL_SAFE, 73, d)}{some(WORD, 1, d)}"
    ),
    "openai_key old": lambda d: f"sk-{some(WORD, 20, d)}T3BlbkFJ{some(WORD, 20, d)}",
    "anthropic_key": lambda d: f"sk-ant-api03-{some(URL_SAFE, 93, d)}AA",
    "huggingface_token": lambda d: "hf_" + some(string.ascii_letters, 34, d),
    "npm_token": lambda d: "npm_" + some(WORD, 36, d),
    "pypi_token": lambda d: "pypi-AgEIcHlwaS5vcmc" + some(WORD, 150, d),
    "sendgrid_key": lambda d: f"SG.{some(WORD, 22, d)}.{some(WORD, 43, d)}",
    "twilio_key": lambda d: "SK" + some(HEX, 32, d),
    "mailgun_key": lambda d: "key-" + some(HEX, 32, d),
    "mailchimp_key": lambda d: f"{some(HEX, 32, d)}-us{d.randint(1, 21)}",
    "telegram_bot_token": lambda d: f"{some('123456789', 10, d)}:AA{some(WORD, 33, d)}",
    "discord_token": lambda d: f"M{some(WORD, 25, d)}.{some(URL_SAFE, 5, d)}x.{some(WORD, 38, d)}",
    "digitalocean_token": lambda d: "dop_v1_" + some(HEX, 64, d),
    "shopify_token": lambda d: "shpat_" + some(HEX, 32, d),
    "databricks_token": lambda d: "dapi" + some(HEX, 32, d),
    "docker_token": lambda d: "dckr_pat_" + some(WORD, 27, d),
    "linear_key": lambda d: "lin_api_" + some(WORD, 40, d),
    "grafana_token": lambda d: f"glsa_{some(WORD, 32, d)}_{some(HEX, 8, d)}",
    "vault_token": lambda d: "hvs." + some(WORD, 90, d),
    "groq_key": lambda d: "gsk_" + some(WORD, 52, d),
    "azure_storage_key": lambda d: f"AccountKey={some(BASE64, 86, d)}==",
    "jwt": lambda d: f"eyJ{some(WORD, 33, d)}.eyJ{some(WORD, 60, d)}.{some(WORD, 43, d)}",
    "private_key": lambda d: private_key("RSA ", d),
    "private_key pkcs8": lambda d: private_key("", d),
    "private_key openssh": lambda d: private_key("OPENSSH ", d),
    "private_key in json": lambda d: private_key("", d).replace("\n", "\\n"),
}
SETTINGS = {
    "an English sentence": "Please use {} for the deployment.",
    "a Chinese sentence": "请用{}部署，谢谢。",
    "code": "client = connect('{}')\n",
    "brackets": "({})",
    "a list": "- first\n- {}\n- last",
}


def private_key(kind: str, draw: random.Random) -> str:
    body = "\n".join(some(BASE64, 64, draw) for _ in range(5))
    body += f"\n{some(BASE64, 9, draw)}="
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


def rule_of(name: str) -> str:
    return name.partition(" ")[0]


def found(text: str) -> list[tuple[str, str]]:
    findings = Secrets().find(normalise(text))
    return [(finding.rule, text[finding.start : finding.end]) for finding in findings]


@pytest.mark.parametrize("around", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("name", FORMATS)
def test_a_secret_is_found_whole_wherever_it_stands(name: str, around: str) -> None:
    for seed in range(5):
        secret = FORMATS[name](random.Random(seed))
        rules = {rule for rule, text in found(around.format(secret)) if text in secret}
        assert rule_of(name) in rules


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([name for name in FORMATS if "_key" not in name]), st.integers())
def test_every_character_of_a_secret_is_in_its_finding(name: str, seed: int) -> None:
    secret = FORMATS[name](random.Random(seed))
    spans = [text for rule, text in found(f"It is {secret} now") if rule == rule_of(name)]
    assert any(span in (secret, secret.removeprefix("https://")) for span in spans)


@pytest.mark.parametrize(
    ("text", "rule", "span"),
    [
        ("postgres://app:Xk29vLq8@db.internal/app", "url_password", "Xk29vLq8"),
        ("redis://:Xk29vLq8@cache:6379", "url_password", "Xk29vLq8"),
        ("the password is Tr0ub4dor&3, do not share", "assigned_password", "Tr0ub4dor&3"),
        ("DB_PASSWORD=correct7horse", "assigned_password", "correct7horse"),
        ("密码是Abc12345，请保密", "assigned_password", "Abc12345"),
        ("密码：Abc12345。", "assigned_password", "Abc12345"),
        ("app.corp/login?token=abc12345&password=Hunter2x9", "assigned_password", "Hunter2x9"),
        ("secret: password=Tr0ub4dor9", "assigned_password", "Tr0ub4dor9"),
        ("ab://u:password@cd://u:Xk29vLq8@host", "url_password", "Xk29vLq8"),
        ("password is Secret2024!", "assigned_password", "Secret2024!"),
        ("password: Your1Winter77", "assigned_password", "Your1Winter77"),
        ("password: Tr0ub4dor9...", "assigned_password", "Tr0ub4dor9..."),
        ("密码：Abc12345欢迎使用", "assigned_password", "Abc12345"),
        ('api_key = "9f8a7b6c5d4e3f2a1b0c"', "assigned_key", "9f8a7b6c5d4e3f2a1b0c"),
        (
            "aws_secret_access_key = wJ4lrXUt9FEMI7K7MDENGbPxRf2CYzKq8LmN3vQs",
            "assigned_key",
            "wJ4lrXUt9FEMI7K7MDENGbPxRf2CYzKq8LmN3vQs",
        ),
        (
            "Authorization: Bearer 9f8a7b6c5d4e3f2a1b0c9d8e",
            "bearer_token",
            "9f8a7b6c5d4e3f2a1b0c9d8e",
        ),
    ],
)
def test_a_value_that_is_called_a_secret_is_found(text: str, rule: str, span: str) -> None:
    assert (rule, span) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Set a password: at least 8 characters, one digit.",
        "password=${DB_PASSWORD_1}",
        "password: your_password_123",
        "password: your-api-token-1.",
        "password=settings.DB_PASSWORD_2",
        "passwd = abc1****",
        "password: xxxxxxxx1",
        "host/login?password=changeme&user=test1",
        "token = 9f8a************3e2d",
        "Authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...",
        "aws_secret_access_key = wJ4lrXUt9FEMI/K7MDENG/bPxRf2CYEXAMPLEKEY",
        "您的密码：98765432！欢迎abc",
        "postgres://user:password@localhost/db",
        "postgres://user:<password>@localhost/db",
        "The secret: 3-ingredient-chocolate-cake in 20 minutes",
        "token: 2026-11-12T10:00:00Z",
        "secret = process.env.MY_TOKEN_1",
        "Use ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx as a placeholder.",
        "AWS documents AKIAIOSFODNN7EXAMPLE as its example.",
        "A PEM file starts with -----BEGIN PRIVATE KEY----- and then comes base64.",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "id 123e4567-e89b-12d3-a456-426614174000",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "task-force-sk-learning-is-the-future-of-our-whole-organisation",
        "密码学是一门有趣的学问，密码为何重要？",
        "The bearer of this letter is my colleague.",
        "Secret santa: bring gifts under 20 euros!",
    ],
)
def test_manuals_and_prose_hold_no_secret(text: str) -> None:
    assert found(text) == []


def test_a_private_key_with_header_lines_is_found_to_its_end() -> None:
    key = private_key("RSA ", random.Random(1)).replace(
        "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B\n\n", 1
    )
    assert ("private_key", key) in found(f"Here:\n{key}\nThat is it.")


def test_a_secret_hidden_by_full_width_and_zero_width_characters_is_found() -> None:
    text = "key ＡＫＩＡ" + "Q3EG\u200bRIZV\u00ad7N2K\ufe0fXW5B!"
    assert found(text) == [("aws_access_key", text[4:-1])]
