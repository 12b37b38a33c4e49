"""Normalize tags to NFC."""

import sqlalchemy as sa
from alembic import op

from modules.articles.domain.values import tag_key
from modules.kernel.infrastructure.persistence.schema import UtcDateTime

revision = "0004"
down_revision = "0003"

articles = sa.table("articles_article", sa.column("id", sa.BigInteger()), sa.column("tag_list", sa.JSON()))
tags = sa.table(
    "articles_tag",
    sa.column("article_id", sa.BigInteger()),
    sa.column("tag", sa.String()),
    sa.column("created_at", UtcDateTime()),
)
stats = sa.table("articles_tag_stats", sa.column("tag", sa.String()), sa.column("articles", sa.Integer()))


def upgrade() -> None:
    """Normalize the tags of articles, without duplicates, and count the articles of each such tag again."""
    connection = op.get_bind()
    stored = connection.scalars(sa.select(tags.c.tag).distinct()).all()
    renamed = {tag: tag_key(tag) for tag in stored if tag_key(tag) != tag}
    for old, new in renamed.items():
        with_new = sa.select(tags.c.article_id).where(tags.c.tag == new)
        rows = connection.execute(sa.select(tags.c.article_id).where(tags.c.tag == old)).all()
        for (article_id,) in rows:
            is_article = articles.c.id == article_id
            tag_list = connection.scalar(sa.select(articles.c.tag_list).where(is_article)) or []
            normalized = list(dict.fromkeys(map(tag_key, tag_list)))
            connection.execute(sa.update(articles).where(is_article).values(tag_list=normalized))
        # An article that has both forms keeps the row of the new one.
        is_old = tags.c.tag == old
        connection.execute(sa.delete(tags).where(is_old, tags.c.article_id.in_(with_new)))
        connection.execute(sa.update(tags).where(is_old).values(tag=new))
        connection.execute(sa.delete(stats).where(stats.c.tag.in_([old, new])))
    for new in sorted(set(renamed.values())):
        articles_with_tag = connection.scalar(
            sa.select(sa.func.count()).select_from(tags).where(tags.c.tag == new)
        )
        connection.execute(sa.insert(stats).values(tag=new, articles=articles_with_tag))


def downgrade() -> None:
    """Change nothing: the previous revision accepts these tags."""
