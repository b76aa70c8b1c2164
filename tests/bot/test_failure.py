"""What an operator is told about an error, and the exit code."""

import aiohttp
import pytest
from pydantic import SecretStr, ValidationError
from slack_sdk.errors import SlackApiError
from sqlalchemy.exc import ArgumentError

from bot.cli.failure import NEWER_DATABASE, operator_error
from bot.drafting.slack_port import SlackRefused, SlackUnavailable
from bot.errors import OperatorError
from bot.settings import ExplicitSettings, required
from bot.store import NewerDatabase, StoreUnavailable
from inference.client import EngineUnavailable

DOCTOR = "Run `draftsmith doctor`."
INVALID_AUTH = SlackApiError("", {"error": "invalid_auth"})  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("error", "sentence", "exit_code"),
    [
        (OperatorError("Set X.", 7), "Set X.", 7),
        (
            SlackRefused("missing_scope", "a"),
            f"Slack refused: missing_scope (needs a). {DOCTOR}",
            2,
        ),
        (INVALID_AUTH, f"Slack refused: invalid_auth. {DOCTOR}", 2),
        (ArgumentError("x"), "DATABASE_URL is not a URL that SQLAlchemy knows.", 2),
        (EngineUnavailable("The worker does not answer."), "The worker does not answer.", 1),
        (SlackUnavailable("x"), f"SlackUnavailable: x. {DOCTOR}", 1),
        (NewerDatabase("9999"), NEWER_DATABASE, 2),
        (StoreUnavailable("x"), f"StoreUnavailable: x. {DOCTOR}", 1),
        (aiohttp.ClientError("x"), f"ClientError: x. {DOCTOR}", 1),
        (PermissionError("x"), f"PermissionError: x. {DOCTOR}", 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_kind_of_error_has_its_sentence_and_its_exit_code(
    error: Exception, sentence: str, exit_code: int
) -> None:
    told = operator_error(error)
    assert told is not None
    assert (told.sentence, told.exit_code) == (sentence, exit_code)


def test_each_wrong_setting_has_a_line_without_its_value() -> None:
    with pytest.raises(ValidationError) as wrong:
        ExplicitSettings(max_tokens="sesame", http_port=-1)
    told = operator_error(wrong.value)
    assert told is not None
    assert [line.partition(":")[0] for line in told.sentence.splitlines()] == [
        "MAX_TOKENS",
        "HTTP_PORT",
    ]
    assert "sesame" not in told.sentence
    assert told.exit_code == 2


def test_a_bug_of_ours_has_no_sentence() -> None:
    assert operator_error(KeyError("x")) is None


@pytest.mark.parametrize("secret", [None, SecretStr("")])
def test_an_empty_token_is_as_good_as_none(secret: SecretStr | None) -> None:
    with pytest.raises(OperatorError, match="SLACK_BOT_TOKEN is not set"):
        required(secret, "SLACK_BOT_TOKEN")
    assert required(SecretStr("xoxb-1"), "SLACK_BOT_TOKEN").get_secret_value() == "xoxb-1"
