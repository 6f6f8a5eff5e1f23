"""What the governor remembers, how long an order may rest, what a decision held it for."""

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("fair_micro", "good_until", "cancel_at"):
        op.add_column("orders", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("risk", sa.Column("owed_micro", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("risk", sa.Column("governor", sa.Text(), nullable=False, server_default="{}"))


def downgrade() -> None:
    raise NotImplementedError("a journal is never taken back: restore the copy made before")
