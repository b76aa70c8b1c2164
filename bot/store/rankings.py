"""Queries about what a workspace's clicks say of its drafts, and the weights fitted on them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bot.store.models import (
    STANDING,
    Feedback,
    FeedbackReason,
    FittedRanking,
    Job,
    JobKind,
    JobStatus,
    Thread,
    Version,
)
from bot.store.transactions import Transactions

# Versions that are looked at, the newest: enough to fit four weights on.
MOST_JUDGED = 10_000
# Jobs that say what somebody thinks of the version that they are about.
TELLING = (JobKind.ACCEPT, JobKind.REFINE, JobKind.CONTINUE, JobKind.REGENERATE)
# The version that a job is about.
ABOUT = func.coalesce(Job.again_id, Job.parent_id)

Clicks = defaultdict[int, list[Feedback | Job]]


@dataclass(frozen=True, slots=True)
class Judged:
    """A version beside others, and what people did with it since all of these could be seen.

    `thumbs` are what readers pressed last, `reasons` why they are down; `again`: how often it was
    regenerated; `built_on`: how often somebody had it changed, which they do with the one they like
    best; `edits`: what people made of it before they accepted it; `by`: who did any of this.
    """

    thread_id: int
    version: Version
    accepted: bool
    thumbs: Sequence[bool]
    reasons: Sequence[FeedbackReason]
    again: int
    built_on: int
    edits: Sequence[str]
    by: frozenset[str]


@dataclass(frozen=True, slots=True)
class Edited:
    """A version that stands, and what a person made of it before they accepted it."""

    version: Version
    text: str
    by: str


class RankingQueries(Transactions):
    """What people chose, and how the drafts of a workspace are ranked since."""

    async def find_ranking(self, team: str) -> FittedRanking | None:
        """Return the weights that count in a workspace, if it has any of its own."""
        newest = FittedRanking.id.desc()
        query = select(FittedRanking).where(FittedRanking.team == team).order_by(newest).limit(1)
        async with self._read() as session:
            return await session.scalar(query)

    async def list_rankings(self, team: str) -> Sequence[FittedRanking]:
        """Return all weights that ever counted in a workspace, the oldest first."""
        query = select(FittedRanking).where(FittedRanking.team == team).order_by(FittedRanking.id)
        async with self._read() as session:
            return (await session.scalars(query)).all()

    async def add_ranking(self, ranking: FittedRanking) -> None:
        """Let other weights count from now on; the earlier ones stay on record."""
        async with self._write() as session:
            session.add(ranking)

    async def list_teams(self) -> Sequence[str]:
        """Return the ids of all workspaces that ever asked for a draft."""
        async with self._read() as session:
            query = select(Thread.team).distinct().order_by(Thread.team)
            return (await session.scalars(query)).all()

    async def count_clicks(self, team: str, since: datetime | None) -> int:
        """Count what people did since then with versions that have siblings."""
        beside = select(Version.id).join(Thread, Thread.id == Version.thread_id)
        beside = beside.where(Thread.team == team, _has_siblings())
        pressed = true() if since is None else Feedback.at > since
        ended = true() if since is None else Job.ended_at > since
        thumbs = select(func.count()).select_from(Feedback)
        jobs = select(func.count()).select_from(Job).where(Job.kind.in_(TELLING), _is_done(), ended)
        async with self._read() as session:
            n = await session.scalar(thumbs.where(Feedback.version_id.in_(beside), pressed)) or 0
            return n + (await session.scalar(jobs.where(ABOUT.in_(beside))) or 0)

    async def list_judged(self, team: str, since: datetime | None = None) -> list[Judged]:
        """Return the versions that have siblings, and what people did with them.

        Those that were written since then, by their jobs, the oldest first. Drafts that nobody has
        seen beside the one that was shown are left out: nobody refused them.
        """
        ids = _newest(team, since, _has_siblings())
        query = select(Version, Job).join(Job, Job.id == Version.job_id)
        query = query.where(Version.id.in_(ids)).order_by(Version.job_id, Version.sample)
        async with self._read() as session:
            rows = (await session.execute(query)).all()
            clicks = await _clicks_on(session, ids)
        seen = {job.id: job.created_at for _, job in rows if not job.hides}
        seen |= _revealed(rows, clicks)
        return [
            _judged(version, clicks[version.id], seen[job.id])
            for version, job in rows
            if job.id in seen
        ]

    async def list_repeated(
        self, team: str, since: datetime | None = None
    ) -> list[tuple[Judged, Judged]]:
        """Return each version that came of regenerating one, behind that one.

        Both with what people did since both could be seen; to want another says nothing of that.
        """
        ids = _newest(team, since, Job.kind == JobKind.REGENERATE)
        before = aliased(Version)
        query = select(before, Version, Job).select_from(Version)
        query = query.join(Job, Job.id == Version.job_id).join(before, before.id == Job.again_id)
        query = query.where(Version.id.in_(ids), ~Version.hidden, _is_done()).order_by(Version.id)
        first = select(Job.again_id).join(Version, Version.job_id == Job.id)
        first = first.where(Version.id.in_(ids))
        async with self._read() as session:
            rows = (await session.execute(query)).all()
            clicks = await _clicks_on(session, first) | await _clicks_on(session, ids)
        revealed = _revealed([(version, job) for _, version, job in rows], clicks)
        pairs = []
        for one, other, job in rows:
            seen = max(other.ended_at or job.created_at, revealed.get(job.id, job.created_at))
            pair = [_judged(v, _without_again(clicks[v.id]), seen) for v in (one, other)]
            pairs.append((pair[0], pair[1]))
        return pairs

    async def list_edited(self, team: str, since: datetime | None = None) -> list[Edited]:
        """Return what people made of versions before they accepted them, the oldest first."""
        query = select(Version, Job).join(Job, Job.parent_id == Version.id)
        query = query.join(Thread, Thread.id == Version.thread_id).where(Thread.team == team)
        accepted = and_(Job.kind == JobKind.ACCEPT, _is_done(), Version.status.in_(STANDING))
        query = query.where(accepted, _ended_after(since)).order_by(Job.id)
        async with self._read() as session:
            rows = (await session.execute(query)).all()
        return [Edited(v, job.instruction, job.requester) for v, job in rows if job.instruction]


def _newest(team: str, since: datetime | None, which: ColumnElement[bool]) -> Select[int]:
    """Select the ids of versions of a workspace, as many as are looked at."""
    query = select(Version.id).join(Thread, Thread.id == Version.thread_id)
    query = query.join(Job, Job.id == Version.job_id)
    query = query.where(Thread.team == team, _ended_after(since), which)
    return query.order_by(Version.job_id.desc(), Version.sample).limit(MOST_JUDGED)


def _has_siblings() -> ColumnElement[bool]:
    other = aliased(Version)
    return Version.job_id.in_(select(other.job_id).where(other.sample > 0))


def _is_done() -> ColumnElement[bool]:
    return Job.status == JobStatus.DONE


def _ended_after(since: datetime | None) -> ColumnElement[bool]:
    return true() if since is None else Version.ended_at > since


async def _clicks_on(session: AsyncSession, ids: Select[Any]) -> Clicks:
    """Return what people did with versions, by these: what came to nothing says nothing."""
    clicks: Clicks = defaultdict(list)
    thumbs = select(Feedback).where(Feedback.version_id.in_(ids)).order_by(Feedback.id)
    for thumb in await session.scalars(thumbs):
        clicks[thumb.version_id].append(thumb)
    jobs = select(ABOUT, Job).where(ABOUT.in_(ids), _is_done()).order_by(Job.id)
    for about, job in await session.execute(jobs):
        clicks[about].append(job)
    return clicks


def _revealed(rows: Sequence[tuple[Version, Job]], clicks: Clicks) -> dict[int, datetime]:
    """Return when all drafts of a job that hid them could be seen, if they could be."""
    found: dict[int, datetime] = {}
    for version, job in rows:
        for each in clicks[version.id]:
            if isinstance(each, Job) and each.kind is JobKind.REVEAL and each.ended_at:
                found[job.id] = min(each.ended_at, found.get(job.id, each.ended_at))
    return found


def _without_again(clicks: Sequence[Feedback | Job]) -> list[Feedback | Job]:
    return [c for c in clicks if isinstance(c, Feedback) or c.kind is not JobKind.REGENERATE]


def _judged(version: Version, clicks: Sequence[Feedback | Job], since: datetime) -> Judged:
    thumbs = [each for each in clicks if isinstance(each, Feedback) and each.at > since]
    jobs = [each for each in clicks if isinstance(each, Job) and each.created_at > since]
    jobs = [each for each in jobs if each.kind in TELLING]
    kinds = Counter(each.kind for each in jobs)
    return Judged(
        version.thread_id,
        version,
        kinds[JobKind.ACCEPT] > 0,
        [each.good for each in thumbs],
        [each.reason for each in thumbs if each.reason],
        kinds[JobKind.REGENERATE],
        kinds[JobKind.REFINE] + kinds[JobKind.CONTINUE],
        [each.instruction for each in jobs if each.kind is JobKind.ACCEPT and each.instruction],
        frozenset([each.user for each in thumbs] + [each.requester for each in jobs]),
    )
