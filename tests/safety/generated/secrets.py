"""Secrets, by the forms that their issuers document, and passwords that a text gives away."""

import base64
import json
import random
import string
from collections.abc import Iterator
from random import Random

from tests.safety.generated.sample import (
    BASE32,
    BASE64,
    BECH32,
    HEX,
    UPPER,
    URL_SAFE,
    WORD,
    Make,
    Sample,
    digits,
    identifier,
    placed,
    some,
)


def private_key(kind: str, draw: Random) -> str:
    body = "\n".join(some(BASE64, 64, draw) for _ in range(5))
    body += f"\n{some(BASE64, 9, draw)}="
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


def json_web_token(draw: Random) -> str:
    parts = (
        {"alg": "HS256", "typ": "JWT"},
        {"sub": digits(10, draw), "iat": draw.randrange(2**31)},
    )
    encoded = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    ]
    return ".".join([*encoded, some(URL_SAFE, 42, draw) + some(WORD, 1, draw)])


SECRETS: dict[str, Make] = {
    "aws_access_key": lambda d: "AKIA" + some(BASE32, 16, d),
    "aws_access_key temporary": lambda d: "ASIA" + some(BASE32, 16, d),
    "github_token classic": lambda d: "ghp_" + some(WORD, 36, d),
    "github_token oauth": lambda d: "gho_" + some(WORD, 36, d),
    "github_token app": lambda d: "ghs_" + some(WORD, 36, d),
    "github_token fine-grained": lambda d: f"github_pat_{some(WORD, 22, d)}_{some(WORD, 59, d)}",
    "gitlab_token": lambda d: "glpat-" + some(WORD, 20, d),
    "slack_token bot": lambda d: f"xoxb-{digits(12, d)}-{digits(12, d)}-{some(WORD, 24, d)}",
    "slack_token user": lambda d: (
        f"xoxp-{digits(11, d)}-{digits(11, d)}-{digits(12, d)}-{some(HEX, 32, d)}"
    ),
    "slack_token app": lambda d: f"xapp-1-A{some(UPPER, 10, d)}-{digits(13, d)}-{some(HEX, 64, d)}",
    "slack_webhook": lambda d: (
        f"https://hooks.slack.com/services/T{some(UPPER, 10, d)}"
        f"/B{some(UPPER, 10, d)}/{some(WORD, 24, d)}"
    ),
    "stripe_key": lambda d: "sk_live_" + some(WORD, 24, d),
    "stripe_key restricted": lambda d: "rk_live_" + some(WORD, 99, d),
    "stripe_webhook_secret": lambda d: "whsec_" + some(WORD, 32, d),
    "google_api_key": lambda d: "AIza" + some(URL_SAFE, 34, d) + some(WORD, 1, d),
    "google_oauth client": lambda d: "GOCSPX-" + some(URL_SAFE, 27, d) + some(WORD, 1, d),
    "openai_key project": lambda d: (
        f"sk-proj-{some(URL_SAFE, 74, d)}T3BlbkFJ{some(URL_SAFE, 73, d)}{some(WORD, 1, d)}"
    ),
    "openai_key old": lambda d: f"sk-{some(WORD, 20, d)}T3BlbkFJ{some(WORD, 20, d)}",
    "anthropic_key": lambda d: f"sk-ant-api03-{some(URL_SAFE, 93, d)}AA",
    "huggingface_token": lambda d: "hf_" + some(string.ascii_letters, 34, d),
    "groq_key": lambda d: "gsk_" + some(WORD, 52, d),
    "replicate_token": lambda d: "r8_" + some(WORD, 37, d),
    "perplexity_key": lambda d: "pplx-" + some(WORD, 48, d),
    "npm_token": lambda d: "npm_" + some(WORD, 36, d),
    "pypi_token": lambda d: "pypi-AgEIcHlwaS5vcmc" + some(WORD, 150, d),
    "rubygems_key": lambda d: "rubygems_" + some(HEX, 48, d),
    "docker_token": lambda d: "dckr_pat_" + some(WORD, 27, d),
    "postman_key": lambda d: f"PMAK-{some(HEX, 24, d)}-{some(HEX, 34, d)}",
    "pulumi_token": lambda d: "pul-" + some(HEX, 40, d),
    "vault_token": lambda d: "hvs." + some(WORD, 90, d),
    "doppler_token": lambda d: "dp.pt." + some(WORD, 43, d),
    "age_key": lambda d: "AGE-SECRET-KEY-1" + some(BECH32.upper(), 58, d),
    "sendgrid_key": lambda d: f"SG.{some(WORD, 22, d)}.{some(WORD, 43, d)}",
    "brevo_key": lambda d: f"xkeysib-{some(HEX, 64, d)}-{some(WORD, 16, d)}",
    "twilio_key": lambda d: "SK" + some(HEX, 32, d),
    "mailgun_key": lambda d: "key-" + some(HEX, 32, d),
    "mailchimp_key": lambda d: f"{some(HEX, 32, d)}-us{d.randint(1, 21)}",
    "telegram_bot_token": lambda d: f"{some('123456789', 10, d)}:AA{some(WORD, 33, d)}",
    "discord_token": lambda d: f"M{some(WORD, 25, d)}.{some(URL_SAFE, 5, d)}x.{some(WORD, 38, d)}",
    "discord_webhook": lambda d: (
        f"https://discord.com/api/webhooks/{some('123456789', 18, d)}/{some(WORD, 68, d)}"
    ),
    "digitalocean_token": lambda d: "dop_v1_" + some(HEX, 64, d),
    "shopify_token": lambda d: "shpat_" + some(HEX, 32, d),
    "square_token": lambda d: "sq0atp-" + some(WORD, 22, d),
    "plaid_token": lambda d: "access-production-" + identifier(d),
    "databricks_token": lambda d: "dapi" + some(HEX, 32, d),
    "linear_key": lambda d: "lin_api_" + some(WORD, 40, d),
    "notion_token": lambda d: "ntn_" + some(WORD, 46, d),
    "figma_token": lambda d: "figd_" + some(WORD, 40, d),
    "airtable_token": lambda d: f"pat{some(WORD, 14, d)}.{some(HEX, 64, d)}",
    "atlassian_token": lambda d: f"ATATT3xFfGF0{some(URL_SAFE, 171, d)}={some(HEX.upper(), 8, d)}",
    "grafana_token": lambda d: f"glsa_{some(WORD, 32, d)}_{some(HEX, 8, d)}",
    "sentry_token": lambda d: "sntryu_" + some(HEX, 64, d),
    "newrelic_key": lambda d: "NRAK-" + some(UPPER, 27, d),
    "dynatrace_token": lambda d: f"dt0c01.{some(BASE32, 24, d)}.{some(BASE32, 64, d)}",
    "alibaba_access_key": lambda d: "LTAI5t" + some(WORD, 18, d),
    "azure_storage_key": lambda d: f"AccountKey={some(BASE64, 86, d)}==",
    "azure_client_secret": lambda d: (
        f"{some(WORD, 3, d)}8Q~{some(URL_SAFE, 33, d)}{some(WORD, 1, d)}"
    ),
    "wecom_webhook": lambda d: (
        f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={identifier(d)}"
    ),
    "dingtalk_webhook": lambda d: (
        f"https://oapi.dingtalk.com/robot/send?access_token={some(HEX, 64, d)}"
    ),
    "jwt": json_web_token,
    "private_key": lambda d: private_key("RSA ", d),
    "private_key pkcs8": lambda d: private_key("", d),
    "private_key openssh": lambda d: private_key("OPENSSH ", d),
    "private_key in json": lambda d: private_key("", d).replace("\n", "\\n"),
}
"""By the name of the rule that should find it, and of its variety."""

SECRET_FRAMES = {
    "an English sentence": "Please use {} for the deployment.",
    "a Chinese sentence": "请用{}部署，谢谢。",
    "code": "client = connect('{}')\n",
    "brackets": "({})",
    "a list": "- first\n- {}\n- last",
}


def password(draw: Random) -> str:
    """Return ten to fourteen characters, with a capital, a small letter and a digit among them."""
    drawn = [*some(WORD, draw.randint(7, 11), draw), draw.choice(string.digits)]
    drawn += [draw.choice(string.ascii_uppercase), draw.choice(string.ascii_lowercase)]
    draw.shuffle(drawn)
    return "".join(drawn)


PASSWORD_FRAMES = (
    "The password is {}, please keep it to yourself.",
    "Password: {}",
    "password for the staging server is {} until Friday",
    "The Wi-Fi password was changed to {}",
    "My passcode is now {} as agreed",
    "DB_PASSWORD={}\nDB_HOST=db",
    '{"user": "app", "password": "{}"}',
    "Log in with password {} and change it.",
    "curl -u app:{} https://build.internal/jobs",
    "pwd: {}",
    "mysql --user app --password {} shop",
    "postgres://app:{}@db.internal:5432/shop",
    "Das Passwort: {}",
    "La contraseña es: {}",
    "服务器的密码是{}，请勿外传。",
    "登录密码：{}",
    "口令为 {} ，下周更换",
    "密碼：{}，請保密",
    "p4ssw0rd: {}",
    "**Password:** {}",
    "**Password**: `{}`",
    "*Temporary password (until Friday):* {}",
    "Password:\n{}\nPlease change it.",
    "### Password\n{}",
    "### Password\n\n```\n{}\n```",
    "Passwords:\n- {}\n",
    "| Password | {} |",
    "| **Password** | `{}` |",
    "| User | Password |\n|---|---|\n| ana | {} |",
    "user,password,host\nana,{},db1\n",
    "the password “{}” still works",
    "Your temporary password will be {} from Monday.",
    "密码：\n{}\n",
    "新的密码为“{}”，请保密",
    "**密码**：{}",
)
COMMAND_FRAMES = ("mysql -u app -p{} shop", "sshpass -p '{}' ssh app@build")
KEY_FRAMES = (
    "**API key:** {}",
    "**API key**: `{}`",
    "API key:\n{}\n",
    "### Access token\n{}\n",
    "| API key | {} |",
    "the secret “{}” is theirs",
    "密钥：\n{}\n",
)


def key(draw: Random) -> str:
    """Return twenty-four characters without a form; every other one is a digit."""
    letters = some(string.ascii_letters, 12, draw)
    return "".join(map("".join, zip(letters, digits(12, draw), strict=True)))


ANNOUNCED = {
    "password": (password, PASSWORD_FRAMES),
    "password in a command": (password, COMMAND_FRAMES),
    "key": (key, KEY_FRAMES),
}
"""What has no form of its own, and the words that give it away."""


def secrets(each: int, seed: int) -> Iterator[Sample]:
    """Yield `each` texts of every form of secret, and of every way to name a password or a key."""
    draw = random.Random(seed)
    for name, make in SECRETS.items():
        for _ in range(each):
            yield placed(draw.choice([*SECRET_FRAMES.values()]), name, make(draw))
    for kind, (make, frames) in ANNOUNCED.items():
        for frame in frames:
            for _ in range(each):
                yield placed(frame, kind, make(draw))
