"""The first schema: threads, jobs, versions, messages, seen events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "seen_events",
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("at", MOMENT, nullable=False, index=True),
    )
    op.create_table(
        "threads",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("team", sa.String(32), nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("requester", sa.String(32), nullable=False),
        sa.Column("recipe", sa.String(64), nullable=False),
        sa.Column("brief", sa.Text, nullable=False),
        sa.Column("root_ts", sa.String(32)),
        sa.Column("created_at", MOMENT, nullable=False),
    )
    op.create_index("ix_threads_channel_root_ts", "threads", ["channel", "root_ts"])
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("thread_id", sa.Integer, sa.ForeignKey("threads.id"), nullable=False, index=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("requester", sa.String(32), nullable=False, index=True),
        sa.Column("sampling", sa.JSON, nullable=False),
        sa.Column("parent_id", sa.Integer),
        sa.Column("again_id", sa.Integer),
        sa.Column("instruction", sa.Text),
        sa.Column("response_url", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("status", sa.String(16), nullable=False, index=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
    )
    op.create_table(
        "versions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("thread_id", sa.Integer, sa.ForeignKey("threads.id"), nullable=False, index=True),
        sa.Column("job_id", sa.Integer, sa.ForeignKey("jobs.id"), nullable=False, index=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("sample", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("finish_reason", sa.String(32)),
        sa.Column("model", sa.String(255)),
        sa.Column("rules", sa.JSON, nullable=False),
        sa.Column("tokens", sa.Integer),
        sa.Column("seconds", sa.Float),
        sa.Column("ended_at", MOMENT),
        sa.UniqueConstraint("thread_id", "number", name="uq_versions_thread_id_number"),
        sa.UniqueConstraint("job_id", "sample", name="uq_versions_job_id_sample"),
    )
    op.create_table(
        "messages",
        sa.Column("channel", sa.String(32), primary_key=True),
        sa.Column("ts", sa.String(32), primary_key=True),
        sa.Column(
            "version_id", sa.Integer, sa.ForeignKey("versions.id"), nullable=False, index=True
        ),
        sa.Column("part", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    for table in ("messages", "versions", "jobs", "threads", "seen_events"):
        op.drop_table(table)
