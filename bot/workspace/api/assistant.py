"""assistant.threads.*: what a thread says of itself while and before somebody writes in it."""

from bot.workspace import events
from bot.workspace.api.access import joined_channel, thread_root_ts
from bot.workspace.api.args import MethodArgs
from bot.workspace.errors import ApiError, invalid
from bot.workspace.slack_json import message_json
from bot.workspace.state import Json, Pane, PostedMessage, State, ThreadStatus, WorkspaceChannel

MOST_PROMPTS = 4
MOST_LOADING_MESSAGES = 10


def set_status(state: State, args: MethodArgs) -> Json:
    """https://docs.slack.dev/reference/methods/assistant.threads.setStatus

    An empty status clears; so does a message of the app in the thread.
    """
    channel = _channel(state, args)
    key = (channel.id, thread_root_ts(channel, args.need("thread_ts")) or "")
    loading = args.strings("loading_messages", "invalid_arguments")
    _at_most(MOST_LOADING_MESSAGES, loading, "/loading_messages")
    state.statuses.pop(key, None)
    if args.text("status"):
        state.statuses[key] = ThreadStatus(args.text("status"), tuple(loading))
    state.changes.notify()
    return {}


def set_title(state: State, args: MethodArgs) -> Json:
    """https://docs.slack.dev/reference/methods/assistant.threads.setTitle"""
    title = args.need("title")
    channel, root, pane = _pane(state, args)
    before = message_json(state, root)
    pane.title = title
    state.touch(root)
    state.send_events(events.changed(state, channel, root, before))
    return {}


def set_prompts(state: State, args: MethodArgs) -> Json:
    """https://docs.slack.dev/reference/methods/assistant.threads.setSuggestedPrompts"""
    prompts = args.array("prompts", "invalid_arguments")
    _at_most(MOST_PROMPTS, prompts, "/prompts")
    if not prompts or not all(p.get("title") and p.get("message") for p in prompts):
        said = "[ERROR] each prompt needs a title and a message [json-pointer:/prompts]"
        raise invalid("invalid_arguments", [said])
    _, root, pane = _pane(state, args)
    pane.prompts_title, pane.prompts = args.text("title"), prompts
    state.touch(root)
    return {}


def _channel(state: State, args: MethodArgs) -> WorkspaceChannel:
    return joined_channel(
        state, MethodArgs({"channel": args.text("channel_id") or args.text("channel")})
    )


def _pane(state: State, args: MethodArgs) -> tuple[WorkspaceChannel, PostedMessage, Pane]:
    """The chat that the call names, or the newest of the DM when it names none."""
    channel = _channel(state, args)
    panes = [(m, m.pane) for m in channel.top() if m.pane is not None]
    asked = args.text("thread_ts")
    found = [(root, pane) for root, pane in panes if asked in ("", root.ts)]
    if not found:
        raise ApiError("invalid_thread_ts")
    root, pane = found[-1]
    return channel, root, pane


def _at_most(most: int, items: list[str] | list[Json], where: str) -> None:
    if len(items) > most:
        said = f"[ERROR] no more than {most} items allowed [json-pointer:{where}]"
        raise invalid("invalid_arguments", [said])
