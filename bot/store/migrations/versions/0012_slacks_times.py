"""When people asked, by Slack's clock, and events that came before what they are about."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("jobs", sa.Column("asked_at", MOMENT))
    op.add_column("threads", sa.Column("muted_at", MOMENT))
    op.create_table(
        "early_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("ts", sa.String(32), nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("ix_early_events_at", "early_events", ["at"])


def downgrade() -> None:
    op.drop_table("early_events")
    op.drop_column("threads", "muted_at")
    op.drop_column("jobs", "asked_at")
