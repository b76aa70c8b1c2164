"""Writes drafts into a store and clicks on them, as a workspace does in months."""

from dataclasses import dataclass
from typing import Any

from bot.drafting.draft_action import Way
from bot.drafting.drafting_settings import DraftingSettings
from bot.store import Job, JobKind, JobStatus, Store, Thread, Version, VersionStatus

TEAM = "T1"


@dataclass
class Clicker:
    """Writes drafts into the store, and clicks on them."""

    store: Store
    keys: int = 0

    async def ask(self, kind: JobKind, **known: Any) -> Job:
        self.keys += 1
        thread = None
        if "thread_id" not in known:
            brief = f"brief {self.keys}"
            thread = Thread(team=TEAM, channel="C1", requester="U1", recipe="blog", brief=brief)
        fields = {"requester": "U1", "sampling": {"n": 0}, **known}
        job = await self.store.add_job(
            Job(kind=kind, **fields), f"k{self.keys}", limit=10**6, thread=thread
        )
        assert job is not None
        return job

    async def two(self, better: int = 0) -> list[Version]:
        """Write two drafts, of which `better` is the more readable."""
        sampling = DraftingSettings().options(seed=1).model_copy(update={"n": 2}).model_dump()
        job = await self.ask(JobKind.DRAFT, sampling=sampling)
        versions = await self.store.ensure_versions(job)
        for each in versions:
            await self.store.end_version(each.id, VersionStatus.FINISHED, text=f"Text {each.id}.")
        even = {"coherence": 0.5, "creativity": 0.5, "relevance": 0.5}
        kept = {
            each.id: {**even, "readability": 0.7 if i == better else 0.3, "shown": [], "tokens": 5}
            for i, each in enumerate(versions)
        }
        await self.store.save_measures(kept, None)
        await self.store.end_job(job.id, JobStatus.DONE)
        return list(await self.store.list_siblings(job.id))

    async def accept(self, version: Version, edited: str | None = None, by: str = "U1") -> None:
        job = await self.ask(
            JobKind.ACCEPT,
            requester=by,
            thread_id=version.thread_id,
            parent_id=version.id,
            instruction=edited,
            sampling={"n": 0, "way": str(Way.CHANNEL)},
        )
        await self.store.mark_accepted(version.id)
        await self.store.end_job(job.id, JobStatus.DONE)
