"""What a demonstration of any size promises, without making it."""

from dataclasses import replace
from itertools import islice

from modules.articles.demo import texts
from modules.articles.demo.articles import articles, themes
from modules.articles.domain.values import MAX_STEM_LENGTH
from modules.kernel.demo.demo import Demo
from modules.kernel.demo.demo_random import DemoRandom
from modules.users.demo.people import people
from tests.demo.conftest import ProbeTimeout


def demo(size: int) -> Demo:
    """Return a run of this size, after a hundred users were made."""
    return Demo(size, ProbeTimeout(), made={"users": range(1, 101)})


def test_no_two_people_have_the_same_name_or_address() -> None:
    several = list(islice(people(DemoRandom("any")), 3_000))
    assert len({person.username.key for person in several}) == 3_000
    assert len({person.email.key for person in several}) == 3_000


def test_no_two_articles_have_the_same_slug() -> None:
    assert len({next(article.draft.title.slugs()) for article in articles(demo(3_000))}) == 3_000


def test_the_articles_of_one_page_are_described_in_different_words() -> None:
    texts = [article.draft.description.text for article in articles(demo(200))]
    pages = [texts[place : place + 20] for place in range(0, 200, 20)]
    assert all(len(set(page)) >= 19 for page in pages)


def test_no_slug_is_cut_off_where_titles_differ() -> None:
    parts = [
        [title.format(Aspect="", aspect="", subject="") for title in texts.TITLES],
        texts.ASPECTS,
        [subject for topic in texts.TOPICS for subject in topic.subjects],
        texts.SETTINGS,
    ]
    assert sum(max(map(len, choices)) for choices in parts) <= MAX_STEM_LENGTH


def test_no_two_topics_share_a_tag_or_a_subject() -> None:
    tags = [topic.tag for topic in texts.TOPICS] + texts.ANGLES
    subjects = [subject for topic in texts.TOPICS for subject in topic.subjects]
    assert len(set(tags)) == len(tags)
    assert len(set(subjects)) == len(subjects)


def test_titles_become_longer_before_they_repeat_and_then_are_numbered() -> None:
    topic = replace(texts.TOPICS[0], subjects=["Python"])
    short = len(texts.TITLES) * len(texts.ASPECTS)
    titles = [theme.title for theme in islice(themes(topic, start=0), short * 21)]
    assert len(set(titles)) == len(titles)
    assert all(title.endswith(", part 2") for title in titles[short * 20 :])
    assert not any(title.endswith(", part 2") for title in titles[: short * 20])
