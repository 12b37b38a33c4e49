"""Comments by author."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the index."""
    op.create_index("ix_comments_comment_author_id", "comments_comment", ["author_id"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_comments_comment_author_id", "comments_comment")
