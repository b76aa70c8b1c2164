"""assistant.threads.*: status, title and suggested prompts of a chat with the app."""

from bot.workspace import changes
from bot.workspace.api.access import joined_channel, thread_root_ts
from bot.workspace.api.methods import MethodArgs, api_method
from bot.workspace.errors import ApiError, error_at, invalid
from bot.workspace.objects import Json, Pane, PostedMessage, ThreadStatus, WorkspaceChannel
from bot.workspace.rate_limits import TIER_4
from bot.workspace.state import State

MAX_PROMPTS = 4
MAX_LOADING_MESSAGES = 10


@api_method("assistant.threads.setStatus", "assistant:write", "chat:write", limit=TIER_4)
def set_status(state: State, args: MethodArgs) -> Json:
    """Show a status until it is empty, or a message of the app arrives in the thread."""
    channel = _channel(state, args)
    key = (channel.id, thread_root_ts(channel, args.need("thread_ts")) or "")
    loading = args.list_of(str, "loading_messages", "invalid_arguments")
    _at_most(MAX_LOADING_MESSAGES, loading, "/loading_messages")
    state.statuses.pop(key, None)
    if args.text("status"):
        state.statuses[key] = ThreadStatus(args.text("status"), tuple(loading))
    state.change_signal.notify()
    return {}


@api_method("assistant.threads.setTitle", "assistant:write", limit=TIER_4)
def set_title(state: State, args: MethodArgs) -> Json:
    title = args.need("title")
    root, pane = _pane(state, args)
    with changes.edited_message(state, root):
        pane.title = title
    return {}


@api_method("assistant.threads.setSuggestedPrompts", "assistant:write", limit=TIER_4)
def set_prompts(state: State, args: MethodArgs) -> Json:
    prompts = args.list_of(dict, "prompts", "invalid_arguments")
    _at_most(MAX_PROMPTS, prompts, "/prompts")
    if not prompts or not all(p.get("title") and p.get("message") for p in prompts):
        said = error_at("each prompt needs a title and a message", "/prompts")
        raise invalid("invalid_arguments", said)
    root, pane = _pane(state, args)
    pane.prompts_title, pane.prompts = args.text("title"), prompts
    state.touch(root)
    return {}


def _channel(state: State, args: MethodArgs) -> WorkspaceChannel:
    return joined_channel(state, args.text("channel_id") or args.text("channel"))


def _pane(state: State, args: MethodArgs) -> tuple[PostedMessage, Pane]:
    """Return the chat that the call names, or the newest of the DM if it names none."""
    channel = _channel(state, args)
    panes = [(m, m.pane) for m in channel.roots() if m.pane is not None]
    asked = args.text("thread_ts")
    found = [(root, pane) for root, pane in panes if asked in ("", root.ts)]
    if not found:
        raise ApiError("invalid_thread_ts")
    return found[-1]


def _at_most(limit: int, items: list[str] | list[Json], where: str) -> None:
    if len(items) > limit:
        said = error_at(f"no more than {limit} items allowed", where)
        raise invalid("invalid_arguments", said)
