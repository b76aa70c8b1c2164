"""The workspace in which a person acted, wherever Slack writes it."""

from collections.abc import Mapping
from typing import Any

ORGANISATION = "E"


def team_of(body: Mapping[str, Any]) -> str:
    """Return the workspace that a payload is for, or the organisation if it names none.

    The team at the top of an event is that of the channel, which another company may have made;
    the authorization names ours. The person's own team says nothing about where they acted.

    https://docs.slack.dev/apis/events-api and https://docs.slack.dev/apis/slack-connect
    """
    authorization = (body.get("authorizations") or [{}])[0]
    view, team = body.get("view") or {}, body.get("team") or {}
    enterprise = body.get("enterprise") or {}
    named = [
        authorization.get("team_id"),
        body.get("context_team_id"),
        view.get("app_installed_team_id"),
        team.get("id"),
        body.get("team_id"),
        view.get("team_id"),
        enterprise.get("id"),
        authorization.get("enterprise_id"),
        body.get("enterprise_id"),
    ]
    teams = [str(team) for team in named if team] or [""]
    return next((team for team in teams if not team.startswith(ORGANISATION)), teams[0])
