"""Writes drafts into a store and clicks on them, as a workspace does in months."""

from dataclasses import dataclass
from typing import Any

from bot.drafting.draft_action import Way
from bot.drafting.drafting_settings import DraftingSettings
from bot.drafting.measures import MEASURES
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

    async def write(
        self, kind: JobKind = JobKind.DRAFT, *, n: int = 1, best: bool = False, **known: Any
    ) -> list[Version]:
        """Write drafts of a new brief, or of what is `known` of the job."""
        update = {"n": n, "best": best}
        sampling = DraftingSettings().options(seed=1).model_copy(update=update).model_dump()
        job = await self.ask(kind, sampling=sampling, **known)
        for each in await self.store.ensure_versions(job):
            await self.store.end_version(each.id, VersionStatus.FINISHED, text=f"Text {each.id}.")
        await self.store.end_job(job.id, JobStatus.DONE)
        return list(await self.store.list_siblings(job.id))

    async def two(self, better: int = 0, *, best: bool = False, **known: Any) -> list[Version]:
        """Write two drafts, of which `better` is the more readable."""
        versions = await self.write(n=2, best=best, **known)
        even = {"coherence": 0.5, "creativity": 0.5, "relevance": 0.5}
        kept = {
            each.id: {
                **even,
                "readability": 0.7 if i == better else 0.3,
                "shown": list(MEASURES),
                "tokens": 5,
            }
            for i, each in enumerate(versions)
        }
        await self.store.save_measures(kept, None)
        return list(await self.store.list_siblings(versions[0].job_id))

    async def regenerate(self, version: Version, **known: Any) -> Version:
        known |= {"thread_id": version.thread_id, "again_id": version.id}
        return (await self.write(JobKind.REGENERATE, **known))[0]

    async def refine(self, version: Version, instruction: str, **known: Any) -> Version:
        known |= {"thread_id": version.thread_id, "parent_id": version.id}
        return (await self.write(JobKind.REFINE, instruction=instruction, **known))[0]

    async def reveal(self, version: Version) -> None:
        """Have the drafts shown that were written beside a version."""
        job = await self.ask(JobKind.REVEAL, thread_id=version.thread_id, parent_id=version.id)
        await self.store.reveal(version.job_id)
        await self.store.end_job(job.id, JobStatus.DONE)

    async def accept(
        self,
        version: Version,
        edited: str | None = None,
        by: str = "U1",
        ends: JobStatus = JobStatus.DONE,
    ) -> None:
        job = await self.ask(
            JobKind.ACCEPT,
            requester=by,
            thread_id=version.thread_id,
            parent_id=version.id,
            instruction=edited,
            sampling={"n": 0, "way": str(Way.CHANNEL)},
        )
        if ends is JobStatus.DONE:
            await self.store.mark_accepted(version.id)
        await self.store.end_job(job.id, ends)
