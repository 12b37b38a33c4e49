"""Demo articles."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from modules.articles.demo.texts import (
    ANGLES,
    ASPECTS,
    CAPTIONS,
    CHARTS,
    CLOSINGS,
    CODE_HEADINGS,
    CODE_INTRODUCTIONS,
    DESCRIPTIONS,
    HEADINGS,
    LIST_HEADINGS,
    OPENINGS,
    POINTS,
    QUOTES,
    READING,
    REMARKS,
    SETTINGS,
    TITLES,
    TOPICS,
    Topic,
)
from modules.articles.domain.article import Draft
from modules.articles.domain.values import Body, Description, Tag, TagList, Title
from modules.articles.infrastructure.articles import article_row
from modules.articles.infrastructure.counts import ArticleCounts, CountedArticle
from modules.articles.infrastructure.tables import ArticleRow, FavoriteRow, SlugRow, TagRow
from modules.kernel.demo.demo import Demo
from modules.kernel.demo.demo_random import DemoRandom
from modules.kernel.domain.batches import batches
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.bulk_insert import bulk_insert, bulk_insert_returning_ids
from modules.kernel.infrastructure.persistence.database import Database

YEAR = timedelta(days=365)
# Articles per transaction. Slugs are unordered, so that each transaction rewrites most pages of their
# index: fewer transactions are faster.
TRANSACTION_SIZE = 20_000
# Coprime to the number of themes of a topic, so that steps of this size visit each theme once.
STRIDE = 1_237


@dataclass(frozen=True, slots=True)
class Theme:
    """The subject of one article: a unique title and the words of its sentences."""

    topic: Topic
    title: str
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DemoArticle:
    """An article and the users who favorite it. Its slug is the first of its title."""

    draft: Draft
    favorited_by: Sequence[UserId]

    def row(self) -> dict[str, Any]:
        """Return its row for `articles_article`."""
        return article_row(self.draft, next(self.draft.title.slugs()), len(self.favorited_by))

    def counted(self) -> CountedArticle:
        """Return the attributes by which it is counted."""
        return CountedArticle(
            self.draft.author_id, self.draft.tags.texts, self.draft.created_at, self.favorited_by
        )


async def insert_articles(database: Database, counts: ArticleCounts, demo: Demo) -> None:
    """Insert a year of articles with their tags and favorites, and count them. No event is published."""
    demo.progress.begin("articles", demo.articles)
    article_ids: list[int] = []
    for group in batches(articles(demo), TRANSACTION_SIZE):
        async with database.transaction():
            for batch in batches(group):
                article_ids += await _insert(database, batch)
                await counts.add([article.counted() for article in batch])
                demo.progress.advance(len(batch))
    demo.made["articles"] = article_ids


async def _insert(database: Database, batch: Sequence[DemoArticle]) -> Sequence[int]:
    async with database.transaction() as session:
        rows = [article.row() for article in batch]
        ids = await bulk_insert_returning_ids(session, ArticleRow, rows)
        slugs = [
            {"slug": row["slug"], "article_id": article_id} for article_id, row in zip(ids, rows, strict=True)
        ]
        inserted = list(zip(ids, batch, strict=True))
        tags = [
            {"article_id": article_id, "tag": tag, "created_at": article.draft.created_at}
            for article_id, article in inserted
            for tag in article.draft.tags.texts
        ]
        favorites = [
            {"article_id": article_id, "user_id": user_id, "created_at": article.draft.created_at}
            for article_id, article in inserted
            for user_id in article.favorited_by
        ]
        await bulk_insert(database, SlugRow, slugs)
        await bulk_insert(database, TagRow, tags)
        await bulk_insert(database, FavoriteRow, favorites)
    return ids


def articles(demo: Demo) -> Iterator[DemoArticle]:
    """Yield the articles of the demo, oldest first, with unique titles."""
    chance, users = demo.chance("articles"), demo.users
    topics = [themes(topic, start=997 * place) for place, topic in enumerate(TOPICS)]
    for created_at in _moments(demo, chance):
        theme = next(chance.early(topics))
        author_id = chance.early(users)
        draft = Draft(
            author_id,
            Title(theme.title),
            Description(chance.pick(DESCRIPTIONS).format_map(theme.words)),
            Body(_body(theme, chance)),
            _tags(theme, chance),
            created_at,
        )
        readers = chance.some_early(users, chance.amount(2.6))
        yield DemoArticle(draft, favorited_by=sorted({*readers} - {author_id}))


def _moments(demo: Demo, chance: DemoRandom) -> Iterator[datetime]:
    """Yield a time for each article, in order, spread over the last year of the demo."""
    begin, step = demo.until - YEAR, YEAR / timedelta(milliseconds=1) / demo.articles
    for place in range(demo.articles):
        yield begin + timedelta(milliseconds=int((place + chance.fraction()) * step))


def themes(topic: Topic, start: int) -> Iterator[Theme]:
    """Yield themes without end, with unique titles that are short at first."""
    total = len(TITLES) * len(ASPECTS) * len(topic.subjects)
    for number in count():
        cycle, place = divmod(number, total)
        place, title = divmod((start + place * STRIDE) % total, len(TITLES))
        subject, aspect = divmod(place, len(ASPECTS))
        part, setting = divmod(cycle, len(SETTINGS))
        words = {
            "subject": topic.subjects[subject],
            "aspect": ASPECTS[aspect],
            "Aspect": ASPECTS[aspect].capitalize(),
            "tag": topic.tag,
            "reading": topic.reading,
            "code": topic.code,
        }
        setting_words = words | {"subject": words["subject"] + SETTINGS[setting]}
        series = f", part {part + 1}" if part else ""
        yield Theme(topic, TITLES[title].format_map(setting_words) + series, words)


def _tags(theme: Theme, chance: DemoRandom) -> TagList:
    angles = chance.some_early(ANGLES, chance.below(3))
    if theme.words["aspect"] in ANGLES:
        angles.insert(0, theme.words["aspect"])
    return TagList(tuple(Tag(text) for text in (theme.topic.tag, *angles)))


def _body(theme: Theme, chance: DemoRandom) -> str:
    """Return an article in Markdown: an opening, sections with code and a list, and a closing."""
    first, second = chance.some(HEADINGS, 2)
    remarks = chance.some(REMARKS, 10)
    sections = [_code(theme.topic, chance), _list(chance)]
    if chance.below(2):
        sections.reverse()
    paragraphs = [
        f"{chance.pick(OPENINGS)} {' '.join(remarks[:2])}",
        f"## {first}",
        " ".join(remarks[2:5]),
        *_chart(chance),
        sections[0],
        " ".join(remarks[5:7]),
        *_quote(chance),
        sections[1],
        f"## {second}",
        f"{' '.join(remarks[7:])} {chance.pick(READING)}",
        chance.pick(CLOSINGS),
    ]
    return "\n\n".join(paragraphs).format_map(theme.words) + "\n"


def _code(topic: Topic, chance: DemoRandom) -> str:
    heading, introduction = chance.pick(CODE_HEADINGS), chance.pick(CODE_INTRODUCTIONS)
    return f"## {heading}\n\n{introduction}\n\n```{topic.language}\n{{code}}\n```"


def _list(chance: DemoRandom) -> str:
    points = chance.some(POINTS, 3 + chance.below(3))
    marks = ["-"] * len(points) if chance.below(3) else [f"{number}." for number in range(1, 6)]
    lines = "\n".join(f"{mark} {point}" for mark, point in zip(marks, points, strict=False))
    return f"## {chance.pick(LIST_HEADINGS)}\n\n{lines}"


def _chart(chance: DemoRandom) -> Sequence[str]:
    if chance.below(4):
        return ()
    return (f"![{chance.pick(CAPTIONS)}](data:image/png;base64,{chance.pick(CHARTS)})",)


def _quote(chance: DemoRandom) -> Sequence[str]:
    return (f"> {chance.pick(QUOTES)}",) if chance.below(2) else ()
