"""How drafts were measured, which one is shown first, and what a workspace's clicks taught."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("jobs", sa.Column("footers_due", MOMENT))
    op.create_index("ix_jobs_footers_due", "jobs", ["footers_due"])
    op.add_column("versions", sa.Column("measures", sa.JSON))
    for name in ("is_best", "hidden"):
        no = sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())
        op.add_column("versions", no)
    op.create_table(
        "rankings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("team", sa.String(32), nullable=False),
        sa.Column("weights", sa.JSON, nullable=False),
        sa.Column("comparisons", sa.Integer, nullable=False),
        sa.Column("accuracy", sa.Float),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("ix_rankings_team", "rankings", ["team"])
    op.create_table(
        "channel_settings",
        sa.Column("channel", sa.String(32), primary_key=True),
        sa.Column("best", sa.Boolean, nullable=False),
        sa.Column("changed_by", sa.String(32), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("channel_settings")
    op.drop_table("rankings")
    for name in ("hidden", "is_best", "measures"):
        op.drop_column("versions", name)
    op.drop_index("ix_jobs_footers_due", "jobs")
    op.drop_column("jobs", "footers_due")
