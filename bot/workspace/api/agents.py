"""agents.sessions.*: what an agent does in a thread, as Slack shows it with its own stop button.

Slack's pages show no table of errors here: not_agent_app and session_not_found are what it answers
to others, the rest has the names that other methods give to the same faults.
"""

from typing import cast, get_args

from bot.workspace.api.access import joined_channel, thread_root_ts
from bot.workspace.api.methods import MethodArgs, api_method
from bot.workspace.errors import ApiError, error_at, invalid, missing_argument
from bot.workspace.objects import AgentSession, Json, SessionStatus
from bot.workspace.rate_limits import TIER_3
from bot.workspace.state import State

MAX_TITLE = 200
NO_STOP_EVENT = "missing_agent_session_stopped_event_subscription"
SUBSCRIBE = (
    "[WARN] Subscribe to the agent_session_stopped event, so that people can stop the agent."
)


@api_method("agents.sessions.setStatus", "chat:write", limit=TIER_3)
def set_status(state: State, args: MethodArgs) -> Json:
    """Set the status, and begin the session if there is none: only then title and person count."""
    status = asked_status(state, args, "status")
    place = _place(state, args)
    title, initiator = args.text("title"), args.text("initiator_user_id")
    if len(title) > MAX_TITLE:
        raise invalid("invalid_arguments", error_at("must be at most 200 characters", "/title"))
    if initiator and initiator not in state.channels[place[0]].members:
        raise ApiError("user_not_in_channel")
    fresh = AgentSession(status, title, initiator or None)
    session = state.sessions.setdefault(place, fresh)
    put_status(state, place, status)
    answer = {"status": status, "agent_status": status, "title": session.title}
    if state.features.subscribes("agent_session_stopped"):
        return answer
    metadata = {"warnings": [NO_STOP_EVENT], "messages": [SUBSCRIBE]}
    return answer | {"warning": NO_STOP_EVENT, "response_metadata": metadata}


@api_method("agents.sessions.rename", "chat:write", limit=TIER_3)
def rename(state: State, args: MethodArgs) -> Json:
    only_agents(state)
    title = args.need("title")
    if len(title) > MAX_TITLE:
        raise invalid("invalid_arguments", error_at("must be at most 200 characters", "/title"))
    session = state.sessions.get(_place(state, args))
    if session is None:
        raise ApiError("session_not_found")
    session.title = title
    state.change_signal.notify()
    return {"title": title}


def only_agents(state: State) -> None:
    """Raise ApiError for an app that is no agent, whatever else is wrong with the call."""
    if not state.features.agent:
        raise ApiError("not_agent_app")


def asked_status(state: State, args: MethodArgs, name: str) -> SessionStatus:
    """Return the status that a call asks for. Raises ApiError."""
    only_agents(state)
    status = args.text(name)
    if status not in get_args(SessionStatus):
        raise invalid("invalid_arguments", error_at("must be a valid enum value", f"/{name}"))
    return cast(SessionStatus, status)


def put_status(state: State, place: tuple[str, str], status: SessionStatus) -> None:
    """Set the status of the session in a thread; begin it if there is none."""
    state.sessions.setdefault(place, AgentSession(status)).status = status
    state.change_signal.notify()


def _place(state: State, args: MethodArgs) -> tuple[str, str]:
    """Return channel and root of the thread that the call names. Raises ApiError."""
    channel = joined_channel(state, args.text("channel_id"))
    if not args.text("thread_ts"):
        raise missing_argument("thread_ts")
    root = thread_root_ts(channel, args.text("thread_ts"))
    if root != args.text("thread_ts"):
        raise ApiError("thread_not_found")
    return channel.id, root
