"""The generated demo texts, without a database."""

from dataclasses import replace
from itertools import islice

from modules.articles.demo import texts
from modules.articles.demo.articles import articles, themes
from modules.articles.domain.values import MAX_STEM_LENGTH
from modules.kernel.demo.demo import Demo
from modules.kernel.demo.demo_random import DemoRandom
from modules.users.demo.people import people
from tests.demo.conftest import UNTIL, NoProgress


def demo(size: int) -> Demo:
    """Return a demo of this size with a hundred users."""
    return Demo(size, NoProgress(), UNTIL, made={"users": range(1, 101)})


def test_names_and_addresses_are_unique() -> None:
    generated = list(islice(people(DemoRandom("any")), 3_000))
    assert len({person.username.key for person in generated}) == 3_000
    assert len({person.email.key for person in generated}) == 3_000


def test_slugs_are_unique() -> None:
    assert len({next(article.draft.title.slugs()) for article in articles(demo(3_000))}) == 3_000


def test_descriptions_on_a_page_differ() -> None:
    descriptions = [article.draft.description.text for article in articles(demo(200))]
    pages = [descriptions[place : place + 20] for place in range(0, 200, 20)]
    assert all(len(set(page)) >= 19 for page in pages)


def test_longest_title_fits_into_a_slug() -> None:
    parts = [
        [title.format(Aspect="", aspect="", subject="") for title in texts.TITLES],
        texts.ASPECTS,
        [subject for topic in texts.TOPICS for subject in topic.subjects],
        texts.SETTINGS,
    ]
    assert sum(max(map(len, choices)) for choices in parts) <= MAX_STEM_LENGTH


def test_tags_and_subjects_of_topics_are_unique() -> None:
    tags = [topic.tag for topic in texts.TOPICS] + texts.ANGLES
    subjects = [subject for topic in texts.TOPICS for subject in topic.subjects]
    assert len(set(tags)) == len(tags)
    assert len(set(subjects)) == len(subjects)


def test_titles_get_longer_and_then_numbered() -> None:
    topic = replace(texts.TOPICS[0], subjects=["Python"])
    short = len(texts.TITLES) * len(texts.ASPECTS)
    titles = [theme.title for theme in islice(themes(topic, start=0), short * 21)]
    assert len(set(titles)) == len(titles)
    assert all(title.endswith(", part 2") for title in titles[short * 20 :])
    assert not any(title.endswith(", part 2") for title in titles[: short * 20])
