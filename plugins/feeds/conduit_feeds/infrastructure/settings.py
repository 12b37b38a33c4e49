"""The settings of feeds."""

from pydantic import Field, HttpUrl, TypeAdapter, field_validator

from conduit_feeds.domain.syndication import Site
from modules.kernel.infrastructure.settings import ModuleSettings

URL = TypeAdapter(HttpUrl)


class FeedsSettings(ModuleSettings):
    """What feeds say of the site; links in feeds are absolute, so they must know where it is."""

    feeds_title: str = Field("Conduit", min_length=1, description="what feeds are called")
    feeds_api_url: str = Field("http://127.0.0.1:8000", description="where feed readers reach Conduit")
    feeds_frontend_url: str | None = Field(
        None,
        description="where readers reach the frontend, as in `https://example.com/#`; Conduit's if not set",
    )

    @field_validator("feeds_api_url", "feeds_frontend_url")
    @classmethod
    def _is_a_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        return str(URL.validate_python(value)).rstrip("/")

    def site(self) -> Site:
        """Return the site as feeds speak of it."""
        return Site(self.feeds_title, self.feeds_api_url, self.feeds_frontend_url or self.feeds_api_url)
