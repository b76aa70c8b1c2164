"""The safety filter: judges what comes in and what goes out. Knows neither Slack nor the model."""

from safety.audit import AuditError, AuditLog
from safety.filter import Filter, FilterError, Health
from safety.judge import Server
from safety.normalise import visible
from safety.policy import Policy, PolicyError, load_policy
from safety.redact import has_span
from safety.released import NOTHING, fenced, joined, part, safe
from safety.stream import Gate
from safety.verdict import Action, Blocked, Finding, SafeText, Stage, Verdict

__all__ = [
    "NOTHING",
    "Action",
    "AuditError",
    "AuditLog",
    "Blocked",
    "Filter",
    "FilterError",
    "Finding",
    "Gate",
    "Health",
    "Policy",
    "PolicyError",
    "SafeText",
    "Server",
    "Stage",
    "Verdict",
    "fenced",
    "has_span",
    "joined",
    "load_policy",
    "part",
    "safe",
    "visible",
]
