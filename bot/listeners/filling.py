"""What somebody typed and could not be sent, on its way into a form, which holds less."""

import re
from dataclasses import dataclass

from bot.drafting.brief.brief import Understood
from bot.drafting.jobs.intake import Invocation
from bot.drafting.kept_texts import KeptText
from bot.listeners.services import Services
from bot.messages import Sentence, sentence
from bot.messages.names import SentenceName
from bot.slack.render.draft_form import Filling
from bot.slack.render.views import INPUT_LIMIT

# Room for what Slack may count otherwise.
SHOWN = INPUT_LIMIT - 100
BEGINNING = 1_000  # Characters of a text that is kept as material, to say what shall come of it.
BREAKS = ("\n\n", "\n", r"[.!?。！？][\s\u3000]*", r"\s")


@dataclass(frozen=True, slots=True)
class Fitted:
    """A filling, and the key of what is kept beside it: the rest of the text, or all of it."""

    filling: Filling
    rest: str | None = None
    material: str | None = None


async def fit(
    services: Services, said: Sentence | None, understood: Understood, invocation: Invocation
) -> Fitted:
    """Keep what the form's input cannot hold. Raises StoreUnavailable.

    `said` is what is wrong with the text. What is short enough for a brief goes along with the
    form; what is not becomes material, which is never read as an instruction.
    """
    text, notices = understood.text, [said] if said else []
    if len(text) <= INPUT_LIMIT:
        return Fitted(Filling(notices, understood))
    limit = services.settings.max_brief
    goes_on = len(text) <= limit
    shown = cut_at_break(text, SHOWN if goes_on else min(BEGINNING, limit))
    beside = KeptText(text[len(shown) :] if goes_on else text)
    key = await services.kept.keep(beside, invocation.user, f"{invocation.key}-beside")
    n = len(beside.text)
    name: SentenceName = "form_goes_on" if goes_on else "form_as_material"
    filling = Filling(
        [*notices, sentence(name, characters=n)], Understood(understood.options, shown)
    )
    return Fitted(filling, rest=key) if goes_on else Fitted(filling, material=key)


def cut_at_break(text: str, most: int) -> str:
    """Return the beginning of a text, to its last paragraph, line, sentence or word that fits."""
    for each in BREAKS:
        ends = [match.end() for match in re.finditer(each, text[:most])]
        if ends and ends[-1] >= most // 2:
            return text[: ends[-1]]
    return text[:most]
