"""Pairs of drafts of which people preferred one, as trainers of preferences read them.

The form is TRL's for conversations with an explicit prompt, which its DPOTrainer takes:
https://huggingface.co/docs/trl/dataset_formats#preference
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict
from itertools import chain
from typing import Any

from bot.drafting.brief.options import Options
from bot.drafting.brief.recipe import Recipe, recipe_or_free
from bot.drafting.jobs.prompt import Conversation
from bot.drafting.learning import Learning
from bot.drafting.ranking_fit import preferences, siblings
from bot.store import STANDING, Job, Store, Version
from bot.store.rankings import Edited

Agreed = Callable[[str], Awaitable[bool]]
Pair = dict[str, list[dict[str, Any]]]


class TrainingPairs:
    """The pairs of a workspace. Raises StoreUnavailable.

    `agreed(user)` says whether a person agreed that what they wrote, chose and refused goes to
    whoever trains a model. A pair is given away where all agreed who had a part in it. `left_out`
    counts the others, those with material, whose authors nobody asked, and those of which a draft
    stands no more.
    """

    def __init__(self, store: Store, recipes: Mapping[str, Recipe], agreed: Agreed) -> None:
        self._store = store
        self._recipes = recipes
        self._agreed = agreed
        self.left_out = 0

    async def of(self, team: str) -> AsyncIterator[Pair]:
        """Yield each pair as prompt, chosen and rejected, in messages.

        Pairs are of siblings, of a draft and one that it was regenerated from, and of a draft and
        what somebody made of it.
        """
        since = await Learning(self._store).reset_at(team)
        judged = await self._store.list_judged(team, since)
        groups = chain(siblings(judged), await self._store.list_repeated(team, since))
        for chosen, rejected in await asyncio.to_thread(lambda: list(preferences(groups))):
            if await self._may_go([chosen.version, rejected.version], chosen.by | rejected.by):
                yield await self._pair(chosen.version, chosen.version.text, rejected.version.text)
            else:
                self.left_out += 1
        for edited in await self._store.list_edited(team, since):
            if not await self._is_of_one_draft(edited):
                continue
            if await self._may_go([edited.version], [edited.by]):
                yield await self._pair(edited.version, edited.text, edited.version.text)
            else:
                self.left_out += 1

    async def _is_of_one_draft(self, edited: Edited) -> bool:
        """Say whether it is an edit of this version alone, not of what it continues as well."""
        return len(await self._store.list_continued(edited.version.id)) == 1

    async def _may_go(self, versions: Iterable[Version], who: Iterable[str]) -> bool:
        people = set(who)
        for version in versions:
            if version.status not in STANDING or not version.text.strip():
                return False
            job = await self._store.get_job(version.job_id)
            thread = await self._store.get_thread(version.thread_id)
            if not thread.brief or await self._store.list_sources(job):
                return False
            people |= {thread.requester, *await self._asked_by(job)}
        return all([await self._agreed(person) for person in sorted(people)])

    async def _asked_by(self, job: Job) -> set[str]:
        """Return who asked for a job, and for all that it repeats or builds on."""
        people = {job.requester}
        # What repeats another has its parent too.
        while before := job.again_id or job.parent_id:
            job = await self._store.get_job((await self._store.get_version(before)).job_id)
            people.add(job.requester)
        return people

    async def _pair(self, version: Version, chosen: str, rejected: str) -> Pair:
        """Return a pair of texts that were written, or would have been, for a version's request."""
        job = await self._store.get_job(version.job_id)
        thread = await self._store.get_thread(version.thread_id)
        recipe = recipe_or_free(self._recipes, thread.recipe)
        options, day = Options.model_validate(job.sampling), job.created_at.date()
        turns = await self._store.get_history(job.parent_id)
        asked = Conversation(recipe, thread.brief, options, turns, job.instruction, today=day)
        return {
            "prompt": [asdict(message) for message in asked.messages()],
            "chosen": [{"role": "assistant", "content": chosen}],
            "rejected": [{"role": "assistant", "content": rejected}],
        }
