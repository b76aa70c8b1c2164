"""Files in the workspace: from a person to the app, and from the app to a channel."""

from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace
from bot.workspace.objects import Json
from tests.bot.bolt_app import StartApp, refused

NOTES = "# Opening\nWe move to Lisbon — 里斯本.".encode()


@pytest.fixture
async def heard(bolt: AsyncApp, connect: StartApp) -> list[Json]:
    """Return the list of messages that a connected app receives, in order."""
    events: list[Json] = []

    @bolt.event("message")
    async def message(event: Json) -> None:
        events.append(event)

    @bolt.event("app_mention")
    async def mention() -> None:
        return

    await connect()
    return events


async def fetched(url: str, token: str = "") -> tuple[int, str, bytes]:
    """Return status, content type and body."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status, response.content_type, await response.read()


async def test_an_uploaded_file_is_told_of_and_can_be_fetched(
    workspace: Workspace, heard: list[Json], ada: str, general: str
) -> None:
    root = await workspace.say(ada, general, "root")
    ts = await workspace.upload(ada, general, "notes.md", NOTES, thread_ts=root, text="see & use")
    event = heard[-1]
    assert (event["subtype"], event["text"], event["ts"]) == ("file_share", "see &amp; use", ts)
    assert (event["thread_ts"], event["user"], event["upload"]) == (root, ada, True)
    (file,) = event["files"]
    known = (file["name"], file["title"], file["mimetype"], file["filetype"], file["size"])
    assert known == ("notes.md", "notes.md", "text/markdown", "markdown", len(NOTES))
    assert (file["mode"], file["file_access"], file["is_public"]) == ("hosted", "visible", True)
    for url in (file["url_private"], file["url_private_download"]):
        found = await fetched(url, workspace.bot_token)
        assert found == (200, "text/markdown", NOTES)


@pytest.mark.parametrize("without", ["token", "scope", "membership"])
async def test_who_may_not_see_a_file_gets_a_page_to_sign_in(
    workspace: Workspace, heard: list[Json], ada: str, general: str, without: str
) -> None:
    await workspace.upload(ada, general, "notes.md", NOTES)
    url, token = heard[0]["files"][0]["url_private"], workspace.bot_token
    if without == "token":
        token = ""
    elif without == "scope":
        workspace.revoke("files:read")
    else:
        await workspace.remove_bot(general)
    status, kind, body = await fetched(url, token)
    assert (status, kind) == (200, "text/html")
    assert NOTES not in body


async def test_a_file_is_described_to_an_app_that_may_see_it(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    secret = workspace.channel("secret", private=True, members=[ada], bot=False)
    for place in (general, workspace.dm(ada), secret):
        await workspace.upload(ada, place, "a.txt", b"x")
    seen, direct, hidden = (file.id for file in workspace.state.files.values())
    told = (await client.files_info(file=seen))["file"]
    assert (told["user"], told["channels"], told["ims"]) == (ada, [general], [])
    told = (await client.files_info(file=direct))["file"]
    assert (told["channels"], told["ims"]) == ([], [workspace.dm(ada)])
    assert await refused(client.files_info(file=hidden)) == "file_not_found"
    assert await refused(client.files_info(file="F0NOWHERE00")) == "file_not_found"
    workspace.revoke("files:read")
    assert await refused(client.files_info(file=seen)) == "missing_scope"


async def test_with_people_from_outside_a_file_has_to_be_asked_for(
    workspace: Workspace, client: AsyncWebClient, heard: list[Json], ada: str
) -> None:
    shared = workspace.channel("shared", members=[ada, workspace.person("olga", outsider=True)])
    await workspace.upload(ada, shared, "notes.md", NOTES)
    (file,) = heard[0]["files"]
    assert file["file_access"] == "check_file_info"
    assert "url_private" not in file
    told = (await client.files_info(file=file["id"]))["file"]
    assert (await fetched(told["url_private"], workspace.bot_token))[2] == NOTES


async def test_the_apps_own_upload_is_posted_in_a_thread(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    root = await workspace.say(ada, general, "root")
    await client.files_upload_v2(
        content=NOTES,
        filename="draft.md",
        title="The draft",
        channel=general,
        thread_ts=root,
        initial_comment="Here it is.",
    )
    message = workspace.messages(general, root)[1]
    assert (message.text, message.user) == ("Here it is.", workspace.bot_user)
    (file,) = message.files
    assert (file.name, file.title, file.data) == ("draft.md", "The draft", NOTES)
    (told,) = (await client.conversations_replies(channel=general, ts=root))["messages"][1:]
    assert told["files"][0]["title"] == "The draft"
    assert "subtype" not in told


async def test_a_file_without_a_channel_stays_the_apps_own(
    workspace: Workspace, client: AsyncWebClient, general: str
) -> None:
    answer = await client.files_upload_v2(content="x", filename="x.txt")
    assert workspace.messages(general) == []
    assert (await client.files_info(file=answer["file"]["id"]))["file"]["channels"] == []


async def announced(client: AsyncWebClient, length: int) -> tuple[str, str]:
    answer = await client.files_getUploadURLExternal(filename="x.txt", length=length)
    return answer["upload_url"], answer["file_id"]


async def posted(url: str, data: Any) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(url, data=data) as response:
        return response.status, await response.text()


async def test_an_upload_address_takes_what_was_announced_once(
    workspace: Workspace, client: AsyncWebClient
) -> None:
    url, file = await announced(client, 4)
    assert (await posted(url, b"tea"))[0] == 400
    assert await posted(url, b"cake") == (200, "OK - 4")
    assert (await posted(url, b"cake"))[0] == 404
    assert workspace.state.files[file].data == b"cake"


async def test_an_upload_may_come_as_a_form(workspace: Workspace, client: AsyncWebClient) -> None:
    url, file = await announced(client, 4)
    form = aiohttp.FormData()
    form.add_field("filename", b"cake", filename="x.txt")
    assert (await posted(url, form))[0] == 200
    assert workspace.state.files[file].data == b"cake"


async def test_an_upload_that_is_not_whole_cannot_be_shown(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    _, file = await announced(client, 4)
    await workspace.upload(ada, general, "theirs.txt", b"x")
    theirs = list(workspace.state.files)[-1]
    for unfit in (file, theirs, "F0NOWHERE00"):
        call = client.files_completeUploadExternal(files=[{"id": unfit}], channel_id=general)
        assert await refused(call) == "file_not_found"
    assert len(workspace.messages(general)) == 1


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"channel_id": "C0NOWHERE00"}, "channel_not_found"),
        ({"channel_id": "away"}, "not_in_channel"),
        ({"channel_id": "closed"}, "is_archived"),
        ({"channel_id": "general", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"files": []}, "invalid_arguments"),
    ],
)
async def test_a_file_is_shown_only_where_the_app_may_write(
    workspace: Workspace, client: AsyncWebClient, general: str, wrong: Json, error: str
) -> None:
    away, closed = workspace.channel("away", bot=False), workspace.channel("closed")
    workspace.archive(closed)
    places = {"away": away, "closed": closed, "general": general}
    url, file = await announced(client, 1)
    await posted(url, b"x")
    wrong = {name: places.get(str(value), value) for name, value in wrong.items()}
    call = client.files_completeUploadExternal(**{"files": [{"id": file}], **wrong})
    assert await refused(call) == error
    assert workspace.state.files[file].title == "x.txt"


@pytest.mark.parametrize(
    ("length", "error"),
    [
        (0, "missing_argument"),
        ("many", "invalid_arguments"),
        (10**10, "file_upload_size_restricted"),
    ],
)
async def test_an_odd_length_is_refused(client: AsyncWebClient, length: Any, error: str) -> None:
    call = client.files_getUploadURLExternal(filename="x.txt", length=length)
    assert await refused(call) == error


async def test_writing_a_file_needs_its_scope(workspace: Workspace, client: AsyncWebClient) -> None:
    workspace.revoke("files:write")
    call = client.files_getUploadURLExternal(filename="x.txt", length=1)
    assert await refused(call) == "missing_scope"


async def test_a_person_attaches_only_their_own_files(
    workspace: Workspace, ada: str, general: str
) -> None:
    ben = workspace.person("ben")
    theirs = workspace.attach(ben, "plan.txt", b"secret")
    with pytest.raises(ValueError, match="no file"):
        await workspace.say(ada, general, "look", files=[theirs])
    assert workspace.messages(general) == []


async def test_an_empty_file_cannot_be_attached(workspace: Workspace, ada: str) -> None:
    with pytest.raises(ValueError, match="at least one byte"):
        workspace.attach(ada, "plan.txt", b"")
