"""The settings of feeds."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from conduit_app.settings import SettingsError, load_settings
from conduit_feeds.infrastructure.settings import FeedsSettings
from modules.articles.contracts import ArticleId
from modules.kernel.infrastructure.settings import PREFIX


def test_frontend_url_defaults_to_the_api_url() -> None:
    site = FeedsSettings(feeds_api_url="https://example.com/").site()
    assert site.article("dragons") == "https://example.com/article/dragons"


def test_entry_id_does_not_depend_on_slug_port_or_frontend() -> None:
    published = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
    sites = [
        FeedsSettings(feeds_api_url="https://example.com").site(),
        FeedsSettings(feeds_api_url="http://example.com:8000", feeds_frontend_url="https://other.com").site(),
    ]
    ids = {site.permanent_id(ArticleId(7), published) for site in sites}
    assert ids == {"tag:example.com,2026-01-31:article/7"}


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://192.0.2.7:8000", "192.0.2.7"),
        # RFC 4151: the authority is a DNS name, which has no colons.
        ("http://[2001:db8::7]:8000", f"7.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa"),
        ("https://BÜCHER.example", "xn--bcher-kva.example"),
    ],
)
def test_entry_id_is_a_tag_uri(url: str, authority: str) -> None:
    site = FeedsSettings(feeds_api_url=url).site()
    entry_id = site.permanent_id(ArticleId(7), datetime(2026, 1, 31, tzinfo=UTC))
    assert entry_id == f"tag:{authority},2026-01-31:article/7"


def test_production_requires_the_api_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUIT_ENVIRONMENT", "production")
    with pytest.raises(SettingsError) as error:
        load_settings(FeedsSettings)
    assert str(error.value) == ("CONDUIT_FEEDS_API_URL is required in production (or leave the feeds out)")
    monkeypatch.setenv("CONDUIT_FEEDS_API_URL", "https://example.com")
    assert load_settings(FeedsSettings).site().api_url == "https://example.com"


@pytest.mark.parametrize("url", ["example.com", "ftp://example.com", "javascript:alert(1)", ""])
def test_invalid_url_is_rejected(url: str) -> None:
    with pytest.raises(ValidationError):
        FeedsSettings(feeds_api_url=url)
    with pytest.raises(ValidationError):
        FeedsSettings(feeds_frontend_url=url)


def test_readme_lists_every_setting() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    for name, field in FeedsSettings.model_fields.items():
        assert f"| `{PREFIX}{name.upper()}` |" in readme
        assert f"| {field.description} |" in readme
