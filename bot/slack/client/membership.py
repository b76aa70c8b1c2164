"""Who is a member: of the app's workspace, or of one in its organisation of Enterprise Grid."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

User = Mapping[str, Any]
"""A user object: https://docs.slack.dev/reference/objects/user-object"""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where the app is installed: in one workspace, `team`, or (`whole`) in all of `enterprise`."""

    team: str = ""
    enterprise: str = ""
    whole: bool = False

    def __post_init__(self) -> None:
        assert self.enterprise if self.whole else self.team, "it is installed somewhere"

    @classmethod
    def from_auth_test(cls, me: Mapping[str, Any]) -> Self:
        """Read the answer of auth.test."""
        return cls(
            team=me.get("team_id") or "",
            enterprise=me.get("enterprise_id") or "",
            whole=bool(me.get("is_enterprise_install")),
        )

    def has_member(self, user: User, team: str) -> bool:
        """Say whether a user is a full member here: no guest, no bot, no outsider.

        `team` is where the person acted. It decides only if the app is in all workspaces, for in a
        channel shared with another company it can be theirs. Somebody of the same organisation who
        is not in this workspace is no member of it either: who shares a channel does not decide
        whose machine writes.
        """
        limited = user.get("is_restricted") or user.get("is_ultra_restricted")
        if limited or user.get("is_stranger") or user.get("is_bot") or user.get("deleted"):
            return False
        if not self.whole:
            return self.team in workspaces(user)
        inside = organisation(user) == self.enterprise
        return inside and team in {self.enterprise, *workspaces(user)}


def workspaces(user: User) -> frozenset[str]:
    """Return the workspaces of a user.

    In an organisation, `team_id` is missing, or one of several workspaces, or the organisation.
    """
    teams = (user.get("enterprise_user") or {}).get("teams") or user.get("teams")
    return frozenset(teams or filter(None, [user.get("team_id")]))


def organisation(user: User) -> str:
    """Return the id of the user's organisation; "" without one."""
    inside = user.get("enterprise_user") or user
    return str(inside.get("enterprise_id") or "")
