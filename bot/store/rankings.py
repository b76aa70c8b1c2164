"""Queries about what a workspace's clicks say of its drafts, and the weights fitted on them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from bot.store.models import Feedback, FeedbackReason, FittedRanking, Job, JobKind, Thread, Version
from bot.store.transactions import Transactions

# Versions that are looked at, the newest: enough to fit four weights on.
MOST_JUDGED = 10_000


@dataclass(frozen=True, slots=True)
class Judged:
    """A version beside its siblings, and what people did with it.

    `thumbs` are what readers pressed last, `reasons` why they are down; `again`: how often it was
    regenerated; `built_on`: how often somebody had it changed, which they do with the one they like
    best; `edits`: what people made of it before they accepted it; `by`: who did any of this.
    """

    team: str
    thread_id: int
    version: Version
    thumbs: Sequence[bool]
    reasons: Sequence[FeedbackReason]
    again: int
    built_on: int
    edits: Sequence[str]
    by: frozenset[str]


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

    async def list_judged(self, team: str) -> list[Judged]:
        """Return the versions of a workspace that have siblings, and what people did with them.

        By their jobs, the oldest first.
        """
        query = select(Version).join(Thread, Thread.id == Version.thread_id)
        several = select(Version.job_id).where(Version.sample > 0)
        query = query.where(Thread.team == team, Version.job_id.in_(several))
        query = query.order_by(Version.job_id.desc(), Version.sample).limit(MOST_JUDGED)
        async with self._read() as session:
            versions = (await session.scalars(query)).all()
            about = select(Feedback).join(Version).join(Thread, Thread.id == Version.thread_id)
            thumbs = (await session.scalars(about.where(Thread.team == team))).all()
            later = select(Job).join(Thread, Thread.id == Job.thread_id)
            jobs = (await session.scalars(later.where(Thread.team == team))).all()
        done = _by_version(thumbs, jobs)
        judged = [_judged(team, version, done[version.id]) for version in versions]
        return sorted(judged, key=lambda each: (each.version.job_id, each.version.sample))


def _by_version(
    thumbs: Sequence[Feedback], jobs: Sequence[Job]
) -> defaultdict[int, list[Feedback | Job]]:
    done: defaultdict[int, list[Feedback | Job]] = defaultdict(list)
    for thumb in thumbs:
        done[thumb.version_id].append(thumb)
    for job in jobs:
        about = job.again_id if job.kind is JobKind.REGENERATE else job.parent_id
        if about is not None:
            done[about].append(job)
    return done


def _judged(team: str, version: Version, done: Sequence[Feedback | Job]) -> Judged:
    kinds = Counter(each.kind for each in done if isinstance(each, Job))
    return Judged(
        team,
        version.thread_id,
        version,
        [each.good for each in done if isinstance(each, Feedback)],
        [each.reason for each in done if isinstance(each, Feedback) and each.reason],
        kinds[JobKind.REGENERATE],
        kinds[JobKind.REFINE] + kinds[JobKind.CONTINUE],
        [
            each.instruction
            for each in done
            if isinstance(each, Job) and each.kind is JobKind.ACCEPT and each.instruction
        ],
        frozenset(each.user if isinstance(each, Feedback) else each.requester for each in done),
    )
