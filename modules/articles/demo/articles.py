"""The articles of a demonstration."""

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
from modules.articles.infrastructure.tables import ArticleRow, FavoriteRow, TagRow
from modules.kernel.demo.demo import Demo
from modules.kernel.demo.demo_random import DemoRandom
from modules.kernel.domain.batches import batches
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.bulk_insert import bulk_insert, bulk_insert_returning_ids
from modules.kernel.infrastructure.persistence.database import Database

YEAR = timedelta(days=365)
# Articles in one transaction. Slugs come in no order, so that each transaction writes most pages of
# their index again: the fewer transactions, the better.
TOGETHER = 20_000
# Shares no factor with the number of themes of a topic, so that counting in strides meets each once.
STRIDE = 1_237


@dataclass(frozen=True, slots=True)
class Theme:
    """What one article is about: a title that no other has, and the words that its sentences use."""

    topic: Topic
    title: str
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DemoArticle:
    """An article and the users who favor it, each once. Its slug is the first of its title."""

    draft: Draft
    favorited_by: Sequence[UserId]

    def row(self) -> dict[str, Any]:
        """Return its row."""
        return article_row(self.draft, next(self.draft.title.slugs()), len(self.favorited_by))

    def counted(self) -> CountedArticle:
        """Return what of it is counted."""
        return CountedArticle(self.draft.author, self.draft.tags.texts, self.draft.at, self.favorited_by)


async def insert_articles(database: Database, counts: ArticleCounts, demo: Demo) -> None:
    """Insert a year of articles with their tags and favorites, and count them. No event is published."""
    demo.progress.begin("articles", demo.articles)
    made: list[int] = []
    for together in batches(articles(demo), TOGETHER):
        async with database.transaction():
            for batch in batches(together):
                made += await _insert(database, batch)
                await counts.published([article.counted() for article in batch])
                demo.progress.advance(len(batch))
    demo.made["articles"] = made


async def _insert(database: Database, articles: Sequence[DemoArticle]) -> Sequence[int]:
    async with database.transaction() as session:
        ids = await bulk_insert_returning_ids(session, ArticleRow, [article.row() for article in articles])
        inserted = list(zip(ids, articles, strict=True))
        tags = [
            {"article_id": article_id, "tag": tag, "created_at": article.draft.at}
            for article_id, article in inserted
            for tag in article.draft.tags.texts
        ]
        favorites = [
            {"article_id": article_id, "user_id": user_id, "created_at": article.draft.at}
            for article_id, article in inserted
            for user_id in article.favorited_by
        ]
        await bulk_insert(session, TagRow, tags)
        await bulk_insert(session, FavoriteRow, favorites)
    return ids


def articles(demo: Demo) -> Iterator[DemoArticle]:
    """Yield as many articles as the demonstration has, oldest first; no two have the same title."""
    chance, users = demo.chance("articles"), demo.users
    topics = [themes(topic, start=997 * place) for place, topic in enumerate(TOPICS)]
    for at in _moments(demo, chance):
        theme = next(chance.early(topics))
        author = chance.early(users)
        draft = Draft(
            author,
            Title(theme.title),
            Description(chance.pick(DESCRIPTIONS).format_map(theme.words)),
            Body(_body(theme, chance)),
            _tags(theme, chance),
            at,
        )
        readers = chance.some_early(users, chance.amount(2.6))
        yield DemoArticle(draft, favorited_by=sorted({*readers} - {author}))


def _moments(demo: Demo, chance: DemoRandom) -> Iterator[datetime]:
    """Yield as many moments as there are articles, in order, spread over the year before the end."""
    begin, step = demo.until - YEAR, YEAR / timedelta(milliseconds=1) / demo.articles
    for place in range(demo.articles):
        yield begin + timedelta(milliseconds=int((place + chance.fraction()) * step))


def themes(topic: Topic, start: int) -> Iterator[Theme]:
    """Yield themes for ever, with titles that are short at first and never repeat."""
    themes = len(TITLES) * len(ASPECTS) * len(topic.subjects)
    for number in count():
        tour, place = divmod(number, themes)
        place, title = divmod((start + place * STRIDE) % themes, len(TITLES))
        subject, aspect = divmod(place, len(ASPECTS))
        part, setting = divmod(tour, len(SETTINGS))
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
    """Return an article in Markdown: an opening, a story around code and a list, and a farewell."""
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
