"""The bot was invited: briefs that waited for it go on."""

from bot.listeners.payloads import MemberJoined
from bot.listeners.services import Services


async def on_member_joined(event: MemberJoined, services: Services) -> None:
    """Go on with the briefs of this channel if it is the bot that joined."""
    if event.user == services.bot_user:
        await services.drafting.invited(event.channel)
