"""The arguments of the Web API's methods: in which form they come, and which are refused."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace
from tests.bot.bolt_app import refused


async def test_a_method_that_reads_takes_no_json(
    workspace: Workspace, client: AsyncWebClient, ada: str, general: str
) -> None:
    """See https://docs.slack.dev/apis/web-api#methods_supporting_json."""
    as_json = client.api_call("conversations.info", json={"channel": general})
    assert await refused(as_json) == "channel_not_found"
    assert await refused(client.api_call("users.info", json={"user": ada})) == "invalid_arguments"
    assert (await client.api_call("users.info", params={"user": ada}))["user"]["name"] == "ada"


async def test_json_brings_no_token(workspace: Workspace) -> None:
    url, body = f"{workspace.url}/api/auth.test", {"token": workspace.bot_token}
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json=body) as response:
            assert (await response.json())["error"] == "not_authed"
        async with session.post(url, data=body) as response:
            assert (await response.json())["ok"]


@pytest.mark.parametrize("name", ["oldest", "latest"])
async def test_a_time_is_a_number(client: AsyncWebClient, general: str, name: str) -> None:
    wrong: dict[str, Any] = {"channel": general, name: "yesterday"}
    await client.chat_postMessage(channel=general, text="x")
    assert await refused(client.conversations_history(**wrong)) == f"invalid_ts_{name}"


async def test_a_reaction_needs_a_ts(client: AsyncWebClient, general: str) -> None:
    call = client.reactions_add(channel=general, timestamp="now", name="tada")
    assert await refused(call) == "bad_timestamp"


@pytest.mark.parametrize(
    "metadata", [{"event_type": "draft"}, {"event_type": 1, "event_payload": {}}, {"a": 1}]
)
async def test_metadata_has_a_type_and_a_payload(
    client: AsyncWebClient, general: str, metadata: dict[str, Any]
) -> None:
    """See https://docs.slack.dev/messaging/message-metadata."""
    call = client.chat_postMessage(channel=general, text="x", metadata=metadata)
    assert await refused(call) == "invalid_metadata_schema"


async def test_empty_metadata_take_the_old_away(client: AsyncWebClient, general: str) -> None:
    metadata = {"event_type": "draft", "event_payload": {"id": 1}}
    posted = await client.chat_postMessage(channel=general, text="x", metadata=metadata)
    await client.chat_update(channel=general, ts=posted["ts"], text="y")
    read = client.conversations_history
    (kept,) = (await read(channel=general, include_all_metadata=True))["messages"]
    assert kept["metadata"] == metadata
    await client.chat_update(channel=general, ts=posted["ts"], text="y", metadata={})
    (bare,) = (await read(channel=general, include_all_metadata=True))["messages"]
    assert "metadata" not in bare
