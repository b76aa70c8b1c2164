"""The safety filter as the settings have it. The worker judges if the policy names no other."""

from pathlib import Path

from bot.metrics import VERDICTS
from bot.settings import Settings
from safety import Action, AuditLog, Filter, JudgeServer, Stage, Verdict, load_policy

# Known before the first: an alert is to see it come.
for stage in Stage:
    for rule in ("detector_error", "audit_error"):
        VERDICTS.labels(stage, Action.BLOCK, rule)


def load_filter(
    settings: Settings, *, policy: Path | None = None, audit: AuditLog | None = None
) -> Filter:
    """Return the filter by POLICY, or by another file. Raises OperatorError."""
    worker = JudgeServer(settings.engine_url, settings.worker_token)
    chosen = load_policy(policy or settings.policy)
    return Filter(chosen, audit=audit, worker=worker, heard=count_verdict)


def count_verdict(stage: Stage, verdict: Verdict) -> None:
    """Count a verdict that changes or stops a text, by the rules that caused it."""
    if verdict.action is not Action.ALLOW:
        for rule in verdict.rules:
            VERDICTS.labels(stage, verdict.action, rule).inc()
