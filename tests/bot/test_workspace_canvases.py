"""Canvases in the workspace: made and read by the app, written and opened by people."""

from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace
from bot.workspace.objects import Json
from tests.bot.bolt_app import StartApp, refused
from tests.reader import Reader

TRAM = "# The tram\n\nIt **climbs**.\n\n- [ ] one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |"


def document(markdown: str) -> Json:
    return {"type": "markdown", "markdown": markdown}


async def test_a_canvas_stands_in_its_channel_and_is_read_again(
    workspace: Workspace, client: AsyncWebClient, general: str
) -> None:
    content = document(TRAM)
    made = await client.canvases_create(
        title="The tram", document_content=content, channel_id=general
    )
    canvas = made["canvas_id"]
    read = await client.api_call("canvases.getContent", json={"canvas_id": canvas})
    assert read["content"] == TRAM
    html = {"canvas_id": canvas, "content_type": "html"}
    assert (
        "<h1>The tram</h1>" in (await client.api_call("canvases.getContent", json=html))["content"]
    )
    file = (await client.files_info(file=canvas))["file"]
    known = (file["filetype"], file["mode"], file["mimetype"], file["title"], file["name"])
    assert known == ("quip", "quip", "application/vnd.slack-docs", "The tram", "The_tram")
    assert file["permalink"].endswith(f"/docs/{workspace.team}/{canvas}")
    assert file["channels"] == [general]
    assert [tab.id for tab in workspace.state.tabs(general)] == [canvas]


@pytest.mark.parametrize(
    ("markdown", "detail"),
    [
        ("a\n\n#### deep", "line 3: Unsupported heading depth (4)"),
        ("1. one\n    - inner", "line 2: Unsupported list type"),
        ("|a|b|c|\n|-|-|-|\n" + "|1|2|3|\n" * 100, "line 1: Unsupported table type"),
    ],
    ids=["heading", "list", "table"],
)
async def test_what_a_canvas_cannot_hold_is_refused_with_its_line(
    client: AsyncWebClient, markdown: str, detail: str
) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.canvases_create(document_content=document(markdown))
    answer = caught.value.response
    assert answer["error"] == "canvas_creation_failed"
    assert answer["detail"] == f"'content' error: {detail}"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"document_content": {"type": "blocks", "markdown": "a"}}, "invalid_arguments"),
        ({"document_content": document("a" * 1_048_577)}, "invalid_arguments"),
        ({"channel_id": "C0NOWHERE00"}, "channel_not_found"),
        ({"channel_id": "away"}, "not_in_channel"),
        ({"channel_id": "closed"}, "is_archived"),
    ],
)
async def test_a_canvas_is_made_only_of_what_and_where_it_may_be(
    workspace: Workspace, client: AsyncWebClient, wrong: Json, error: str
) -> None:
    places = {"away": workspace.channel("away", bot=False), "closed": workspace.channel("closed")}
    workspace.archive(places["closed"])
    args = {name: places.get(str(value), value) for name, value in wrong.items()}
    assert await refused(client.api_call("canvases.create", json=args)) == error
    assert not workspace.state.files


async def test_a_plan_says_which_canvases_there_may_be(
    workspace: Workspace, client: AsyncWebClient, general: str
) -> None:
    workspace.state.canvases = "free"
    call = client.canvases_create(document_content=document("a"))
    assert await refused(call) == "free_teams_cannot_create_non_tabbed_canvases"
    await client.canvases_create(document_content=document("a"), channel_id=general)
    call = client.canvases_create(document_content=document("a"), channel_id=general)
    assert await refused(call) == "free_team_canvas_tab_already_exists"
    workspace.state.canvases = "disabled"
    call = client.canvases_create(document_content=document("a"), channel_id=general)
    assert await refused(call) == "canvas_disabled_user_team"


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({}, "invalid_parameters"),
        ({"channel_ids": ["general"], "user_ids": ["ada"]}, "invalid_parameters"),
        ({"channel_ids": ["dm"]}, "channel_not_found"),
        ({"channel_ids": ["general"], "access_level": "owner"}, "invalid_parameters"),
        ({"user_ids": ["U0NOBODY000"]}, "user_not_found"),
        ({"user_ids": ["ada"], "access_level": "all"}, "invalid_arguments"),
        ({"user_ids": ["ada"], "canvas_id": "F0NOWHERE00"}, "canvas_not_found"),
    ],
)
async def test_access_is_given_to_channels_or_to_people(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str, args: Json, error: str
) -> None:
    canvas = (await client.canvases_create(document_content=document("a")))["canvas_id"]
    ids = {"general": general, "ada": ada, "dm": workspace.dm(ada)}
    named: dict[str, Any] = {"canvas_id": canvas, "access_level": "read"}
    for name, value in args.items():
        named[name] = [ids.get(v, v) for v in value] if isinstance(value, list) else value
    assert await refused(client.api_call("canvases.access.set", json=named)) == error


@pytest.mark.parametrize(
    ("scope", "method"),
    [
        ("canvases:write", "canvases.create"),
        ("canvases:write", "canvases.access.set"),
        ("canvases:read", "canvases.getContent"),
        ("files:read", "files.list"),
    ],
)
async def test_each_method_needs_its_scope(
    workspace: Workspace, client: AsyncWebClient, scope: str, method: str
) -> None:
    workspace.revoke(scope)
    assert await refused(client.api_call(method)) == "missing_scope"


async def test_a_persons_canvas_comes_as_a_file_that_only_its_method_gives_as_markdown(
    workspace: Workspace,
    bolt: AsyncApp,
    connect: StartApp,
    client: AsyncWebClient,
    ada: str,
    general: str,
) -> None:
    events: list[Json] = []

    @bolt.event("message")
    async def message(event: Json) -> None:
        events.append(event)

    await connect()
    hidden = workspace.write_canvas(ada, "Mine", "secret")
    assert (
        await refused(client.api_call("canvases.getContent", json={"canvas_id": hidden}))
        == "canvas_not_found"
    )
    canvas = workspace.write_canvas(ada, "Notes on trams", TRAM)
    await workspace.say(ada, general, "look", files=[canvas])
    (file,) = events[-1]["files"]
    assert (file["id"], file["title"], file["filetype"]) == (canvas, "Notes on trams", "quip")
    read = await client.api_call("canvases.getContent", json={"canvas_id": canvas})
    assert read["content"] == TRAM
    headers = {"Authorization": f"Bearer {workspace.bot_token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(file["url_private"], headers=headers) as response,
    ):
        assert response.content_type == "text/html"
        assert "<strong>climbs</strong>" in await response.text()


async def test_files_are_listed_by_channel_person_and_time(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    launch = workspace.channel("launch")
    mine = await client.canvases_create(document_content=document("a"), channel_id=general)
    await client.canvases_create(document_content=document("a"), channel_id=launch)
    await workspace.upload(ada, general, "a.txt", b"a")
    mine_alone = workspace.state.bot.id
    listed = await client.files_list(channel=general, user=mine_alone)
    assert [file["id"] for file in listed["files"]] == [mine["canvas_id"]]
    assert listed["paging"] == {"count": 100, "total": 1, "page": 1, "pages": 1}
    later = workspace.state.files[mine["canvas_id"]].created + 1
    assert not (await client.files_list(channel=general, ts_from=str(later)))["files"]
    assert len((await client.files_list(types="canvas"))["files"]) == 2
    assert await refused(client.files_list(types="poems")) == "unknown_type"


async def test_people_open_a_canvas_from_its_tab_from_a_message_and_by_its_link(
    workspace: Workspace, client: AsyncWebClient, reader: Reader, ada: str, general: str
) -> None:
    made = await client.canvases_create(
        title="The tram", document_content=document(f"{TRAM}\n\n![](@{ada})"), channel_id=general
    )
    file = (await client.files_info(file=made["canvas_id"]))["file"]
    await client.chat_postMessage(channel=general, text=f"<{file['permalink']}|Our tram>")
    await workspace.say(ada, general, "mine", files=[workspace.write_canvas(ada, "Mine", "*own*")])
    await reader.open("ada")
    await reader.click("#canvases button")
    await reader.see("#canvas h2", "The tram")
    await reader.see("#canvas strong", "climbs")
    await reader.see("#canvas .mention", "@ada")
    await reader.click("#canvas header button")
    await reader.click('#messages a[href*="/docs/"]')
    await reader.see("#canvas td", "1")
    await reader.click("#canvas header button")
    await reader.click("#messages .files a")
    await reader.see("#canvas em", "own")


async def test_who_may_not_read_a_canvas_does_not_get_its_text(
    workspace: Workspace, client: AsyncWebClient, ada: str
) -> None:
    workspace.person("ben")
    made = await client.canvases_create(document_content=document("secret"))
    access = {"canvas_id": made["canvas_id"], "access_level": "read", "user_ids": [ada]}
    await client.api_call("canvases.access.set", json=access)
    address = f"{workspace.url}/page/canvases/{made['canvas_id']}"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{address}?as=ada") as response:
            assert (await response.json())["text"] == "secret"
        async with session.get(f"{address}?as=ben") as response:
            assert response.status == 404
