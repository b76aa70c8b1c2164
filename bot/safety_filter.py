"""The safety filter as the settings have it. The worker judges if the policy names no other."""

from pathlib import Path

from bot.settings import Settings
from safety import AuditLog, Filter, JudgeServer, load_policy


def load_filter(
    settings: Settings, *, policy: Path | None = None, audit: AuditLog | None = None
) -> Filter:
    """Return the filter by POLICY, or by another file. Raises OperatorError."""
    worker = JudgeServer(settings.engine_url, settings.worker_token)
    return Filter(load_policy(policy or settings.policy), audit=audit, worker=worker)
