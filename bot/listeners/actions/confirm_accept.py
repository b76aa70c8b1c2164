"""The answers to the question that an emoji raises: whether to post what was drafted in private."""

from slack_bolt.async_app import AsyncAck

from bot.drafting.destination import POST
from bot.drafting.draft_action import Way
from bot.errors import UserError
from bot.listeners.payloads import ButtonClick
from bot.listeners.services import Services
from bot.messages import Sentence, sentence, sentences
from bot.store import StoreUnavailable


async def on_answer(ack: AsyncAck, click: ButtonClick, services: Services) -> None:
    """Commit the answer, then ack, then say it in place of the question; a second finds it done."""
    try:
        said = await _answer(click, services)
    except UserError as bad:
        said = bad.sentence
    except StoreUnavailable:
        # The question stays, for another click.
        await ack()
        await services.answer(click, sentence("not_saved"))
        return
    await ack()
    await services.answer_in_place(click, said)


async def _answer(click: ButtonClick, services: Services) -> Sentence:
    """Return what to say. Raises UserError, StoreUnavailable."""
    version = await services.actions.version(click.id, click.posted_at)
    if click.action_id != POST:
        return sentence("left_here", number=version.number)
    await services.actions.acceptance.accept(version, Way.CHANNEL, click.invocation)
    where = await services.actions.acceptance.destination(version)
    return sentences.is_being_posted(version.number, where.channel)
