"""Slack's own stop button: all that is being written in the thread ends."""

from bot.drafting.slack_port import Place
from bot.listeners.agent_payloads import AgentSessionStopped
from bot.listeners.services import Services

REST_SECONDS = 60.0


async def on_agent_session_stopped(event: AgentSessionStopped, services: Services) -> None:
    """Commit the stop, once.

    The jobs set the session to rest as they end; where none runs, it was left at work.
    """
    stopping = services.actions.stopping
    stopped = await services.intake.once(
        event.invocation,
        lambda: stopping.stop_session(event.channel, event.thread_ts, event.at),
    )
    if stopped == 0:
        place = Place(event.channel, event.thread_ts)
        rest = services.outbox.show_rest(place, key="", again=True)
        services.background.start(rest, seconds=REST_SECONDS)
