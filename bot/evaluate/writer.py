"""Writes the texts of one brief as the product does: parsed, screened, prompted, refined."""

from contextlib import aclosing
from dataclasses import dataclass, replace

from bot.drafting.jobs.prompt import Conversation
from bot.drafting.sources import Material
from bot.drafting.tidying import tidied
from bot.errors import OperatorError
from bot.evaluate.cases import Case
from bot.evaluate.conditions import TODAY, Conditions
from bot.evaluate.results import Text
from bot.store import HistoryStep
from inference.client import Delta, EngineClient, EngineRefused, EngineUnavailable, Sampling
from safety import NOTHING, Filter, Stage

TOO_LONG_FOR_MODEL = "context_length_exceeded"


@dataclass(frozen=True, slots=True)
class Answer:
    """One sample of the model's answer, as far as it has come."""

    text: str = ""
    finish_reason: str | None = None
    tokens: int | None = None

    def with_more(self, delta: Delta) -> "Answer":
        """Return the answer with what came now."""
        return Answer(self.text + delta.text, delta.finish_reason, delta.tokens)


@dataclass(frozen=True, slots=True)
class Writer:
    """One model under one set of conditions; `n` drafts a brief."""

    engine: EngineClient
    model: str
    conditions: Conditions
    filter: Filter
    n: int

    async def write(self, case: Case) -> list[Text]:
        """Return the drafts, and the refinement of each where the brief has one; all checked.

        Raises OperatorError, EngineUnavailable, EngineRefused.
        """
        brief = self.conditions.brief(case)
        recipe = self.conditions.recipes[brief.recipe]
        materials = await self._materials(case)
        conversation = Conversation(
            recipe, brief.text, brief.options, materials=materials, today=TODAY
        )
        answers = await self._answers(conversation, self.n)
        texts = [_text(case, conversation, i, answer) for i, answer in enumerate(answers)]
        if case.wish:
            texts += [await self._refined(case, conversation, text) for text in texts]
        return self.conditions.checked(case, texts)

    async def _materials(self, case: Case) -> list[Material]:
        if not case.material:
            return []
        verdict = await self.filter.judge(case.material, Stage.MATERIAL, request=case.name)
        if not verdict.allowed or verdict.text is None:
            raise OperatorError(f"{case.name}: the filter stops its material.")
        return [Material(NOTHING, verdict.text)]

    async def _refined(self, case: Case, conversation: Conversation, first: Text) -> Text:
        assert case.wish is not None
        instruction = case.wish.instruction(conversation.options)
        turns = [HistoryStep(None, first.text)]
        asked = replace(conversation, turns=turns, instruction=instruction)
        [answer] = await self._answers(asked, 1)
        return _text(case, asked, first.sample, answer)

    async def _answers(self, conversation: Conversation, n: int) -> list[Answer]:
        """Ask with all that there is, or with as much of it as the model holds."""
        while True:
            try:
                return await self._listen(conversation, n)
            except EngineRefused as refused:
                shorter = conversation.shorter()
                if refused.code != TOO_LONG_FOR_MODEL or shorter is None:
                    raise
                conversation = shorter

    async def _listen(self, conversation: Conversation, n: int) -> list[Answer]:
        sampling = replace(Sampling(**conversation.options.sampling), n=n)
        answers = [Answer()] * n
        chat = self.engine.chat(conversation.messages(), sampling, model=self.model)
        async with aclosing(chat) as stream:
            async for item in stream:
                if isinstance(item, Delta):
                    answers[item.index] = answers[item.index].with_more(item)
        if any(answer.finish_reason is None for answer in answers):
            raise EngineUnavailable("The stream ended early.")
        return answers


def _text(case: Case, conversation: Conversation, sample: int, answer: Answer) -> Text:
    cut_off, kind = answer.finish_reason == "length", conversation.recipe.name
    return Text(
        case=case.name,
        kind=case.kind,
        language=case.language,
        half=case.half,
        turn=int(conversation.instruction is not None),
        sample=sample,
        seed=conversation.options.seed,
        brief=conversation.brief,
        instruction=conversation.instruction,
        text=tidied(answer.text, cut_off=cut_off, kind=kind).strip(),
        raw=answer.text,
        finish_reason=answer.finish_reason,
        tokens=answer.tokens,
    )
