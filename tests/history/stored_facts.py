"""Invariants of the stored rows, in plain SQL, independent of the program's own checks."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import LiteralString

import psycopg
from sqlalchemy import make_url

# Each counts the rows that are wrong.
COUNTS: dict[LiteralString, LiteralString] = {
    "favorites of articles": """
        SELECT count(*) FROM articles_article a WHERE favorites_count
        <> (SELECT count(*) FROM articles_favorite f WHERE f.article_id = a.id)""",
    "articles of authors": """
        SELECT count(*) FROM articles_author_stats s WHERE author_id <> 0
        AND articles <> (SELECT count(*) FROM articles_article a WHERE a.author_id = s.author_id)""",
    "latest article of authors": """
        SELECT count(*) FROM articles_author_stats s
        JOIN (SELECT author_id, max(created_at) AS latest FROM articles_article GROUP BY author_id) a
        ON a.author_id = s.author_id WHERE latest_at IS NULL OR latest_at <> latest""",
    "authors that are not counted": """
        SELECT count(*) FROM articles_article WHERE author_id NOT IN
        (SELECT author_id FROM articles_author_stats)""",
    "all articles": """
        SELECT (SELECT coalesce(max(articles), 0) FROM articles_author_stats WHERE author_id = 0)
        - (SELECT count(*) FROM articles_article)""",
    "articles with tags": """
        SELECT count(*) FROM articles_tag_stats s
        WHERE articles <> (SELECT count(*) FROM articles_tag t WHERE t.tag = s.tag)""",
    "tags that are not counted": """
        SELECT count(*) FROM articles_tag WHERE tag NOT IN (SELECT tag FROM articles_tag_stats)""",
    "favorites of readers": """
        SELECT count(*) FROM articles_reader_stats s
        WHERE articles <> (SELECT count(*) FROM articles_favorite f WHERE f.user_id = s.user_id)""",
    "slugs that do not find their article": """
        SELECT count(*) FROM articles_article a WHERE slug NOT IN
        (SELECT slug FROM articles_slug s WHERE s.article_id = a.id)""",
    "readers that are not counted": """
        SELECT count(*) FROM articles_favorite WHERE user_id NOT IN
        (SELECT user_id FROM articles_reader_stats)""",
}
TAGS_IN_ROWS_ONLY: dict[str, LiteralString] = {
    "sqlite": """
        SELECT count(*) FROM (SELECT article_id, tag FROM articles_tag
        EXCEPT SELECT a.id, value FROM articles_article a, json_each(tag_list)) AS wrong""",
    "postgresql": """
        SELECT count(*) FROM (SELECT article_id, tag FROM articles_tag
        EXCEPT SELECT id, json_array_elements_text(tag_list) FROM articles_article) AS wrong""",
}
TAGS_IN_LISTS_ONLY: dict[str, LiteralString] = {
    "sqlite": """
        SELECT count(*) FROM (SELECT a.id, value FROM articles_article a, json_each(tag_list)
        EXCEPT SELECT article_id, tag FROM articles_tag) AS wrong""",
    "postgresql": """
        SELECT count(*) FROM (SELECT id, json_array_elements_text(tag_list) FROM articles_article
        EXCEPT SELECT article_id, tag FROM articles_tag) AS wrong""",
}
NUMBERS_ABOVE_THE_COUNTER: LiteralString = """
    SELECT count(*) FROM notifications_notification n WHERE number > coalesce(
    (SELECT latest FROM notifications_counter c WHERE c.recipient_id = n.recipient_id), 0)"""
OTHER_AUTHORS: LiteralString = """
    SELECT count(*) FROM search_document d JOIN articles_article a ON a.id = d.article_id
    WHERE a.author_id <> d.author_id"""
USERS: LiteralString = "users_account"
ARTICLES: LiteralString = "articles_article"
REFERENCES: Sequence[tuple[LiteralString, LiteralString, LiteralString]] = [
    ("articles_article", "author_id", USERS),
    ("articles_favorite", "user_id", USERS),
    ("articles_favorite", "article_id", ARTICLES),
    ("articles_tag", "article_id", ARTICLES),
    ("articles_author_stats", "author_id", USERS),
    ("articles_reader_stats", "user_id", USERS),
    ("profiles_follow", "follower_id", USERS),
    ("profiles_follow", "followed_id", USERS),
    ("comments_comment", "article_id", ARTICLES),
    ("comments_comment", "author_id", USERS),
    ("kernel_idempotency_key", "user_id", USERS),
    ("bookmarks_bookmark", "article_id", ARTICLES),
    ("bookmarks_bookmark", "user_id", USERS),
    ("notifications_notification", "article_id", ARTICLES),
    ("notifications_notification", "actor_id", USERS),
    ("notifications_notification", "recipient_id", USERS),
    ("notifications_counter", "recipient_id", USERS),
    ("search_document", "article_id", ARTICLES),
]


def wrong_rows(database_url: str) -> dict[str, int]:
    """Return the number of wrong rows by the fact that they contradict."""
    url = make_url(database_url)
    engine = url.get_backend_name()
    queries = {**COUNTS, **dict(_references(engine))}
    queries["tags in rows only"] = TAGS_IN_ROWS_ONLY[engine]
    queries["tags in lists only"] = TAGS_IN_LISTS_ONLY[engine]
    queries["notifications above the counter"] = NUMBERS_ABOVE_THE_COUNTER
    queries["indexed articles with another author"] = OTHER_AUTHORS
    if engine == "sqlite":
        assert url.database is not None
        with closing(sqlite3.connect(url.database)) as sqlite:
            numbers = {name: sqlite.execute(query).fetchone()[0] for name, query in queries.items()}
    else:
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain) as postgresql:
            rows = {name: postgresql.execute(query).fetchone() for name, query in queries.items()}
        numbers = {name: row[0] for name, row in rows.items() if row is not None}
    return {name: number for name, number in numbers.items() if number}


def _references(engine: str) -> Iterator[tuple[LiteralString, LiteralString]]:
    key: LiteralString = "rowid" if engine == "sqlite" else "article_id"
    words: tuple[LiteralString, LiteralString, LiteralString] = ("search_words", key, ARTICLES)
    for table, column, target in (*REFERENCES, words):
        # 0 stands for all authors and for anonymous callers.
        query = "SELECT count(*) FROM {0} WHERE {1} <> 0 AND {1} NOT IN (SELECT id FROM {2})"
        yield table + "." + column, query.format(table, column, target)
