"""What the workspace tells of mentions, files and other apps' posts, as Slack does."""

import asyncio

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace
from bot.workspace.objects import Json
from tests.bot.bolt_app import StartApp, refused

NOTES = b"# Opening"


@pytest.fixture
async def heard(bolt: AsyncApp, connect: StartApp) -> list[Json]:
    """Return the list of events and interactions that a connected app receives, in order."""
    bodies: list[Json] = []

    async def hear(body: Json) -> None:
        bodies.append(body.get("event") or body)

    async def ack_and_hear(ack: object, body: Json) -> None:
        await ack()  # type: ignore[operator]
        bodies.append(body)

    bolt.event("message")(hear)
    bolt.event("app_mention")(hear)
    bolt.shortcut("any")(ack_and_hear)
    await connect()
    return bodies


async def test_a_mention_tells_neither_of_files_nor_of_the_kind_of_channel(
    workspace: Workspace, heard: list[Json], ada: str, general: str
) -> None:
    named = f"<@{workspace.bot_user}> use it"
    ts = await workspace.upload(ada, general, "notes.md", NOTES, text=named)
    message, mention = sorted(heard, key=lambda event: event["type"], reverse=True)
    assert (message["type"], mention["type"]) == ("message", "app_mention")
    assert (message["subtype"], len(message["files"])) == ("file_share", 1)
    assert (mention["ts"], mention["text"], mention["user"]) == (ts, named, ada)
    assert not {"files", "upload", "subtype", "channel_type"} & set(mention)


async def test_with_people_from_outside_a_shortcut_tells_no_more_of_a_file_than_an_event(
    workspace: Workspace, heard: list[Json], client: AsyncWebClient, ada: str
) -> None:
    shared = workspace.channel("shared", members=[ada, workspace.person("olga", outsider=True)])
    ts = await workspace.upload(ada, shared, "notes.md", NOTES)
    assert await workspace.message_shortcut(ada, shared, ts, "any")
    for told in (heard[0], heard[1]["message"]):
        (file,) = told["files"]
        assert (file["mode"], file["file_access"]) == ("file_access", "check_file_info")
        assert "name" not in file
        assert "url_private" not in file
    assert (await client.files_info(file=file["id"]))["file"]["name"] == "notes.md"


async def test_a_file_that_may_not_be_seen_says_why(
    workspace: Workspace, heard: list[Json], client: AsyncWebClient, ada: str, general: str
) -> None:
    for _ in range(3):
        await workspace.upload(ada, general, "notes.md", NOTES)
    denied, hidden, deleted = workspace.state.files.values()
    denied.denied, hidden.mode, deleted.mode = True, "hidden_by_limit", "tombstone"
    told = (await client.files_info(file=denied.id))["file"]
    assert (told["file_access"], told.get("url_private")) == ("access_denied", None)
    assert (await client.files_info(file=hidden.id))["file"]["mode"] == "hidden_by_limit"
    assert await refused(client.files_info(file=deleted.id)) == "file_deleted"


async def test_a_snippet_needs_no_name_and_has_a_type(
    workspace: Workspace, heard: list[Json], ada: str, general: str
) -> None:
    await workspace.say(ada, general, "", files=[workspace.snippet(ada, "It is yellow.")])
    (file,) = heard[0]["files"]
    known = (file["name"], file["title"], file["filetype"], file["mimetype"], file["mode"])
    assert known == ("Untitled", "Untitled", "text", "text/plain", "snippet")
    assert file["editable"]


async def test_another_app_posts_blocks_and_attachments(
    workspace: Workspace, heard: list[Json], client: AsyncWebClient, ada: str, general: str
) -> None:
    github = workspace.other_app("github")
    attachment = {"title": "#12 Faster trams", "fallback": "a pull request"}
    ts = await workspace.post_as(github, general, "", attachments=[attachment])
    await asyncio.sleep(0)
    (event,) = heard
    (told,) = (await client.conversations_replies(channel=general, ts=ts))["messages"]
    for message in (event, told):
        assert message["bot_profile"]["name"] == "github"
        assert message["bot_id"] != workspace.state.bot_id
        assert message["attachments"] == [attachment]
