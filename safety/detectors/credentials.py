"""Credentials: by the forms that their issuers publish, and by words that announce them."""

import re
from base64 import b64decode
from collections.abc import Iterator
from itertools import pairwise

from safety.detectors.secret_forms import SECRET_FORMS
from safety.text.normalise import NormalisedText
from safety.text.private_key import PRIVATE_KEY
from safety.verdict import Finding

URL_PASSWORD = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@]{0,64}:([^\s/@]{3,128})@(?=[A-Za-z0-9\[])"
)
# A value ends before Chinese, Japanese and Korean text, where borders lie (see `segmentation`). A
# name with a bracket behind it is a call in code: "password = hash2(text)".
VALUE = re.compile(
    r"(?:(?!&[A-Za-z_-]{1,30}=)"
    r"[^\s\"'`<>{}()\[\],;，。；、“”‘’「」『』《》\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])"
    r"{6,200}+(?![(\[])"
)
# In small letters. Every name begins with a letter, which makes the search fast.
PASSWORDS = (
    r"password|passwd|passphrase|passcode|passwort|kennwort|wachtwoord|contrase[ñn]a"
    r"|mot de passe|密码|口令"
)
NAMES = (
    rf"{PASSWORDS}|pwd(?![a-z])(?<![a-z]pwd)|pw(?![a-z])(?<![a-z]pw)"
    r"|pass(?=[\"' ]{0,4}[:=])(?<![a-z]pass)(?<!boarding pass)"
    r"|senha(?<![a-z]senha)"
    r"|secret|token|ap[i|][_ -]?key|access[_ -]?key|account[_ -]?key|密钥|令牌"
)
PURPOSE = (
    r"""[a-z_"']{0,12}(?:[ \t](?:(?:for|of|to|on)[ \t][^\n.:;=?]{1,40}?|\([^()\n]{1,40}\)))?"""
    r"[*_~`”’」』】》]{0,3}[ \t]{0,3}"
)
OPENING = r"""[*_~"'`“‘「『]{0,4}"""
# The value is on the next line, perhaps in a block of code; "host: db" there is another name.
LINE = r"(?:[ \t]{0,3}\r?\n){1,2}[ \t>]{0,4}(?:```[a-z]{0,10}\r?\n)?(?![\w.-]*[:=])"
JOINT = (
    r"(?:(?:[:]|是|为|改成|改为|设为|设成"
    r"|(?<=[ \t])(?:(?:(?:is|was|has been) )?(?:(?:re)?set|changed) to"
    r"|(?:is|was|will be|es|est|ist|lautet)(?: now)?:?)(?=\s))"
    rf"{OPENING}(?:{LINE}(?:[-*•][ \t])?|[ \t]{{0,3}}){OPENING}"
    r"""|=[ \t]{0,3}["'`]?|(?<=[ \t])["'`“‘「『]|(?<=--password[ \t]))"""
)
NAME = re.compile(
    rf"(?P<name>{NAMES})(?:{PURPOSE}"
    rf"(?:{JOINT}|[ \t]{{0,20}}(?P<cell>\|)[ \t]{{0,20}}{OPENING}|(?P<line>{LINE}){OPENING})"
    r"|(?P<bare>[ \t]))"
)
# "Password" alone on a line does not announce the first word of a sentence: "OAuth2Client is ...".
IS_ALONE = re.compile(r"[*_~`\"'”’」』]{0,4}(?:[ \t]*\n|(?![ \t,]))")
KEYS = ("secret", "token", "a", "密钥", "令牌")
BEARER = re.compile(r"(?i)(?<![a-z])bearer[ \t]{1,3}([A-Za-z0-9._~+/=-]{20,2000})")
USER = re.compile(
    r"(?<=curl )[^\n]{0,200}?(?:-u|--user)[ =][\"']?[^\s:\"']{1,64}:([^\s\"']{4,128})"
)
COMMAND = re.compile(
    r"(?<![A-Za-z])(?:(?:mysql(?:dump|admin)?|mariadb)[ ](?:[^\n]{0,200}?[ ])??-p|sshpass[ ]-p[ ]?)"
    r"[\"']?([^\s\"'`]{4,128})"
)
BASIC = re.compile(r"(?i)(?<![a-z])basic[ \t]{1,3}([A-Za-z0-9+/]{8,2000}={0,2})(?![A-Za-z0-9+/=])")
# A whole value that is made of placeholder words, or is masked except for its edges.
WORD = (
    r"(?:example|sample|changeme|placeholder|redacted|password|passwd|passphrase|pass|pwd|secret"
    r"|token|key|api|access|auth|your|my|the|new|old|user|admin|test|demo|dummy|fake|db|here|value)"
)
PLACEHOLDER = re.compile(
    rf"(?i)(?:(?:[a-z_][a-z_0-9]{{0,19}}\.){{0,4}}{WORD}(?:[_.-]?{WORD})*"
    r"(?:[_.-]?(?:[0-9]{1,3}|1234567[0-9]*))?"
    r"|.{0,4}(?:\*{3,}|\.{3,}|x{4,}).{0,4}"
    r"|[\w/+-]*(?-i:EXAMPLE)(?:key)?"  # as in Amazon's manuals
    r"|eyJ[\w-]*\.{3,}"  # the header of a token, whose rest is left out
    r"|[$%<{].*"
    r"|(?:self|this|os|env|config|settings|process|app|user|request|args|hashlib|secrets)\.[\w.]+"
    r"|[0-9]{1,3}[a-z]{0,2}(?:-[a-z]+)+"  # "3-ingredient", "2FA-ready"
    r"|(?:sha|md|aes|rsa|argon|base|utf|oauth|pbkdf|ed|bcrypt)[_-]?[0-9]{1,5}(?:-[a-z0-9]+)?"
    r")[.:!?*_~|]{0,4}"
)
THREE_KINDS = re.compile("(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z]).{8}")
LETTERS_AND_DIGITS = re.compile("(?=.*[0-9])(?=.*[A-Za-z])")
SIGN_BETWEEN = re.compile("[#$%^&*!+=?~][A-Za-z0-9]")
SIGN_WITHIN = re.compile("[A-Za-z][@#$%^&*!][A-Za-z]")


class Secrets:
    def find(self, text: NormalisedText) -> Iterator[Finding]:
        for match in PRIVATE_KEY.finditer(text.text):
            yield text.finding("secret", "private_key", *match.span())
        text = text.closed_up
        yield from _issued(text)
        yield from _named(text)
        yield from _sent(text)


def _issued(text: NormalisedText) -> Iterator[Finding]:
    for form in SECRET_FORMS:
        if any(hint in text.text for hint in form.hints):
            for match in form.pattern.finditer(text.text):
                if not is_dummy(match[0]):
                    yield text.finding("secret", form.rule, *match.span())


def _named(text: NormalisedText) -> Iterator[Finding]:
    """Yield values that the text calls a password or a key."""
    # A name is read in any script and with figures for letters; its value as it is written.
    for name in NAME.finditer(text.simplified.unleeted.text):
        value = VALUE.match(text.text, name.end())
        if value is None:
            continue
        is_key = name["name"].startswith(KEYS)
        if _is_meant(name, value, is_key) and (is_random if is_key else is_password)(value[0]):
            rule = "assigned_key" if is_key else "assigned_password"
            yield text.finding("secret", rule, *value.span())


def _is_meant(name: re.Match[str], value: re.Match[str], is_key: bool) -> bool:
    """Say whether a name announces the value behind it: "log in with password X" may not."""
    if is_key:
        return name["bare"] is None
    if name["line"] and not (
        IS_ALONE.match(value.string, value.end()) or SIGN_BETWEEN.search(value[0])
    ):
        return False
    is_said = not (name["bare"] or name["cell"] or name["line"])
    return is_said or THREE_KINDS.match(value[0]) is not None


def _sent(text: NormalisedText) -> Iterator[Finding]:
    """Yield the credentials of requests and commands (RFC 6750, RFC 7617)."""
    for rule, pattern in (("url_password", URL_PASSWORD), ("user_password", USER)):
        for match in pattern.finditer(text.text):
            if not PLACEHOLDER.fullmatch(match[1]):
                yield text.finding("secret", rule, *match.span(1))
    for match in COMMAND.finditer(text.text) if "-p" in text.text else ():
        if is_password(match[1]):
            yield text.finding("secret", "command_password", *match.span(1))
    for match in BEARER.finditer(text.text):
        if is_random(match[1]):
            yield text.finding("secret", "bearer_token", *match.span(1))
    for match in BASIC.finditer(text.text):
        if _is_user_and_password(match[1]):
            yield text.finding("secret", "basic_password", *match.span(1))


def _is_user_and_password(encoded: str) -> bool:
    try:
        user, parted, password = b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return False
    return bool(user and parted and password.isprintable()) and not PLACEHOLDER.fullmatch(password)


def is_dummy(value: str) -> bool:
    """Say whether a value only shows the form, as in a manual."""
    return len(set(value[-16:])) < 6 or "EXAMPLE" in value


def is_password(value: str) -> bool:
    """Say whether a value looks like a password, not like a word or a placeholder."""
    mixed = LETTERS_AND_DIGITS.match(value) or SIGN_WITHIN.search(value)
    return mixed is not None and not PLACEHOLDER.fullmatch(value)


def is_strong(value: str) -> bool:
    """Say whether a value looks like a password even if only its place says so."""
    return bool(THREE_KINDS.match(value) or SIGN_BETWEEN.search(value))


def is_random(value: str) -> bool:
    """Say whether a value looks random: digits among letters of both cases."""
    kinds = [c.isdigit() + 2 * c.isupper() for c in value if c.isalnum()]
    changes = [(one, other) for one, other in pairwise(kinds) if one != other]
    digits = [change for change in changes if 1 in change]
    long = len(kinds) >= 16 and len(changes) >= 5 and len(digits) >= 2
    return long and not PLACEHOLDER.fullmatch(value)
