"""assistant.threads.*: status, title and suggested prompts; an agent has sessions for the rest."""

from bot.workspace.api.access import joined_channel, thread_root_ts
from bot.workspace.api.agents import only_agents
from bot.workspace.api.methods import MethodArgs, api_method
from bot.workspace.errors import ApiError, error_at, invalid
from bot.workspace.objects import Json, SuggestedPrompts, ThreadStatus, WorkspaceChannel
from bot.workspace.rate_limits import TIER_4
from bot.workspace.state import State

MAX_PROMPTS = 4
MAX_LOADING_MESSAGES = 10


@api_method("assistant.threads.setStatus", "assistant:write", "chat:write", limit=TIER_4)
def set_status(state: State, args: MethodArgs) -> Json:
    """Show a status until it is empty, or a message of the app arrives in the thread.

    https://docs.slack.dev/reference/methods/assistant.threads.setStatus
    """
    channel = _channel(state, args)
    key = (channel.id, _root(channel, args.need("thread_ts")))
    loading = args.list_of(str, "loading_messages", "invalid_arguments")
    _at_most(MAX_LOADING_MESSAGES, loading, "/loading_messages")
    state.statuses.pop(key, None)
    if args.text("status"):
        state.statuses[key] = ThreadStatus(args.text("status"), tuple(loading))
    state.change_signal.notify()
    return {}


@api_method("assistant.threads.setTitle", "assistant:write", limit=TIER_4)
def set_title(state: State, args: MethodArgs) -> Json:
    """Name a session of our DM; anywhere else Slack says ok and does nothing."""
    only_agents(state)
    title, channel = args.need("title"), _channel(state, args)
    session = state.sessions.get((channel.id, args.text("thread_ts")))
    if session is not None and channel.kind == "im":
        session.title = title
        state.change_signal.notify()
    return {}


@api_method("assistant.threads.setSuggestedPrompts", "assistant:write", limit=TIER_4)
def set_prompts(state: State, args: MethodArgs) -> Json:
    """Offer prompts in a DM. With thread_ts, Slack says ok to an agent and shows nothing.

    https://docs.slack.dev/reference/methods/assistant.threads.setSuggestedPrompts
    """
    only_agents(state)
    prompts = args.list_of(dict, "prompts", "invalid_arguments")
    _at_most(MAX_PROMPTS, prompts, "/prompts")
    if not prompts or not all(p.get("title") and p.get("message") for p in prompts):
        said = error_at("each prompt needs a title and a message", "/prompts")
        raise invalid("invalid_arguments", said)
    channel = _channel(state, args)
    if channel.kind == "im" and not args.has("thread_ts"):
        state.prompts[channel.id] = SuggestedPrompts(args.text("title"), tuple(prompts))
        state.change_signal.notify()
    return {}


def _channel(state: State, args: MethodArgs) -> WorkspaceChannel:
    return joined_channel(state, args.text("channel_id") or args.text("channel"))


def _root(channel: WorkspaceChannel, ts: str) -> str:
    try:
        return thread_root_ts(channel, ts) or ""
    except ApiError:
        raise ApiError("invalid_thread_ts") from None


def _at_most(limit: int, items: list[str] | list[Json], where: str) -> None:
    if len(items) > limit:
        said = error_at(f"no more than {limit} items allowed", where)
        raise invalid("invalid_arguments", said)
