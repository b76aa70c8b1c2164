"""Threads under a message of a person; files as sources, and the job that brought a source."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "threads",
        sa.Column("persons_root", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.add_column("threads", sa.Column("head_ts", sa.String(32)))
    op.add_column("sources", sa.Column("file", sa.String(32)))
    op.add_column("sources", sa.Column("job_id", sa.Integer))
    op.add_column("sources", sa.Column("author", sa.String(32)))


def downgrade() -> None:
    op.drop_column("sources", "author")
    op.drop_column("sources", "job_id")
    op.drop_column("sources", "file")
    op.drop_column("threads", "head_ts")
    op.drop_column("threads", "persons_root")
