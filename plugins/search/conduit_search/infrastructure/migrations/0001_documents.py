"""Documents and their words."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from modules.kernel.infrastructure.persistence.schema import UtcDateTime

revision = "0001"
down_revision = None

# Words are stored normalized and separated by spaces; the tokenizer must not change them.
FTS5 = """
    CREATE VIRTUAL TABLE search_words USING fts5(
        title, tags, author, description, body,
        tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* Co'",
        prefix = '3'
    )
"""


def upgrade() -> None:
    """Create the table of documents, and the engine's table of words."""
    op.create_table(
        "search_document",
        sa.Column("article_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", name="pk_search_document"),
    )
    op.create_index("ix_search_document_author_id", "search_document", ["author_id"])
    if op.get_context().dialect.name == "sqlite":
        op.execute(FTS5)
        return
    op.create_table(
        "search_words",
        sa.Column("article_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("words", TSVECTOR(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", name="pk_search_words"),
    )
    op.create_index("ix_search_words_words", "search_words", ["words"], postgresql_using="gin")


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("search_words")
    op.drop_table("search_document")
