"""The form for a draft, submitted."""

from collections.abc import Sequence

from slack_bolt.async_app import AsyncAck

from bot.drafting.brief.brief import BadBrief
from bot.drafting.jobs.intake import Invocation
from bot.drafting.sources import from_files, from_kept, from_text
from bot.errors import UserError
from bot.listeners.payloads import ViewSubmission
from bot.listeners.services import Services
from bot.messages import sentence
from bot.slack.render.draft_form import BRIEF, CHANNEL, DRAFTS, FILES, FOLDED, SOURCE
from bot.slack.render.views import ANY
from bot.store import Source, StoreUnavailable

# Inputs that are options of a brief, by the same names.
OPTIONS = ("kind", "network", "audience", "tone", "words", "lang", "private", "best", *FOLDED)
# What a person set for all drafts stands in these inputs: whoever empties one means it.
SETTLED = ("tone", "lang", "n", "private")
# So does what is usual in the channel, where the form knew it.
SETTLED_HERE = (*SETTLED, "best")


async def on_draft_form(ack: AsyncAck, form: ViewSubmission, services: Services) -> None:
    """Commit the job, then ack. What was wrong is said in the form, which keeps what was typed."""
    try:
        await _draft(form, services)
    except BadBrief as bad:
        shown = bad.option in form.inputs and not bad.typed
        field = bad.option if bad.option and shown else BRIEF
        await services.object_to(ack, form, field, bad.sentence)
    except UserError as bad:
        await services.object_to(ack, form, BRIEF, bad.sentence)
    except StoreUnavailable:
        await services.object_to(ack, form, BRIEF, sentence("not_saved"))
    else:
        await ack()


async def _draft(form: ViewSubmission, services: Services) -> None:
    context = form.form_context
    text = form.value(BRIEF) + await services.kept_beside(form, context.rest)
    whole = await services.kept_beside(form, context.material)
    limit = services.settings.max_source
    invocation = form.invocation(context.channel or form.value(CHANNEL), context.response_url)
    chosen = {name: value for name in OPTIONS if (value := form.value(name)) not in ("", ANY)}
    await services.drafting.draft(
        text,
        invocation,
        chosen=chosen | {"n": form.value(DRAFTS)},
        sources=[
            *from_kept(whole, invocation.key, limit, invocation.user),
            *_sources(form, invocation, limit),
        ],
        adopt=context.sources,
        under=context.under,
        among_others=context.among_others,
        post_to=context.post_to,
        settled=SETTLED_HERE if context.channel else SETTLED,
    )
    await services.drop_kept(context.rest, context.material)


def _sources(form: ViewSubmission, invocation: Invocation, limit: int) -> Sequence[Source]:
    try:
        sources = from_files(form.files(FILES), invocation.key, invocation.user)
    except UserError as bad:
        raise BadBrief(bad.sentence, FILES, typed=False) from None
    pasted = form.value(SOURCE)
    if not pasted.strip():
        return sources
    return [from_text("text", pasted, invocation.key, limit, invocation.user), *sources]
