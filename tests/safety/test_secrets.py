"""Secrets are found by their issuers' forms, and manuals and prose are left alone."""

import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from safety.detectors.credentials import Secrets, is_dummy
from safety.text.normalise import normalise
from tests.safety.generated.secrets import SECRET_FRAMES, SECRETS, private_key


def rule_of(name: str) -> str:
    return name.partition(" ")[0]


def found(text: str) -> list[tuple[str, str]]:
    findings = Secrets().find(normalise(text))
    return [(finding.rule, text[finding.start : finding.end]) for finding in findings]


@pytest.mark.parametrize("around", SECRET_FRAMES.values(), ids=SECRET_FRAMES)
@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_found_whole_wherever_it_stands(name: str, around: str) -> None:
    for seed in range(5):
        secret = SECRETS[name](random.Random(seed))
        rules = {rule for rule, text in found(around.format(secret)) if text in secret}
        assert rule_of(name) in rules


@settings(max_examples=100)
@given(st.sampled_from([name for name in SECRETS if "_key" not in name]), st.integers())
def test_every_character_of_a_secret_is_in_its_finding(name: str, seed: int) -> None:
    secret = SECRETS[name](random.Random(seed))
    assume(not is_dummy(secret))  # a few drawn values look like the samples of a manual
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
        ("log in as ann with password Tr0ub4dor and wait", "assigned_password", "Tr0ub4dor"),
        ("curl -sS -u admin:Xk29vLq8 https://acme.test/x", "user_password", "Xk29vLq8"),
        ("Authorization: Basic YW5uOlhrMjl2THE4", "basic_password", "YW5uOlhrMjl2THE4"),
        ("La contraseña es: Xk29vLq8", "assigned_password", "Xk29vLq8"),
        ("The Wi-Fi password was changed to Xk29vLq8", "assigned_password", "Xk29vLq8"),
        ("password: Tr0ub4dor9...", "assigned_password", "Tr0ub4dor9..."),
        ("密码：Abc12345欢迎使用", "assigned_password", "Abc12345"),
        ("**Password:** Tr0ub4dor&3x", "assigned_password", "Tr0ub4dor&3x"),
        ("**Password**: `Tr0ub4dor&3x`", "assigned_password", "Tr0ub4dor&3x"),
        ("Password:\r\nTr0ub4dor&3x", "assigned_password", "Tr0ub4dor&3x"),
        ("### Password\nTr0ub4dor&3x", "assigned_password", "Tr0ub4dor&3x"),
        ("### Password\nTr0ub4dor&3x until Friday", "assigned_password", "Tr0ub4dor&3x"),
        ("「密码」：Abc12345", "assigned_password", "Abc12345"),
        ("密码为“Abc12345”。", "assigned_password", "Abc12345"),
        ("the password “Tr0ub4dor&3x”", "assigned_password", "Tr0ub4dor&3x"),
        ("temporary password will be Welcome2024!", "assigned_password", "Welcome2024!"),
        ("mysql -pTr0ub4dor3x", "command_password", "Tr0ub4dor3x"),
        ("| API key | a8F3kLm92QzXw7RtYb4N |", "assigned_key", "a8F3kLm92QzXw7RtYb4N"),
        ("**API key:**\na8F3kLm92QzXw7RtYb4N", "assigned_key", "a8F3kLm92QzXw7RtYb4N"),
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
        "My boarding pass: A12B34C, and a bus pass is 45euros",
        "password: hashlib.sha256 and password = hash2(text)",
        "Authorization: Basic YWRtaW46cGFzc3dvcmQxMjM=",
        "the password policy2 and password manager4teams",
        "Password: 2FA-ready, SHA-256 hashed",
        "**Password:** **changeme123**",
        "### Password\nOAuth2Client is what we use",
        "- Password\n- OAuth2Client",
        "DB_PASSWORD=\nDB_HOST=db01.internal",
        "password:\n  host: db01.internal",
        "Reset your password:\nhttps://acme.com/reset2",
        "| password_hash | varchar255 |",
        "docker run mysql -p3306:3306 and mysql -p$DB_PASSWORD1",
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
