"""${message.rstrip(".")}."""

import sqlalchemy as sa
from alembic import op

revision = "${up_revision}"
down_revision = ${repr(down_revision).replace("'", '"')}


def upgrade() -> None:
    """${message.rstrip(".")}."""


def downgrade() -> None:
    """Revert the upgrade."""
