"""The safety filter: judges what comes in and what goes out. Knows neither Slack nor the model."""

from safety.audit import AuditError, AuditLog
from safety.filter import Filter, FilterError
from safety.normalise import visible
from safety.policy import Policy, PolicyError, load_policy
from safety.stream import Gate
from safety.verdict import Action, Blocked, Finding, SafeText, Stage, Verdict

__all__ = [
    "Action",
    "AuditError",
    "AuditLog",
    "Blocked",
    "Filter",
    "FilterError",
    "Finding",
    "Gate",
    "Policy",
    "PolicyError",
    "SafeText",
    "Stage",
    "Verdict",
    "load_policy",
    "visible",
]
