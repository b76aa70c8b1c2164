"""Writes .env.sample anew from the settings: `python -m tests.env_sample > .env.sample`."""

from collections.abc import Iterator
from textwrap import wrap

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bot.settings import Settings
from inference.settings import WorkerSettings

TO_FILL_IN = ("slack_bot_token", "slack_app_token")
HEAD = """\
# Copy this file to .env and fill in the two tokens. Every other line shows a default:
# take its # away to change it. Made from the settings by `python -m tests.env_sample`.

# The bot.
"""
WORKER_HEAD = "# The worker. `draftsmith run` hands these settings on to it.\n"


def env_sample() -> str:
    """Return every setting of bot and worker with its help and its default."""
    bot, worker = _entries(Settings.model_fields), _entries(WorkerSettings.model_fields)
    return "\n".join([HEAD, *bot, WORKER_HEAD, *worker])


def _entries(fields: dict[str, FieldInfo]) -> Iterator[str]:
    # The two to fill in come first.
    for name, field in sorted(fields.items(), key=lambda item: item[0] not in TO_FILL_IN):
        help_lines = wrap(f"{field.description}", 98, initial_indent="# ", subsequent_indent="# ")
        default = "" if field.default_factory else _written(field.default)
        setting = f"{'' if name in TO_FILL_IN else '#'}{name.upper()}={default}"
        yield "\n".join([*help_lines, setting, ""])


def _written(default: object) -> str:
    """Return a default as the environment holds it."""
    assert not isinstance(default, SecretStr), "a secret must have no default"
    match default:
        case None:
            return ""
        case bool():
            return str(default).lower()
        case list():
            return ", ".join(map(str, default))
        case dict():
            return ", ".join(f"{key}={value}" for key, value in default.items())
        case _:
            return str(default)


if __name__ == "__main__":
    print(env_sample(), end="")
