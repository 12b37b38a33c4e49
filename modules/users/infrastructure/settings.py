"""The settings of users."""

from datetime import timedelta

from pydantic import Field

from modules.kernel.infrastructure.settings import ModuleSettings


class UsersSettings(ModuleSettings):
    """How long tokens last, and how much hashing happens at once."""

    token_lifetime: timedelta = Field(
        timedelta(days=14), gt=timedelta(0), description="how long a token is good: seconds, or like P14D"
    )
    password_hashing_at_once: int = Field(
        2, ge=1, description="passwords hashed at the same time; each takes 19 MiB and one core"
    )
