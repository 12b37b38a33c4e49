"""Create `articles_slug`, with the slugs that articles have or had."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table with the present slug of each article. Slugs before this revision are unknown."""
    op.create_table(
        "articles_slug",
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("slug", name="pk_articles_slug"),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles_article.id"], name="fk_articles_slug_article_id", ondelete="CASCADE"
        ),
    )
    op.execute("INSERT INTO articles_slug (slug, article_id) SELECT slug, id FROM articles_article")
    op.create_index("ix_articles_slug_article_id", "articles_slug", ["article_id"])


def downgrade() -> None:
    """Drop the table. Articles keep their present slugs."""
    op.drop_table("articles_slug")
