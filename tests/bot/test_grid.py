"""Who is a member in an organisation of Enterprise Grid, and in channels of other companies."""

from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.listeners.team import team_of
from bot.slack.client.membership import Installation
from bot.workspace import Workspace
from bot.workspace.objects import Enterprise, Json
from tests.bot.bolt_app import StartApp
from tests.person import Person, StartBot
from tests.scripted_engine import ScriptedEngine

OURS, OTHER, THEIRS = "T0OURS", "T0OTHER", "T0THEIRS"
ORG, THEIR_ORG = "E0ORG", "E0THEIRS"
ALONE = Installation(OURS)
IN_ORG = Installation(OURS, ORG)
IN_ALL = Installation("", ORG, whole=True)


def grid_user(*teams: str, org: str = ORG, **more: Any) -> Json:
    return {"enterprise_user": {"id": "U1", "enterprise_id": org, "teams": list(teams)}, **more}


@pytest.mark.parametrize(
    ("installed", "acted_in", "user", "member"),
    [
        # Without an organisation.
        (ALONE, OURS, {"team_id": OURS}, True),
        (ALONE, OURS, {"team_id": THEIRS, "is_stranger": False}, False),
        (ALONE, THEIRS, {"team_id": THEIRS}, False),
        (ALONE, OURS, {"team_id": OURS, "is_restricted": True}, False),
        (ALONE, OURS, {"team_id": OURS, "is_restricted": True, "is_ultra_restricted": True}, False),
        (ALONE, OURS, {"team_id": OURS, "is_bot": True}, False),
        (ALONE, OURS, {"team_id": OURS, "deleted": True}, False),
        (ALONE, OURS, {}, False),
        # `team_id` is any workspace, the organisation, or missing; the list decides.
        (IN_ORG, OURS, grid_user(OURS, team_id=OURS), True),
        (IN_ORG, OURS, grid_user(OTHER, OURS, team_id=OTHER), True),
        (IN_ORG, OURS, grid_user(OTHER, OURS, team_id=ORG), True),
        (IN_ORG, OURS, grid_user(OTHER, OURS), True),
        (IN_ORG, OURS, {"enterprise_id": ORG, "teams": [OTHER, OURS]}, True),
        (IN_ORG, ORG, grid_user(OTHER, OURS, team_id=OTHER), True),
        (IN_ORG, OURS, grid_user(OTHER, team_id=OTHER), False),
        (IN_ORG, OTHER, grid_user(OTHER, team_id=OTHER), False),
        (IN_ORG, OURS, grid_user(team_id=ORG), False),
        (IN_ORG, OURS, grid_user(OURS, team_id=OTHER, is_restricted=True), False),
        (IN_ORG, OURS, grid_user(THEIRS, org=THEIR_ORG, team_id=THEIRS), False),
        (IN_ORG, THEIRS, grid_user(THEIRS, org=THEIR_ORG, team_id=THEIRS), False),
        # Installed in all of the organisation: where the person acted decides.
        (IN_ALL, OURS, grid_user(OTHER, OURS, team_id=OTHER), True),
        (IN_ALL, OTHER, grid_user(OTHER, team_id=OTHER), True),
        (IN_ALL, OURS, grid_user(OTHER, team_id=OTHER), False),
        (IN_ALL, ORG, grid_user(OTHER, team_id=ORG), True),
        (IN_ALL, ORG, grid_user(THEIRS, org=THEIR_ORG, team_id=THEIRS), False),
        (IN_ALL, THEIRS, grid_user(THEIRS, org=THEIR_ORG, team_id=THEIRS), False),
        (IN_ALL, THEIRS, {"team_id": THEIRS}, False),
    ],
)  # fmt: skip
def test_members_are_those_whose_workspaces_include_the_apps(
    installed: Installation, acted_in: str, user: Json, member: bool
) -> None:
    assert installed.has_member(user, acted_in) is member


@pytest.mark.parametrize(
    ("answer", "installed"),
    [
        ({"team_id": OURS, "is_enterprise_install": False}, ALONE),
        ({"team_id": OURS, "enterprise_id": ORG, "is_enterprise_install": False}, IN_ORG),
        ({"team_id": None, "enterprise_id": ORG, "is_enterprise_install": True}, IN_ALL),
    ],
)
def test_the_app_asks_where_it_is_installed(answer: Json, installed: Installation) -> None:
    assert Installation.from_auth_test(answer) == installed


@pytest.mark.parametrize(
    ("body", "team"),
    [
        ({"team_id": OURS}, OURS),
        ({"team_id": THEIRS, "authorizations": [{"team_id": OURS}]}, OURS),
        ({"team_id": THEIRS, "context_team_id": OURS}, OURS),
        ({"team_id": OURS, "authorizations": [{"enterprise_id": ORG}]}, OURS),
        ({"team_id": None, "authorizations": [{"team_id": None, "enterprise_id": ORG}]}, ORG),
        ({"team_id": None, "enterprise_id": ORG}, ORG),
        ({"team": {"id": OURS, "domain": "ours", "enterprise_id": ORG}}, OURS),
        ({"team": {"id": THEIRS}, "view": {"app_installed_team_id": OURS}}, OURS),
        ({"team": None, "view": {"app_installed_team_id": ORG, "team_id": OURS}}, OURS),
        ({"team": None, "enterprise": {"id": ORG}, "user": {"id": "U1", "team_id": OTHER}}, ORG),
        ({"user": {"id": "U1", "team_id": OTHER}}, ""),
    ],
)
def test_where_a_person_acted_is_found_wherever_slack_writes_it(body: Json, team: str) -> None:
    assert team_of(body) == team


async def test_an_organisation_is_named_in_all_that_the_workspace_sends(
    workspace: Workspace,
    bolt: AsyncApp,
    connect: StartApp,
    client: AsyncWebClient,
    general: str,
) -> None:
    workspace.state.enterprise = Enterprise(ORG, "Starship")
    mia = workspace.person("mia", teams=[OTHER, workspace.team])
    bodies: list[Json] = []

    @bolt.middleware
    async def keep(body: Json, next_: Any) -> None:
        bodies.append(body)
        await next_()

    @bolt.event("app_mention")
    @bolt.command("/draft")
    @bolt.action("again")
    async def taken(ack: Any) -> None:
        await ack()

    await connect()
    label = {"type": "plain_text", "text": "Again"}
    row = {"type": "actions", "elements": [{"type": "button", "action_id": "again", "text": label}]}
    ts = (await client.chat_postMessage(channel=general, text="x", blocks=[row]))["ts"]
    await workspace.command(mia, general, "/draft", "rain")
    await workspace.click(mia, general, ts, "again")
    await workspace.say(mia, general, f"<@{workspace.bot_user}> rain")
    command, click, *_, mention = bodies
    assert (command["enterprise_id"], command["team_id"]) == (ORG, workspace.team)
    assert click["enterprise"] == {"id": ORG, "name": "Starship"}
    assert click["team"]["id"] == workspace.team
    assert click["user"]["team_id"] == OTHER
    assert mention["enterprise_id"] == ORG
    assert mention["authorizations"][0]["enterprise_id"] == ORG
    assert mention["event"]["team"] == OTHER
    assert (await client.auth_test())["enterprise_id"] == ORG
    user = (await client.users_info(user=mia))["user"]
    assert user["team_id"] == OTHER
    assert user["enterprise_user"]["teams"] == [OTHER, workspace.team]


@pytest.mark.parametrize("transport", ["socket", "http"])
@pytest.mark.parametrize("whole", [False, True])
async def test_members_of_our_workspace_may_ask_and_nobody_else_of_the_organisation(
    workspace: Workspace,
    start: StartBot,
    engine: ScriptedEngine,
    transport: str,
    whole: bool,
) -> None:
    workspace.state.enterprise = Enterprise(ORG, "Starship", whole=whole)
    ours, launch = workspace.team, workspace.channel("launch")
    mia = Person(workspace, workspace.person("mia", teams=[OTHER, ours]), launch)
    noa = Person(workspace, workspace.person("noa", teams=[OTHER, ours], team=ORG), launch)
    kim = Person(workspace, workspace.person("kim", teams=[OTHER]), launch)
    async with start(slack_transport=transport) as bot:
        workspace.events_url = bot.address
        await mia.draft("rain")
        (draft,) = await mia.sees_drafts(1)
        await noa.react(draft, "repeat")
        await mia.sees_drafts(2)
        assert await workspace.click(mia.id, launch, draft.ts, "regenerate")
        await mia.sees_drafts(3)
        assert await workspace.shortcut(noa.id, "draft_shortcut", channel=launch)
        (form,) = await workspace.until(lambda: workspace.views(noa.id))
        assert (await workspace.submit(noa.id, form.id, {"brief": "sun", "channel": launch})).ok
        await workspace.until(lambda: len(workspace.messages(launch)) == 2)
        await kim.draft("rain")
        await kim.hears("open to full members")
        await workspace.until(lambda: len(engine.requests) == 4)
        assert len(workspace.messages(launch)) == 2


@pytest.mark.parametrize("transport", ["socket", "http"])
async def test_an_outsider_may_not_ask_in_a_channel_that_their_company_made(
    workspace: Workspace, start: StartBot, engine: ScriptedEngine, transport: str
) -> None:
    olga = workspace.person("olga", outsider=True, enterprise=Enterprise(THEIR_ORG, "Their"))
    ana = workspace.person("ana")
    shared = workspace.channel("shared", members=[olga, ana])
    theirs = workspace.state.users[olga].team
    workspace.state.channels[shared].host = theirs
    async with start(slack_transport=transport) as bot:
        workspace.events_url = bot.address
        await workspace.say(olga, shared, f"<@{workspace.bot_user}> blog: rain")
        await Person(workspace, olga, shared).hears("open to full members")
        await workspace.say(ana, shared, f"<@{workspace.bot_user}> blog: sun")
        await Person(workspace, ana, shared).sees_drafts(1)
    assert len(engine.requests) == 1
