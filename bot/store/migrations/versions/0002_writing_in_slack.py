"""Sources; muted and private threads; accepted versions; the language of a job's messages."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("left_out", sa.Integer, nullable=False),
        sa.Column("thread_id", sa.Integer, sa.ForeignKey("threads.id"), index=True),
        sa.Column("created_at", MOMENT, nullable=False),
    )
    op.add_column("threads", sa.Column("post_to", sa.String(32)))
    op.add_column(
        "threads", sa.Column("muted", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column("jobs", sa.Column("language", sa.String(8)))
    op.add_column("versions", sa.Column("accepted_at", MOMENT))


def downgrade() -> None:
    op.drop_column("versions", "accepted_at")
    op.drop_column("jobs", "language")
    op.drop_column("threads", "muted")
    op.drop_column("threads", "post_to")
    op.drop_table("sources")
