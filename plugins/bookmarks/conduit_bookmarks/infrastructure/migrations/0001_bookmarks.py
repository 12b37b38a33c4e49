"""Bookmarks."""

import sqlalchemy as sa
from alembic import op

from modules.kernel.infrastructure.persistence.schema import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table of bookmarks."""
    op.create_table(
        "bookmarks_bookmark",
        sa.Column("article_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "user_id", name="pk_bookmarks_bookmark"),
    )
    op.create_index(
        "ix_bookmarks_bookmark_user_id_created_at_article_id",
        "bookmarks_bookmark",
        ["user_id", "created_at", "article_id"],
    )


def downgrade() -> None:
    """Drop the table of bookmarks."""
    op.drop_table("bookmarks_bookmark")
