"""The part of a manifest that makes an app an agent, and what Slack refuses in it.

https://docs.slack.dev/ai/migrating-to-agent-messaging and the published schema of manifests,
https://github.com/slackapi/manifest-schema
"""

from collections.abc import Iterable, Mapping
from typing import Any

MAX_DESCRIPTION = 300
MAX_PROMPTS = 4
# Events that only an agent receives.
AGENT_EVENTS = frozenset({"agent_session_stopped", "app_context_changed"})
# "New apps can only use the agent messaging experience": the developer changelog of July 2026.
ONLY_AGENTS = (
    "New apps can only use the agent messaging experience: "
    "features.agent_view in the place of features.assistant_view."
)


def declares_agent(features: Mapping[str, Any], events: Iterable[str]) -> bool:
    """Say whether a manifest declares an agent. Raises ValueError for what Slack refuses."""
    if "assistant_view" in features:
        raise ValueError(ONLY_AGENTS)
    view = features.get("agent_view")
    if view is None:
        if wrong := AGENT_EVENTS.intersection(events):
            raise ValueError(f"{min(wrong)} needs features.agent_view.")
        return False
    _check(view)
    return True


def _check(view: Mapping[str, Any]) -> None:
    if unknown := set(view) - {"agent_description", "suggested_prompts", "actions"}:
        raise ValueError(f"features.agent_view has no {min(unknown)}.")
    if len(view.get("agent_description", "")) > MAX_DESCRIPTION:
        raise ValueError(f"agent_description has at most {MAX_DESCRIPTION} characters.")
    prompts = view.get("suggested_prompts", [])
    if len(prompts) > MAX_PROMPTS:
        raise ValueError(f"suggested_prompts has at most {MAX_PROMPTS} entries.")
    _check_entries("suggested_prompts", prompts, {"title", "message"})
    _check_entries("actions", view.get("actions", []), {"name", "description"})


def _check_entries(name: str, entries: Iterable[Mapping[str, Any]], fields: set[str]) -> None:
    if not all(set(entry) == fields for entry in entries):
        raise ValueError(f"Each entry of {name} has {' and '.join(sorted(fields))}, nothing else.")
