"""Texts that wait for their form, who muted a thread, and what people were told once."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "kept_texts",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("owner", sa.String(32), nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False, index=True),
    )
    op.create_table(
        "notices",
        sa.Column("thread_id", sa.Integer, sa.ForeignKey("threads.id"), primary_key=True),
        sa.Column("person", sa.String(32), primary_key=True),
        sa.Column("about", sa.String(16), primary_key=True),
    )
    op.add_column("threads", sa.Column("muted_by", sa.String(32)))


def downgrade() -> None:
    op.drop_column("threads", "muted_by")
    op.drop_table("notices")
    op.drop_table("kept_texts")
