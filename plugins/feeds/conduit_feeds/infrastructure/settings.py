"""The settings of feeds."""

from typing import Literal

from pydantic import Field, HttpUrl, TypeAdapter, field_validator, model_validator

from conduit_feeds.domain.syndication import Site
from modules.kernel.infrastructure.settings import PREFIX, ModuleSettings

URL = TypeAdapter(HttpUrl)


class FeedsSettings(ModuleSettings):
    """The title and public URLs of the site; links in feeds are absolute."""

    environment: Literal["development", "production"] = Field(
        "development", description="Conduit's own; `production` requires `CONDUIT_FEEDS_API_URL`"
    )
    feeds_title: str = Field("Conduit", min_length=1, description="title of the feeds")
    feeds_api_url: str = Field("http://127.0.0.1:8000", description="public URL of Conduit")
    feeds_frontend_url: str | None = Field(
        None,
        description="public URL of the frontend, such as `https://example.com/#`; Conduit's if not set",
    )

    @field_validator("feeds_api_url", "feeds_frontend_url")
    @classmethod
    def _validate_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        return str(URL.validate_python(value)).rstrip("/")

    @model_validator(mode="after")
    def _validate_api_url(self) -> "FeedsSettings":
        # Entry ids contain its host and never change; with 127.0.0.1 they would not be unique.
        if self.environment == "production" and "feeds_api_url" not in self.model_fields_set:
            raise ValueError(f"{PREFIX}FEEDS_API_URL is required in production (or leave the feeds out)")
        return self

    def site(self) -> Site:
        """Return the site of these settings."""
        return Site(self.feeds_title, self.feeds_api_url, self.feeds_frontend_url or self.feeds_api_url)
