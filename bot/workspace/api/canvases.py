"""canvases.*: documents that the app makes, shares and reads.

Which errors there are is on each method's page. What a workspace without a paid plan may do is
there, too: one canvas for each channel, in its tab.
"""

from bot.workspace.api.access import joined_channel, visible_channel, visible_file
from bot.workspace.api.methods import MethodArgs, api_method
from bot.workspace.canvas import (
    LEVELS,
    MARKDOWN,
    MOST_CHARACTERS,
    AccessLevel,
    Canvas,
    new_canvas,
)
from bot.workspace.errors import ApiError, error_at, invalid
from bot.workspace.objects import Json, WorkspaceChannel
from bot.workspace.rate_limits import TIER_2, TIER_3
from bot.workspace.state import State

MOST_ENTITIES = 20


@api_method("canvases.create", "canvases:write", limit=TIER_2)
def create(state: State, args: MethodArgs) -> Json:
    """Create a canvas of the app's; with `channel_id` in the channel's tab, open to its members."""
    markdown = _markdown(args)
    _check_allowed(state)
    tab = args.text("channel_id")
    if state.canvases == "free" and not tab:
        raise ApiError("free_teams_cannot_create_non_tabbed_canvases")
    channel = _place(state, tab) if tab else None
    if state.canvases == "free" and channel is not None and state.tabs(channel.id):
        raise ApiError("free_team_canvas_tab_already_exists")
    canvas = new_canvas(state.bot.id, args.text("title"), markdown)
    if channel is not None:
        canvas.tab = channel.id
        canvas.grant("write", channel=channel.id)
    state.add_canvas(canvas)
    return {"canvas_id": canvas.id}


@api_method("canvases.access.set", "canvases:write", limit=TIER_3)
def set_access(state: State, args: MethodArgs) -> Json:
    """Let channels, or people, read or write. A DM is no channel here: its people are named."""
    level = next((known for known in LEVELS if known == args.need("access_level")), None)
    if level is None:
        said = error_at("must be a valid enum value", "/access_level")
        raise invalid("invalid_arguments", said)
    _check_allowed(state)
    canvas = _canvas(state, args)
    if canvas.user != state.bot.id:
        raise ApiError("restricted_action")
    _grant(state, canvas, level, args)
    state.change_signal.notify()
    return {}


@api_method("canvases.getContent", "canvases:read", limit=TIER_3)
def get_content(state: State, args: MethodArgs) -> Json:
    """Return the whole text."""
    kind = args.text("content_type") or "markdown"
    if kind not in ("markdown", "html"):
        said = error_at("must be a valid enum value", "/content_type")
        raise invalid("invalid_arguments", said)
    canvas = _canvas(state, args)
    return {"content": canvas.markdown if kind == "markdown" else MARKDOWN.render(canvas.markdown)}


def _markdown(args: MethodArgs) -> str:
    document = args.object("document_content", "invalid_arguments")
    if document is None:
        return ""
    markdown = document.get("markdown")
    if document.get("type") != "markdown" or not isinstance(markdown, str):
        said = error_at("failed to match exactly one allowed schema", "/document_content")
        raise invalid("invalid_arguments", said)
    if len(markdown) > MOST_CHARACTERS:
        said = error_at("must be less than 1048577 characters", "/document_content/markdown")
        raise invalid("invalid_arguments", said)
    return markdown


def _place(state: State, channel_id: str) -> WorkspaceChannel:
    channel = joined_channel(state, channel_id)
    if channel.kind == "im":
        raise ApiError("channel_not_found")
    if channel.archived:
        raise ApiError("is_archived")
    return channel


def _check_allowed(state: State) -> None:
    if state.canvases == "disabled":
        raise ApiError("canvas_disabled_user_team")


def _canvas(state: State, args: MethodArgs) -> Canvas:
    """Return a canvas that the app can see. Raises ApiError."""
    try:
        file = visible_file(state, args.need("canvas_id"))
    except ApiError as error:
        if error.error == "file_not_found":
            raise ApiError("canvas_not_found") from None
        raise
    if not isinstance(file, Canvas):
        raise ApiError("canvas_not_found")
    return file


def _grant(state: State, canvas: Canvas, level: AccessLevel, args: MethodArgs) -> None:
    channels = args.list_of(str, "channel_ids", "invalid_arguments")
    users = args.list_of(str, "user_ids", "invalid_arguments")
    if bool(channels) == bool(users) or len(channels or users) > MOST_ENTITIES:
        raise ApiError("invalid_parameters")
    if level == "owner" and len(users) != 1:
        raise ApiError("invalid_parameters")
    for channel in channels:
        if visible_channel(state, channel).kind == "im":
            raise ApiError("channel_not_found")
    for user in users:
        if user not in state.users:
            raise ApiError("user_not_found")
    for channel in channels:
        canvas.grant(level, channel=channel)
    for user in users:
        canvas.grant(level, user=user)
