"""Demo comments."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from modules.articles.contracts import ArticleDirectory, ArticleId, ArticlePreview
from modules.comments.domain.comment import CommentBody
from modules.comments.infrastructure.tables import CommentRow
from modules.kernel.demo.demo import Demo
from modules.kernel.demo.demo_random import DemoRandom
from modules.kernel.domain.batches import batches
from modules.kernel.domain.clock import truncate_to_ms
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.bulk_insert import bulk_insert
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.contracts import ProfileReader

MAX_PER_ARTICLE = 10
# Most comments of a discussion are added on its first day.
MAX_DISCUSSION_LENGTH = timedelta(days=21)


@dataclass(frozen=True, slots=True)
class Remark:
    """A reader's comment, possible replies of the author, and possible replies of other readers."""

    text: str
    author_replies: Sequence[str] = ()
    replies: Sequence[str] = ()


REMARKS = [
    Remark(
        "Thank you for writing this up. We are working on {tag} ourselves, and this came just in time.",
        ["Happy to hear that, @{name}. Tell us how it goes!", "Good luck with it, @{name}!"],
        ["Same here, @{name}."],
    ),
    Remark("Great read. The checklist alone was worth it.", ["Thanks, @{name}!"]),
    Remark("I have been doing this wrong for years, it seems.", (), ["You are not alone, @{name}."]),
    Remark(
        "Do you have numbers from before the change? I would like to compare them with ours.",
        ["@{name} none that I could share, sorry. The direction was clear, though."],
        ["@{name} we had the same question. In the end we just measured it."],
    ),
    Remark("This matches our experience with {tag}, down to the last detail."),
    Remark("Short and to the point. More of this, please!", ["Thanks, @{name}! There is more to come."]),
    Remark("Saved for the next time somebody asks me about it."),
    Remark(
        "How large was the team when you did this?",
        ["@{name} we were five people at the time, two of them part-time."],
        ["@{name} it worked for us with four people."],
    ),
    Remark(
        "I do not agree with all of it, but I am glad that somebody wrote it down.",
        ["Fair enough, @{name}. Which part would you leave out?"],
        ["@{name} could you say more about how you do it?"],
    ),
    Remark(
        "We tried the same two years ago and gave up half-way. Maybe it is time for another attempt.",
        ["@{name} what made you stop? That would be worth an article of its own."],
        ["@{name} start small. That was the part we got wrong the first time."],
    ),
    Remark(
        "The code example is missing the unhappy path, isn't it?",
        [
            "Good point, @{name}. I had left it out to keep this short.",
            "@{name} you are right, and it is fixed now.",
        ],
    ),
    Remark("Shared with my whole team. Thanks!", ["Thank you, @{name}."]),
    Remark("I'm new to {tag}, and this is the first text about it that I understood from start to end."),
    Remark("Small typo in the second paragraph, otherwise perfect.", ["Corrected. Thanks, @{name}!"]),
    Remark(
        "What would you do differently if you started today?",
        ["@{name} begin with fewer people and a smaller goal."],
        ["I would like to know that too, @{name}."],
    ),
    Remark("Bookmarked. The quiet parts are the best parts."),
    Remark(
        "And write down why, not only what. We learned that the slow way.", ["Yes, @{name}! I will add it."]
    ),
    Remark("The hard part is keeping it up, in my experience.", (), ["Agreed, @{name}."]),
    Remark("For a side project this would be too much, but at work it is just what we need."),
    Remark("Please write the sequel that you hint at!", ["@{name} it is half written."], ["+1, @{name}."]),
]
# Comments of authors on their own articles.
NOTES = [
    "Author here. I am happy to answer questions.",
    "I have brought the example up to date since this was published.",
]


@dataclass(frozen=True, slots=True)
class Thread:
    """An article, its author, and the readers who comment on it, in order."""

    article_id: ArticleId
    article: ArticlePreview
    author_id: UserId
    reader_ids: Sequence[UserId]


async def insert_comments(
    database: Database, articles: ArticleDirectory, profiles: ProfileReader, demo: Demo
) -> None:
    """Insert comments: about one per article on average, and many on a few articles."""
    chance = demo.chance("comments")
    readers = _readers(demo, chance)
    demo.progress.begin("comments", sum(map(len, readers.values())))
    for batch in batches(readers.items(), size=2_000):
        threads = await _threads(dict(batch), articles, profiles)
        user_ids = {user_id for thread in threads for user_id in (thread.author_id, *thread.reader_ids)}
        commenters = await profiles.profiles(user_ids, None)
        names = {user_id: profile.username for user_id, profile in commenters.items()}
        comments = [comment for thread in threads for comment in _comments(thread, names, demo.until, chance)]
        await bulk_insert(database, CommentRow, comments)
        demo.progress.advance(len(comments))


def _readers(demo: Demo, chance: DemoRandom) -> dict[ArticleId, list[UserId]]:
    users = demo.users
    drawn = (
        (ArticleId(article_id), chance.some_early(users, min(MAX_PER_ARTICLE, chance.amount(1.05))))
        for article_id in demo.made["articles"]
    )
    return {article_id: reader_ids for article_id, reader_ids in drawn if reader_ids}


async def _threads(
    readers: Mapping[ArticleId, Sequence[UserId]], articles: ArticleDirectory, profiles: ProfileReader
) -> Sequence[Thread]:
    previews = await articles.previews(readers.keys(), None)
    authors = await profiles.by_username({preview.author.username for preview in previews.values()})
    return [
        Thread(article_id, previews[article_id], authors[previews[article_id].author.username], reader_ids)
        for article_id, reader_ids in readers.items()
    ]


def _comments(
    thread: Thread, names: Mapping[UserId, str], until: datetime, chance: DemoRandom
) -> Iterator[dict[str, Any]]:
    remarks = iter(chance.some(REMARKS, len(thread.reader_ids)))
    remark, previous = None, thread.author_id
    for reader_id, created_at in zip(thread.reader_ids, _moments(thread, until, chance), strict=True):
        if remark and remark.author_replies and (reader_id == thread.author_id or chance.below(2)):
            commenter, text, remark = thread.author_id, chance.pick(remark.author_replies), None
        elif remark and remark.replies and chance.below(2):
            commenter, text, remark = reader_id, chance.pick(remark.replies), None
        elif reader_id == thread.author_id:
            commenter, text, remark = reader_id, chance.pick(NOTES), None
        else:
            remark = next(remarks)
            commenter, text = reader_id, remark.text
        words = {"tag": thread.article.tag_list[0], "name": names[previous]}
        yield {
            "article_id": thread.article_id,
            "author_id": commenter,
            "body": CommentBody(text.format_map(words)).text,
            "created_at": created_at,
        }
        previous = commenter


def _moments(thread: Thread, until: datetime, chance: DemoRandom) -> Sequence[datetime]:
    begin = thread.article.created_at
    longest = min(MAX_DISCUSSION_LENGTH, until - begin)
    return sorted(truncate_to_ms(begin + longest * chance.fraction() ** 3) for _ in thread.reader_ids)
