"""The people and channels of a workspace for trying: who they are, and who is where."""

from dataclasses import dataclass

from bot.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Cast:
    """Ids: Ana, an admin; Mei, who reads Chinese and made #plans; Gus, a guest; two channels."""

    ana: str
    mei: str
    gus: str
    launch: str
    plans: str


def enter(workspace: Workspace) -> Cast:
    """Add the people, a channel of all of them and a private one of the members."""
    ana = workspace.person("ana", admin=True)
    mei = workspace.person("mei", locale="zh-CN")
    gus = workspace.person("gus", guest=True)
    launch = workspace.channel("launch", members=[ana, mei, gus])
    plans = workspace.channel("plans", private=True, members=[ana], creator=mei)
    return Cast(ana, mei, gus, launch, plans)
