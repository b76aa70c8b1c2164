"""Messages of a thread as sources, and threads that people began before the bot was asked."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "threads",
        sa.Column("others_root", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.add_column("sources", sa.Column("origin", sa.JSON))


def downgrade() -> None:
    op.drop_column("sources", "origin")
    op.drop_column("threads", "others_root")
