"""${message.rstrip(".")}."""

import sqlalchemy as sa
from alembic import op

revision = "${up_revision}"
down_revision = ${repr(down_revision).replace("'", '"')}
# A release without this revision works on the result; if not: "contract", and an expand_revision.
phase = "expand"


def upgrade() -> None:
    """${message.rstrip(".")}."""


def downgrade() -> None:
    """Revert the upgrade."""
