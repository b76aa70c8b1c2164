"""Pairs of drafts of which people preferred one, as trainers of preferences read them.

The form is TRL's for conversations with an explicit prompt, which its DPOTrainer takes:
https://huggingface.co/docs/trl/dataset_formats#preference
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bot.drafting.brief.options import Options
from bot.drafting.brief.recipe import Recipe, recipe_or_free
from bot.drafting.jobs.prompt import Conversation
from bot.drafting.learning import Learning
from bot.drafting.ranking_fit import preferences
from bot.store import Job, Store, Thread
from bot.store.rankings import Judged

Agreed = Callable[[str], Awaitable[bool]]
Pair = dict[str, list[dict[str, Any]]]


class TrainingPairs:
    """The pairs of a workspace. Raises StoreUnavailable.

    `agreed(user)` says whether a person agreed that what they wrote, chose and refused goes to
    whoever trains a model. A pair is given away where all agreed who had a part in it. `left_out`
    counts the others, and those with material, whose authors nobody asked.
    """

    def __init__(self, store: Store, recipes: Mapping[str, Recipe], agreed: Agreed) -> None:
        self._store = store
        self._recipes = recipes
        self._agreed = agreed
        self.left_out = 0

    async def of(self, team: str) -> AsyncIterator[Pair]:
        """Yield each pair as prompt, chosen and rejected, in messages."""
        judged = await Learning(self._store).judged(team)
        for chosen, rejected in preferences(judged):
            job = await self._store.get_job(chosen.version.job_id)
            thread = await self._store.get_thread(chosen.thread_id)
            if await self._may_go((chosen, rejected), job, thread):
                yield self._pair(chosen.version.text, rejected.version.text, job, thread)
            else:
                self.left_out += 1
        for draft in judged:
            job = await self._store.get_job(draft.version.job_id)
            thread = await self._store.get_thread(draft.thread_id)
            for edited in draft.edits:
                if await self._may_go([draft], job, thread):
                    yield self._pair(edited, draft.version.text, job, thread)
                else:
                    self.left_out += 1

    async def _may_go(self, drafts: Sequence[Judged], job: Job, thread: Thread) -> bool:
        if not thread.brief or not all(each.version.text.strip() for each in drafts):
            return False
        if await self._store.list_sources(job):
            return False
        people = {job.requester, thread.requester}.union(*(each.by for each in drafts))
        return all([await self._agreed(person) for person in sorted(people)])

    def _pair(self, chosen: str, rejected: str, job: Job, thread: Thread) -> Pair:
        recipe = recipe_or_free(self._recipes, thread.recipe)
        options, day = Options.model_validate(job.sampling), job.created_at.date()
        asked = Conversation(recipe, thread.brief, options, today=day)
        return {
            "prompt": [asdict(message) for message in asked.messages()],
            "chosen": [{"role": "assistant", "content": chosen}],
            "rejected": [{"role": "assistant", "content": rejected}],
        }
