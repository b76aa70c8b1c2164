"""The safety filter: judges texts that come in and go out. Knows neither Slack nor the model."""

from safety.audit.audit_log import AuditError, AuditLog
from safety.errors import FilterError, OperatorError
from safety.judge.judge import JudgeServer
from safety.policy.policy import Policy
from safety.policy.policy_file import PolicyError, load_policy
from safety.screening.filter import Filter
from safety.screening.gate import Gate
from safety.screening.redact import has_span
from safety.text.normalise import visible
from safety.text.safe_text import NOTHING, fenced, joined, part, safe
from safety.verdict import Action, Blocked, SafeText, Stage, Verdict

__all__ = [
    "NOTHING",
    "Action",
    "AuditError",
    "AuditLog",
    "Blocked",
    "Filter",
    "FilterError",
    "Gate",
    "JudgeServer",
    "OperatorError",
    "Policy",
    "PolicyError",
    "SafeText",
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
