"""Random keys of what is posted, and heads of threads that are due to be shown anew."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEYED = ("threads", "jobs", "versions", "holds")
WRITING = """
UPDATE threads SET head_writing = (
    SELECT count(*) FROM versions WHERE versions.thread_id = threads.id AND status = 'writing'
)
"""


def upgrade() -> None:
    for table in KEYED:
        op.add_column(table, sa.Column("key", sa.String(32)))
    op.add_column("threads", sa.Column("head_due", sa.DateTime(timezone=True)))
    op.create_index("ix_threads_head_due", "threads", ["head_due"])
    op.add_column(
        "threads", sa.Column("head_writing", sa.Integer, nullable=False, server_default="0")
    )
    op.execute(WRITING)


def downgrade() -> None:
    op.drop_column("threads", "head_writing")
    op.drop_index("ix_threads_head_due", "threads")
    op.drop_column("threads", "head_due")
    for table in reversed(KEYED):
        op.drop_column(table, "key")
