"""What operators say of the site."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from conduit_feeds.infrastructure.settings import FeedsSettings
from modules.articles.contracts import ArticleId
from modules.kernel.infrastructure.settings import PREFIX


def test_the_frontend_is_where_conduit_is_unless_it_is_said() -> None:
    site = FeedsSettings(feeds_api_url="https://example.com/").site()
    assert site.article("dragons") == "https://example.com/article/dragons"


def test_an_id_does_not_change_with_the_slug_the_port_or_the_frontend() -> None:
    published = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
    sites = [
        FeedsSettings(feeds_api_url="https://example.com").site(),
        FeedsSettings(feeds_api_url="http://example.com:8000", feeds_frontend_url="https://other.com").site(),
    ]
    ids = {site.permanent_id(ArticleId(7), published) for site in sites}
    assert ids == {"tag:example.com,2026-01-31:article/7"}


@pytest.mark.parametrize("url", ["example.com", "ftp://example.com", "javascript:alert(1)", ""])
def test_an_address_that_no_browser_opens_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        FeedsSettings(feeds_api_url=url)
    with pytest.raises(ValidationError):
        FeedsSettings(feeds_frontend_url=url)


def test_the_readme_lists_every_setting() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    for name, field in FeedsSettings.model_fields.items():
        assert f"| `{PREFIX}{name.upper()}` |" in readme
        assert f"| {field.description} |" in readme
