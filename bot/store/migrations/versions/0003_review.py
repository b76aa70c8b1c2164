"""Texts that wait for a reviewer."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "holds",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("job_id", sa.Integer, sa.ForeignKey("jobs.id"), nullable=False, index=True),
        sa.Column("version_id", sa.Integer, sa.ForeignKey("versions.id")),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("status", sa.String(16), nullable=False, index=True),
        sa.Column("reviewer", sa.String(32)),
        sa.Column("card_ts", sa.String(32)),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.UniqueConstraint("job_id", "version_id", name="uq_holds_job_id_version_id"),
    )


def downgrade() -> None:
    op.drop_table("holds")
