"""What Slack's JSON says of an organisation of Enterprise Grid. Pure functions.

https://docs.slack.dev/enterprise
https://docs.slack.dev/enterprise/organization-apps
"""

from bot.workspace.objects import Json, User
from bot.workspace.state import State


def in_event(state: State) -> Json:
    """Return the fields of the outer event that name the organisation."""
    if state.enterprise is None:
        return {}
    return {"enterprise_id": state.enterprise.id, "context_enterprise_id": state.enterprise.id}


def in_authorization(state: State) -> Json:
    """Return the fields of an event's authorization that name the organisation."""
    if state.enterprise is None:
        return {}
    whole = state.enterprise.whole
    return {"enterprise_id": state.enterprise.id, "is_enterprise_install": whole}


def in_command(state: State) -> Json:
    """Return the fields of a slash command, a form whose values are all strings."""
    if state.enterprise is None:
        return {}
    return {
        "enterprise_id": state.enterprise.id,
        "enterprise_name": state.enterprise.name,
        "is_enterprise_install": "true" if state.enterprise.whole else "false",
    }


def in_interaction(state: State) -> Json:
    """Return the fields of an interaction. Where the app is in all workspaces, it has no team."""
    if state.enterprise is None:
        return {}
    enterprise = {"id": state.enterprise.id, "name": state.enterprise.name}
    team = {"id": state.team, "domain": state.domain}
    team |= {f"enterprise_{name}": value for name, value in enterprise.items()}
    whole = state.enterprise.whole
    return {
        "enterprise": enterprise,
        "team": None if whole else team,
        "is_enterprise_install": whole,
    }


def in_auth_test(state: State) -> Json:
    """Return the fields of auth.test: a token for all workspaces belongs to none of them."""
    if state.enterprise is None:
        return {}
    whole = state.enterprise.whole
    team = {"team_id": None, "team": state.enterprise.name} if whole else {}
    return team | {"enterprise_id": state.enterprise.id, "is_enterprise_install": whole}


def in_user(user: User) -> Json:
    """Return the fields of a user object that name the person's organisation and workspaces.

    https://docs.slack.dev/reference/objects/user-object
    """
    if user.enterprise is None:
        return {}
    return {
        "enterprise_user": {
            "id": user.id,
            "enterprise_id": user.enterprise.id,
            "enterprise_name": user.enterprise.name,
            "is_admin": False,
            "is_owner": False,
            "is_primary_owner": False,
            "teams": list(user.teams),
        }
    }
