"""What readers say in a demonstration."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from modules.articles.contracts import ArticleDirectory, ArticleId, ArticlePreview
from modules.comments.domain.comment import ImportedComment, Text
from modules.comments.domain.discussion import Discussion
from modules.kernel.domain.clock import in_milliseconds
from modules.kernel.domain.demo import Chance, Demo, batches
from modules.kernel.domain.identity import UserId
from modules.profiles.contracts import ProfileReader

MOST_ON_ONE_ARTICLE = 10
# A discussion is over after three weeks, and most of it happens on the first day.
LONGEST_DISCUSSION = timedelta(days=21)

FIRST_COMMENTS = [
    "Thank you for writing this up. We are about to touch {tag} ourselves, and this came just in time.",
    "Great read. The checklist alone was worth it.",
    "I have been doing this wrong for years, it seems.",
    "Do you have numbers from before the change? I would like to compare them with ours.",
    "This matches our experience with {tag}, down to the Friday part.",
    "Short and to the point. More of this, please!",
    "Saved for the next time somebody asks me about it.",
    "How large was the team when you did this?",
    "I do not agree with all of it, but I am glad that somebody wrote it down.",
    "We tried the same two years ago and gave up half-way. Maybe it is time for another attempt.",
    "The code example is missing the unhappy path, isn't it?",
    "Shared with my whole team. Thanks!",
    "I'm new to {tag}, and this is the first text about it that I understood from start to end.",
    "Small typo in the second paragraph, otherwise perfect.",
    "What would you do differently if you started today?",
    "Bookmarked. The quiet parts are the best parts.",
]
REPLIES = [
    "@{name} we had the same question. In the end we just measured it.",
    "@{name} that depends on what you count, I think.",
    "I see it like @{name}: start small and see what happens.",
    "@{name} could you say more about how you do it?",
    "Agreed, @{name}. The hard part is keeping it up.",
    "@{name} it worked for us, with a team of four.",
    "Not sure about that, @{name}. For a side project it would be too much.",
    "What @{name} says. We learned that the slow way.",
    "+1, and I'd add: write down why, not only what.",
    "Coming back to this after a week: we tried it, and it holds.",
]
ANSWERS = [
    "Thanks, @{name}! I will add that to the article.",
    "Good point, @{name}. I had left it out to keep this short.",
    "@{name} we were five people at the time, two of them part-time.",
    "@{name} no numbers that I could share, sorry. The direction was clear, though.",
    "Happy to hear that, @{name}.",
    "@{name} you are right, and it is corrected now.",
]

NOTES = [
    "Author here. I am happy to answer questions.",
    "I have brought the example up to date since this was published.",
]


@dataclass(frozen=True, slots=True)
class Thread:
    """An article, its author, and who comments on it, in order."""

    article: ArticlePreview
    author: UserId
    readers: Sequence[UserId]


async def discuss_articles(
    discussion: Discussion, articles: ArticleDirectory, profiles: ProfileReader, demo: Demo
) -> None:
    """Let users comment on articles: one comment an article on average, many on few of them."""
    chance = demo.chance("comments")
    readers = _readers(demo, chance)
    demo.progress.begin("comments", sum(len(several) for several in readers.values()))
    for batch in batches(readers.items(), size=2_000):
        threads = await _threads(dict(batch), articles, profiles)
        people = {user for thread in threads for user in (thread.author, *thread.readers)}
        names = {user: person.username for user, person in (await profiles.profiles(people, None)).items()}
        comments = [comment for thread in threads for comment in _comments(thread, names, demo.until, chance)]
        await discussion.import_comments(comments)
        demo.progress.advance(len(comments))


def _readers(demo: Demo, chance: Chance) -> dict[ArticleId, list[UserId]]:
    users = demo.users
    drawn = (
        (ArticleId(article), chance.some_early(users, min(MOST_ON_ONE_ARTICLE, chance.amount(1.05))))
        for article in demo.made["articles"]
    )
    return {article: readers for article, readers in drawn if readers}


async def _threads(
    readers: Mapping[ArticleId, Sequence[UserId]], articles: ArticleDirectory, profiles: ProfileReader
) -> Sequence[Thread]:
    previews = await articles.previews(readers.keys(), None)
    authors = await profiles.named({preview.author.username for preview in previews.values()})
    return [
        Thread(previews[article], authors[previews[article].author.username], several)
        for article, several in readers.items()
    ]


def _comments(
    thread: Thread, names: Mapping[UserId, str], until: datetime, chance: Chance
) -> Iterator[ImportedComment]:
    article, previous = thread.article, None
    said: set[str] = set()
    for reader, at in zip(thread.readers, _moments(thread, until, chance), strict=True):
        speaker, choices = _turn(thread.author, reader, previous, chance)
        text = chance.pick([text for text in choices if text not in said])
        said.add(text)
        words = {"tag": article.tag_list[0], "name": names[previous] if previous else ""}
        yield ImportedComment(article.slug, speaker, Text(text.format_map(words)), at)
        previous = speaker


def _turn(
    author: UserId, reader: UserId, previous: UserId | None, chance: Chance
) -> tuple[UserId, Sequence[str]]:
    """Return who speaks next and what they can say; sometimes the author answers the one before."""
    answers = previous is not None and previous != author
    if answers and (reader == author or chance.below(3) == 0):
        return author, ANSWERS
    if reader == author:
        return author, NOTES
    return reader, REPLIES if answers and chance.below(2) else FIRST_COMMENTS


def _moments(thread: Thread, until: datetime, chance: Chance) -> Sequence[datetime]:
    begin = thread.article.created_at
    longest = min(LONGEST_DISCUSSION, until - begin)
    return sorted(in_milliseconds(begin + longest * chance.fraction() ** 3) for _ in thread.readers)
