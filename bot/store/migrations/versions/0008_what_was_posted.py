"""Where an accepted text stands: the address of its post or file."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("versions", sa.Column("posted_url", sa.Text))


def downgrade() -> None:
    op.drop_column("versions", "posted_url")
