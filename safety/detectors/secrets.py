"""Credentials, by the forms that their issuers publish, and where the words say what they are."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from safety.normalise import Normalised
from safety.verdict import Finding


class Form(NamedTuple):
    """A credential's form: its rule, words of which one must occur, and the pattern."""

    rule: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


def _form(rule: str, hints: str, pattern: str) -> Form:
    bounded = rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])"
    return Form(rule, tuple(hints.split()), re.compile(bounded))


FORMS = (
    _form("aws_access_key", "AKIA ASIA", r"(?:AKIA|ASIA)[A-Z0-9]{16}"),
    _form("github_token", "gh", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
    _form("github_token", "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    _form("gitlab_token", "gl", r"gl(?:pat|ptt|dt|rt|cbt|soat|imt|ft|agent)-[A-Za-z0-9_.-]{20,}"),
    _form("slack_token", "xox", r"xox(?:e\.xox)?[abceoprs]-[A-Za-z0-9-]{10,}"),
    _form("slack_token", "xapp-", r"xapp-[0-9]-[A-Za-z0-9]+-[0-9]+-[A-Za-z0-9]{32,}"),
    _form(
        "slack_webhook",
        "hooks.slack.com",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9]{8,}/[A-Za-z0-9/]{20,}",
    ),
    _form("stripe_key", "_live_ _test_", r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    _form("stripe_webhook_secret", "whsec_", r"whsec_[A-Za-z0-9+/=]{32,}"),
    _form("google_api_key", "AIza", r"AIza[A-Za-z0-9_-]{35}"),
    _form("google_oauth", "ya29. GOCSPX-", r"ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{28}"),
    _form("anthropic_key", "sk-ant-", r"sk-ant-[a-z]{3,6}[0-9]{2}-[A-Za-z0-9_-]{32,}"),
    _form(
        "openai_key",
        "sk-",
        r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{32,}|sk-[A-Za-z0-9]{32,}",
    ),
    _form("openrouter_key", "sk-or-", r"sk-or-v1-[0-9a-f]{64}"),
    _form("huggingface_token", "hf_", r"hf_[A-Za-z0-9]{30,}"),
    _form("npm_token", "npm_", r"npm_[A-Za-z0-9]{36}"),
    _form("pypi_token", "pypi-AgE", r"pypi-AgE[A-Za-z0-9_-]{50,}"),
    _form("sendgrid_key", "SG.", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _form("twilio_key", "SK", r"SK[0-9a-f]{32}"),
    _form("mailgun_key", "key-", r"key-[0-9a-f]{32}"),
    _form("mailchimp_key", "-us", r"[0-9a-f]{32}-us[0-9]{1,2}"),
    _form("telegram_bot_token", ":AA", r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"),
    _form(
        "discord_token", ".", r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}"
    ),
    _form("digitalocean_token", "_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    _form("shopify_token", "shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _form("square_token", "sq0", r"sq0(?:atp|csp)-[A-Za-z0-9_-]{22,43}"),
    _form("databricks_token", "dapi", r"dapi[0-9a-f]{32}(?:-[0-9])?"),
    _form("docker_token", "dckr_", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,}"),
    _form("linear_key", "lin_api_", r"lin_api_[A-Za-z0-9]{40}"),
    _form("notion_token", "ntn_ secret_", r"(?:ntn|secret)_[A-Za-z0-9]{40,50}"),
    _form("grafana_token", "glsa_", r"glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}"),
    _form("vault_token", "hv", r"hv[sbr]\.[A-Za-z0-9_-]{24,}"),
    _form("groq_key", "gsk_", r"gsk_[A-Za-z0-9]{52}"),
    _form("azure_storage_key", "AccountKey=", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    _form("jwt", "eyJ", r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}"),
)

# RFC 7468 and OpenSSH, PuTTY's and PGP's header lines, newlines also as the escapes of JSON.
_KEY_HEADER = r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
_KEY_LINES = (
    r"(?:\s|\\[nr])*+(?:[A-Za-z-]{2,20}: [^\n]{0,100}(?:\n\s*+|\Z)){0,4}"
    r"(?:[A-Za-z0-9+/=]{16,}(?:\s|\\[nr])*+)"
)
_KEY_END = r"(?:[A-Za-z0-9+/=\s]{0,24}-----END [A-Z0-9 ]{1,60}-----)?"
_PRIVATE_KEY = re.compile(f"{_KEY_HEADER}{_KEY_LINES}++{_KEY_END}")
OPEN_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,80}\Z"
    rf"|{_KEY_HEADER}{_KEY_LINES}*+[A-Za-z0-9+/=]{{0,24}}\s*(?:-----END [A-Z0-9 ]{{0,60}})?\Z"
)
"""Matches from the header of a private key to the text's end while the key may still go on."""

_URL_PASSWORD = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@]{0,64}:([^\s/@]{3,128})@(?=[A-Za-z0-9\[])"
)
# Looked ahead at, not taken: a value that is none may hold the next name, "secret: password=...".
# It ends before Chinese, Japanese and Korean text, where borders lie (see `safety.borders`).
_VALUE = (
    r"(?=(?P<value>(?:(?!&[A-Za-z_-]{1,30}=)"
    r"[^\s\"'`<>{}()\[\],;，。；、“「『《\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]){8,200}))"
)
_ASSIGNED = re.compile(
    r"(?i)(?:(?P<password>password|passwd|passphrase|(?<![a-z])pwd|密码|密碼|口令)"
    r"|(?P<key>secret|token|api[_ -]?key|access[_ -]?key|account[_ -]?key|密钥|密鑰|令牌))"
    r"""[A-Za-z_"']{0,12}[ \t]{0,3}(?:[:=]|是|为|為|(?<=[ \t])is[ \t])[ \t]{0,3}["'`]?""" + _VALUE
)
_BEARER = re.compile(r"(?i)(?<![a-z])bearer[ \t]{1,3}([A-Za-z0-9._~+/=-]{20,2000})")
# A whole value made of the words that stand for one, or of which all but the edges is masked.
_WORD = (
    r"(?:example|sample|changeme|placeholder|redacted|password|passwd|passphrase|pass|pwd|secret"
    r"|token|key|api|access|auth|your|my|the|new|old|user|admin|test|demo|dummy|fake|db|here|value)"
)
_PLACEHOLDER = re.compile(
    rf"(?i)(?:[a-z_]{{1,20}}\.){{0,4}}{_WORD}(?:[_.-]?{_WORD})*(?:[_.-]?(?:[0-9]{{1,3}}|1234567[0-9]*))?[.:!?]?"
    r"|.{0,4}(?:\*{3,}|\.{3,}|x{4,}).{0,4}"
    r"|[\w/+-]*(?-i:EXAMPLE)(?:key)?[.:!?]?"  # as in Amazon's manuals
    r"|eyJ[\w-]*\.{3,}"  # the header of a token, whose rest is left out
    r"|[$%<{].*"
)


class Secrets:
    def find(self, text: Normalised) -> Iterator[Finding]:
        for form in FORMS:
            if any(hint in text.text for hint in form.hints):
                for match in form.pattern.finditer(text.text):
                    if not is_dummy(match[0]):
                        yield text.finding("secret", form.rule, *match.span())
        yield from _private_keys(text)
        yield from _passwords(text)


def _private_keys(text: Normalised) -> Iterator[Finding]:
    for match in _PRIVATE_KEY.finditer(text.text):
        yield text.finding("secret", "private_key", *match.span())


def _passwords(text: Normalised) -> Iterator[Finding]:
    for match in _URL_PASSWORD.finditer(text.text):
        if not _PLACEHOLDER.fullmatch(match[1]):
            yield text.finding("secret", "url_password", *match.span(1))
    for match in _ASSIGNED.finditer(text.text):
        if match["password"] and is_password(match["value"]):
            yield text.finding("secret", "assigned_password", *match.span("value"))
        if match["key"] and is_random(match["value"]):
            yield text.finding("secret", "assigned_key", *match.span("value"))
    for match in _BEARER.finditer(text.text):
        if is_random(match[1]):
            yield text.finding("secret", "bearer_token", *match.span(1))


def is_dummy(value: str) -> bool:
    """Whether a value of the right form is only there to show the form, as in a manual."""
    return len(set(value[-16:])) < 6 or "EXAMPLE" in value


def is_password(value: str) -> bool:
    """Whether what is called a password looks like one, and not like a word or a placeholder."""
    mixed = re.search("[0-9]", value) and re.search("[A-Za-z]", value)
    return bool(mixed) and not _PLACEHOLDER.fullmatch(value)


def is_random(value: str) -> bool:
    """Whether what is called a key looks drawn by lot: digits among letters of both cases."""
    kinds = [c.isdigit() + 2 * c.isupper() for c in value if c.isalnum()]
    changes = [(one, other) for one, other in pairwise(kinds) if one != other]
    digits = [change for change in changes if 1 in change]
    long = len(kinds) >= 16 and len(changes) >= 5 and len(digits) >= 2
    return long and not _PLACEHOLDER.fullmatch(value)
