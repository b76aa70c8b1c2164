"""Every setting of the bot: name, type, default, range and one line of help.

Read from the environment or `.env`, as the worker reads its own (inference/settings.py).
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy import make_url

from bot.drafting.drafting_settings import DraftingSettings
from bot.errors import OperatorError


class Settings(DraftingSettings, BaseSettings):
    """What an operator can set. Raises ValidationError, which names each wrong setting."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", hide_input_in_errors=True)

    slack_bot_token: SecretStr | None = Field(
        None, description="The bot's token, xoxb-..., from the app's page OAuth & Permissions."
    )
    slack_app_token: SecretStr | None = Field(
        None, description="The app-level token, xapp-..., with connections:write (Socket Mode)."
    )
    slack_signing_secret: SecretStr | None = Field(
        None, description="The signing secret that every HTTP request of Slack is checked with."
    )
    slack_api_url: str = Field(
        "https://slack.com/api/", description="Where the Web API is; the workspace for trying."
    )
    slack_transport: Literal["socket", "http"] = Field(
        "socket", description="How Slack reaches the bot: Socket Mode, or signed HTTP."
    )
    socket_connections: int = Field(
        2,
        ge=1,
        le=10,
        description="WebSockets of this bot in Socket Mode; Slack allows an app 10 in all.",
    )
    http_host: str = Field("127.0.0.1", description="The address the HTTP transport listens on.")
    http_port: int = Field(3000, ge=0, le=65535, description="Its port; 0 takes any free one.")
    health_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="The port, on HTTP_HOST, of /health/live, /health/ready, /health/takes and "
        "/metrics; none by default.",
    )
    slash_command: str = Field(
        "/draft", pattern=r"^/[a-z0-9_-]{1,31}$", description="The slash command."
    )

    data_dir: Path = Field(
        Path("data"), description="Where the database, the audit log and the socket are."
    )
    database_url: str | None = Field(
        None, description="SQLAlchemy's async URL; by default SQLite in DATA_DIR."
    )

    worker_url: str | None = Field(
        None,
        description="An OpenAI-compatible server (unix:/path or http://host:port); "
        "by default `draftsmith run` starts a worker of its own.",
    )
    worker_token: SecretStr | None = Field(None, description="The token that the worker asks for.")
    judge_url: str | None = Field(
        None,
        pattern="^(unix:|https?://)",
        description="An OpenAI-compatible server with log-probabilities (unix:/path or "
        "http://host:port), whose model grades drafts beside what is counted, where "
        "`python -m bot.evaluate measures` has tested that; by default none does. It reads what is "
        "written, and what was asked.",
    )
    judge_token: SecretStr | None = Field(None, description="The token that this server asks for.")
    max_source: int = Field(
        30_000,
        ge=1000,
        le=1_000_000,
        description="Characters kept of a file or another source, as far as the policy lets them.",
    )

    allowed: Annotated[list[str], NoDecode] = Field(
        ["members"],
        description="Who may ask: `members` (full members of this workspace), `anyone`, "
        "or user ids with commas between.",
    )
    max_running_per_person: int = Field(
        3, ge=1, le=100, description="Running requests of one person."
    )

    recipes: Path | None = Field(
        None, description="A folder of further kinds of text, a TOML file each; see bot/drafting."
    )
    policy: Path | None = Field(
        None, description="The filter's policy, TOML; by default the packaged one."
    )
    audit_key: SecretStr | None = Field(
        None, description="Key of the audit log's digests; by default one is made in DATA_DIR."
    )

    review_channel: str | None = Field(
        None,
        pattern=r"^[CG][A-Z0-9]{2,}$",
        description="Id of the private channel whose members decide about what the policy holds; "
        "without one, hold is block.",
    )
    review_hours: float = Field(
        24, gt=0, le=720, description="Hours after which a text that nobody decided is rejected."
    )

    drain_seconds: float = Field(
        20, ge=0, le=600, description="How long running drafts may go on after SIGTERM."
    )
    lease_seconds: float = Field(
        30,
        ge=1,
        le=600,
        description="Seconds after which the other bots of a database take over what a dead bot "
        "was writing (PostgreSQL).",
    )
    log_format: Literal["console", "json"] = Field("console", description="How logs are written.")

    @field_validator("allowed", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'draftsmith.db'}"

    @property
    def database_shown(self) -> str:
        """The database's URL without its password."""
        return make_url(self.database).render_as_string(hide_password=True)

    @property
    def socket(self) -> Path:
        """The Unix socket of the worker that `draftsmith run` starts."""
        return self.data_dir / "worker" / "worker.sock"

    @property
    def engine_url(self) -> str:
        """Where the model answers."""
        return self.worker_url or f"unix:{self.socket}"


class ExplicitSettings(Settings):
    """Settings from arguments alone, whatever the environment says: for demo, bench and tests."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return only the arguments as a source."""
        return (init_settings,)


def required(secret: SecretStr | None, name: str) -> SecretStr:
    """Return the setting's value. Raises OperatorError if it is missing or blank."""
    if secret is None or not secret.get_secret_value().strip():
        raise OperatorError(f"{name} is not set. The README says where Slack shows it.")
    return secret
