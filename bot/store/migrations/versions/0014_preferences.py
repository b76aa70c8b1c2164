"""What people set for their own drafts, and what of it each job was written with."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "preferences",
        sa.Column("user", sa.String(32), primary_key=True),
        sa.Column("tone", sa.String(32)),
        sa.Column("lang", sa.String(8)),
        sa.Column("length", sa.String(8)),
        sa.Column("drafts", sa.Integer),
        sa.Column("private", sa.Boolean, nullable=False),
        sa.Column("spelling", sa.String(16)),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("consented_at", MOMENT),
        sa.Column("changed_at", MOMENT, nullable=False),
    )
    op.add_column("jobs", sa.Column("preferred", sa.JSON))


def downgrade() -> None:
    op.drop_column("jobs", "preferred")
    op.drop_table("preferences")
