"""What an operator is told about each kind of error, and the exit code."""

import aiohttp
from pydantic import ValidationError
from slack_sdk.errors import SlackApiError
from sqlalchemy.exc import ArgumentError

from bot.drafting.slack_port import SlackRefused, SlackUnavailable
from bot.errors import OperatorError, validation_problems
from bot.store import NewerDatabase, StoreUnavailable
from inference.client import EngineRefused, EngineUnavailable

FAILED, WRONG_SETTING = 1, 2
NEWER_DATABASE = (
    "A newer version of Draftsmith has upgraded this database: install that version, or restore a "
    "backup from before."
)


def operator_error(error: Exception) -> OperatorError | None:
    """Return the sentence for the operator and the exit code; None for a bug of ours.

    Exit code 2 is a wrong setting, 1 is something that does not answer just now.
    """
    code = WRONG_SETTING
    match error:
        case OperatorError():
            return error
        case ValidationError():
            problems = validation_problems(error)
            sentence = "\n".join(f"{'_'.join(at).upper()}: {what}" for at, what in problems)
        case SlackRefused():
            sentence = f"Slack refused: {error}. Run `draftsmith doctor`."
        case SlackApiError():
            sentence = f"Slack refused: {error.response['error']}. Run `draftsmith doctor`."
        case ArgumentError():
            sentence = "DATABASE_URL is not a URL that SQLAlchemy knows."
        case NewerDatabase():
            sentence = NEWER_DATABASE
        case EngineRefused() | EngineUnavailable():
            sentence, code = str(error), FAILED
        case SlackUnavailable() | StoreUnavailable() | aiohttp.ClientError() | OSError():
            sentence = f"{type(error).__name__}: {error}. Run `draftsmith doctor`."
            code = FAILED
        case _:
            return None
    return OperatorError(sentence, code)
