"""Comments."""

import sqlalchemy as sa
from alembic import op

from modules.kernel.infrastructure.persistence.schema import Identifier, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the comments."""
    op.create_table(
        "comments_comment",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_comments_comment"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_comments_comment_article_id_created_at_id", "comments_comment", ["article_id", "created_at", "id"]
    )


def downgrade() -> None:
    """Drop the comments."""
    op.drop_table("comments_comment")
