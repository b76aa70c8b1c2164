"""The tables: threads, jobs, bots, versions, feedback, rankings, sources, holds, voices, people.

Records are read detached: change them only through the queries of `bot.store.Store`. A random `key`
marks what is posted for a row, so that no row of another database, or of this one restored, is
taken for it; rows older than the keys have none, and their messages carry their ids.
"""

import secrets
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON, Enum, ForeignKey, Index, String, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column
from sqlalchemy.types import DateTime


class JobKind(StrEnum):
    """What was asked for. ACCEPT, DELETE and REVEAL are deliveries: they write no version."""

    DRAFT = "draft"
    REFINE = "refine"
    REGENERATE = "regenerate"
    CONTINUE = "continue"
    ACCEPT = "accept"
    DELETE = "delete"
    REVEAL = "reveal"


DELIVERIES = (JobKind.ACCEPT, JobKind.DELETE, JobKind.REVEAL)


class JobStatus(StrEnum):
    """How far a job is.

    OPEN jobs go on when the bot starts, WAITING ones when it is invited to their channel, HELD ones
    when a reviewer has decided about the request.
    """

    OPEN = "open"
    WAITING = "waiting"
    HELD = "held"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class VersionStatus(StrEnum):
    """How far a version is."""

    WRITING = "writing"
    FINISHED = "finished"
    STOPPED = "stopped"
    HELD = "held"
    BLOCKED = "blocked"
    FAILED = "failed"
    DELETED = "deleted"


# What counts as a draft: what was taken away, or failed, does not.
STANDING = (VersionStatus.FINISHED, VersionStatus.STOPPED)


class HoldStatus(StrEnum):
    """The decision about a held text; EXPIRED where nobody decided in time."""

    PENDING = "pending"
    APPROVED = "approved"
    REDACTED = "redacted"
    REJECTED = "rejected"
    EXPIRED = "expired"


class FeedbackReason(StrEnum):
    """What a reader found wrong with a draft."""

    FACTS = "facts"
    TONE = "tone"
    LONG = "long"
    SHORT = "short"
    IGNORED = "ignored"
    OTHER = "other"


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        assert value is None or value.tzinfo is not None
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def new_key() -> str:
    """Return a key that no other row has, in this database or any other."""
    return secrets.token_urlsafe(12)


def _words(kind: type[StrEnum]) -> Enum:
    return Enum(
        kind, native_enum=False, length=16, values_callable=lambda words: [str(w) for w in words]
    )


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """The base of all tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
        **{
            kind: _words(kind)
            for kind in (JobKind, JobStatus, VersionStatus, HoldStatus, FeedbackReason)
        },
    }


class Thread(Base):
    """A brief and the Slack thread of its drafts. `root_ts` is None until it is posted.

    `persons_root`: the root is a message of the person's, and the message `head_ts` below it lists
    the drafts. `post_to` is the channel of a text that is drafted in the app's conversation with
    its requester: where they asked for it, or what they looked at. In a muted thread replies are
    no instructions; `muted_by` is who wanted that, `muted_at` when that, or the contrary, was said.

    `others_root`: people talked there before the bot was asked, so that only what names it is for
    it. The head is to be shown anew from `head_due` on; it says now that `head_writing` drafts are
    being written.
    """

    __tablename__ = "threads"
    __table_args__ = (Index("ix_threads_channel_root_ts", "channel", "root_ts"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    team: Mapped[str] = mapped_column(String(32))
    channel: Mapped[str] = mapped_column(String(32))
    requester: Mapped[str] = mapped_column(String(32))
    recipe: Mapped[str] = mapped_column(String(64))
    brief: Mapped[str] = mapped_column(Text)
    root_ts: Mapped[str | None] = mapped_column(String(32), default=None)
    post_to: Mapped[str | None] = mapped_column(String(32), default=None)
    muted: Mapped[bool] = mapped_column(default=False)
    muted_by: Mapped[str | None] = mapped_column(String(32), default=None)
    muted_at: Mapped[datetime | None] = mapped_column(default=None)
    persons_root: Mapped[bool] = mapped_column(default=False)
    head_ts: Mapped[str | None] = mapped_column(String(32), default=None)
    others_root: Mapped[bool] = mapped_column(default=False)
    head_due: Mapped[datetime | None] = mapped_column(index=True, default=None)
    head_writing: Mapped[int] = mapped_column(default=0)
    key: Mapped[str | None] = mapped_column(String(32), default_factory=new_key)
    created_at: Mapped[datetime] = mapped_column(default_factory=now)

    @property
    def post_key(self) -> str:
        """The key of its head in Slack."""
        return f"thread-{self.key or self.id}"

    @property
    def shown_root(self) -> str | None:
        """Its root, if the person reads below it what is for them alone.

        In a channel, nobody does so before the first reply: it shows beside the root.
        """
        has_replies = self.others_root or not self.persons_root or self.head_ts is not None
        return self.root_ts if has_replies or self.channel.startswith("D") else None


class Job(Base):
    """One request: what was asked, by whom, and with which sampling. It makes `n` versions.

    `parent_id` is the version that it refines, or that a delivery is about; `again_id` the one that
    it regenerates. `language` is the requester's language at the first try: a later try finds the
    job's messages by their words. `preferred` names what of the requester's preferences it is
    written with.

    `owner` is the id of the bot that runs it, None if nobody does. `epoch` counts how often a bot
    took it: what a bot writes of an older epoch counts no longer. `failures` counts the runs that
    ended by an error of ours. `ended_at`: when it ended; of an open job, when its rest ended. The
    footers of its drafts, which say how they were measured, are due again from `footers_due` on.
    """

    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    kind: Mapped[JobKind]
    requester: Mapped[str] = mapped_column(String(32), index=True)
    sampling: Mapped[dict[str, Any]]
    thread_id: Mapped[int] = mapped_column(ForeignKey("threads.id"), index=True, default=0)
    parent_id: Mapped[int | None] = mapped_column(default=None)
    again_id: Mapped[int | None] = mapped_column(default=None)
    instruction: Mapped[str | None] = mapped_column(Text, default=None)
    response_url: Mapped[str | None] = mapped_column(Text, default=None)
    language: Mapped[str | None] = mapped_column(String(8), default=None)
    tries: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str | None] = mapped_column(String(32), default=None)
    epoch: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    status: Mapped[JobStatus] = mapped_column(index=True, default=JobStatus.OPEN)
    asked_at: Mapped[datetime | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    key: Mapped[str | None] = mapped_column(String(32), default_factory=new_key)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    footers_due: Mapped[datetime | None] = mapped_column(index=True, default=None)
    preferred: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)

    @property
    def post_key(self) -> str:
        """What the keys of its posts in Slack begin with."""
        return f"job-{self.key or self.id}"

    @property
    def hides(self) -> bool:
        """Whether it writes in the background, to show the likely best alone."""
        return bool(self.sampling.get("best")) and self.n > 1

    @property
    def n(self) -> int:
        """How many versions the job makes."""
        return int(self.sampling["n"])

    @property
    def name(self) -> str:
        """The job's name in logs and in the audit."""
        return f"job-{self.id}"


class LivingBot(Base):
    """A bot process; it lives as long as its lease, which it renews, by the database's clock.

    `key_print` is the fingerprint of its AUDIT_KEY, which all bots of a database share.
    """

    __tablename__ = "bots"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    key_print: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime]
    lease_until: Mapped[datetime]


class Version(Base):
    """One draft: its number in the thread, and the text that the filter has released so far.

    `posted_url` is the address of what was posted of it last, for others to read. `measures` is
    what was found by measuring it beside its siblings (`bot.drafting.ranking`), None: not yet;
    `is_best` marks the likely best of them. One that is `hidden` nobody sees before they ask.
    """

    __tablename__ = "versions"
    __table_args__ = (
        UniqueConstraint("thread_id", "number", name="uq_versions_thread_id_number"),
        UniqueConstraint("job_id", "sample", name="uq_versions_job_id_sample"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    thread_id: Mapped[int] = mapped_column(ForeignKey("threads.id"), index=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), index=True)
    number: Mapped[int]
    sample: Mapped[int]
    text: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[VersionStatus] = mapped_column(default=VersionStatus.WRITING)
    finish_reason: Mapped[str | None] = mapped_column(String(32), default=None)
    model: Mapped[str | None] = mapped_column(String(255), default=None)
    rules: Mapped[list[str]] = mapped_column(default_factory=list)
    tokens: Mapped[int | None] = mapped_column(default=None)
    seconds: Mapped[float | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    accepted_at: Mapped[datetime | None] = mapped_column(default=None)
    posted_url: Mapped[str | None] = mapped_column(Text, default=None)
    measures: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    is_best: Mapped[bool] = mapped_column(default=False)
    hidden: Mapped[bool] = mapped_column(default=False)
    key: Mapped[str | None] = mapped_column(String(32), default_factory=new_key)

    @property
    def post_key(self) -> str:
        """What the keys of its messages in Slack begin with."""
        return f"version-{self.key or self.id}"


class Feedback(Base):
    """A reader's last thumb on a version; `reason` and `words` say what is wrong with it."""

    __tablename__ = "feedback"
    __table_args__ = (UniqueConstraint("version_id", "user", name="uq_feedback_version_id_user"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    user: Mapped[str] = mapped_column(String(32))
    good: Mapped[bool]
    reason: Mapped[FeedbackReason | None] = mapped_column(default=None)
    words: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(default_factory=now)


class FittedRanking(Base):
    """Weights of the measures in a workspace, as its clicks taught them; the last row counts.

    Empty weights are the built-in ones: somebody reset them. `comparisons`: how many pairs of
    drafts they were fitted on; `accuracy`: the share of unseen pairs that such a fit tells apart.
    """

    __tablename__ = "rankings"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    team: Mapped[str] = mapped_column(String(32), index=True)
    weights: Mapped[dict[str, Any]]
    comparisons: Mapped[int] = mapped_column(default=0)
    accuracy: Mapped[float | None] = mapped_column(default=None)
    at: Mapped[datetime] = mapped_column(default_factory=now)


class ChannelSettings(Base):
    """What is usual in a channel; `best`: drafts are written in the background, one is shown."""

    __tablename__ = "channel_settings"

    channel: Mapped[str] = mapped_column(String(32), primary_key=True)
    changed_by: Mapped[str] = mapped_column(String(32))
    best: Mapped[bool] = mapped_column(default=False)
    changed_at: Mapped[datetime] = mapped_column(default_factory=now)


class Source(Base):
    """What a draft is to be based on: a file, a message, a pasted text. Never an instruction.

    A source without a thread waits for its form, which knows it by `key`. A `file` of Slack's has
    no text until a job has read it. `job_id` is the job that it came with, `author` who wrote or
    sent it. `left_out` counts the characters at its end that were not kept. `origin` says which
    messages of Slack's it is (`bot.drafting.origin`); these too are read by a job.
    """

    __tablename__ = "sources"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    text: Mapped[str] = mapped_column(Text)
    left_out: Mapped[int] = mapped_column(default=0)
    file: Mapped[str | None] = mapped_column(String(32), default=None)
    job_id: Mapped[int | None] = mapped_column(default=None)
    author: Mapped[str | None] = mapped_column(String(32), default=None)
    origin: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    thread_id: Mapped[int | None] = mapped_column(
        ForeignKey("threads.id"), index=True, default=None
    )
    created_at: Mapped[datetime] = mapped_column(default_factory=now)


class Hold(Base):
    """A text that a reviewer has to decide about: what was asked, or a version of the job.

    `sealed` is the text, encrypted; it is emptied as soon as the decision is carried out.
    """

    __tablename__ = "holds"
    __table_args__ = (UniqueConstraint("job_id", "version_id", name="uq_holds_job_id_version_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), index=True)
    sealed: Mapped[str] = mapped_column(Text)
    categories: Mapped[list[str]]
    expires_at: Mapped[datetime]
    version_id: Mapped[int | None] = mapped_column(ForeignKey("versions.id"), default=None)
    status: Mapped[HoldStatus] = mapped_column(index=True, default=HoldStatus.PENDING)
    reviewer: Mapped[str | None] = mapped_column(String(32), default=None)
    card_ts: Mapped[str | None] = mapped_column(String(32), default=None)
    key: Mapped[str | None] = mapped_column(String(32), default_factory=new_key)
    created_at: Mapped[datetime] = mapped_column(default_factory=now)

    @property
    def post_key(self) -> str:
        """The key of its card in Slack."""
        return f"hold-{self.key or self.id}"


class VersionMessage(Base):
    """A Slack message that shows a version or a part of it; a reaction names it by its ts."""

    __tablename__ = "messages"

    channel: Mapped[str] = mapped_column(String(32), primary_key=True)
    ts: Mapped[str] = mapped_column(String(32), primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"), index=True)
    part: Mapped[int]


class SavedVoice(Base):
    """One version of a house's voice: of a workspace, or with `channel` of one channel of it.

    Each save is a row of its own: what a draft was written with can be read for as long as there is
    the draft. `says` is what `bot.drafting.voice` makes of it.
    """

    __tablename__ = "voices"
    __table_args__ = (
        UniqueConstraint("team", "channel", "number", name="uq_voices_team_channel_number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    team: Mapped[str] = mapped_column(String(32))
    channel: Mapped[str] = mapped_column(String(32))
    saved_by: Mapped[str] = mapped_column(String(32))
    says: Mapped[dict[str, Any]]
    number: Mapped[int] = mapped_column(default=1)
    at: Mapped[datetime] = mapped_column(default_factory=now)


class LookedAt(Base):
    """The channel that a person looks at with the app in sight; None for anything else."""

    __tablename__ = "looks"

    user: Mapped[str] = mapped_column(String(32), primary_key=True)
    channel: Mapped[str | None] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(index=True)


class Preferences(Base):
    """What a person set for their own drafts. None, "" and False leave it to the brief.

    `about`: what the model is told of them, in their words. `consented_at`: since when their drafts
    may be given to whoever trains models; None: they may not.
    """

    __tablename__ = "preferences"

    user: Mapped[str] = mapped_column(String(32), primary_key=True)
    tone: Mapped[str | None] = mapped_column(String(32), default=None)
    lang: Mapped[str | None] = mapped_column(String(8), default=None)
    length: Mapped[str | None] = mapped_column(String(8), default=None)
    drafts: Mapped[int | None] = mapped_column(default=None)
    private: Mapped[bool] = mapped_column(default=False)
    spelling: Mapped[str | None] = mapped_column(String(16), default=None)
    signature: Mapped[str] = mapped_column(Text, default="")
    about: Mapped[str] = mapped_column(Text, default="")
    consented_at: Mapped[datetime | None] = mapped_column(default=None)
    changed_at: Mapped[datetime] = mapped_column(default_factory=now)


class KeptText(Base):
    """A text that somebody typed, encrypted, until they send the form that it is filled into."""

    __tablename__ = "kept_texts"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(32))
    sealed: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default_factory=now, index=True)


class EarlyEvent(Base):
    """An event of Slack's, encrypted, about a message of ours that was not recorded yet."""

    __tablename__ = "early_events"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    channel: Mapped[str] = mapped_column(String(32))
    ts: Mapped[str] = mapped_column(String(32))
    sealed: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default_factory=now, index=True)


class Notice(Base):
    """Something that a person was told in a thread, and is not to be told there again."""

    __tablename__ = "notices"

    thread_id: Mapped[int] = mapped_column(ForeignKey("threads.id"), primary_key=True)
    person: Mapped[str] = mapped_column(String(32), primary_key=True)
    about: Mapped[str] = mapped_column(String(16), primary_key=True)


class SeenEvent(Base):
    """A delivery of Slack's that was handled; Slack may deliver it again."""

    __tablename__ = "seen_events"

    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    at: Mapped[datetime] = mapped_column(default_factory=now, index=True)
