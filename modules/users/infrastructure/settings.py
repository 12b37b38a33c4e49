"""The settings of users."""

from datetime import timedelta

from limits import parse
from pydantic import Field, field_validator

from modules.kernel.infrastructure.settings import ModuleSettings
from modules.users.infrastructure.blocklist import blocklist
from modules.users.infrastructure.passwords import MAX_PENDING


class UsersSettings(ModuleSettings):
    """Token lifetime, password hashing and the rate limits of logins and registrations."""

    token_lifetime: timedelta = Field(
        timedelta(days=14),
        gt=timedelta(0),
        description="token lifetime: seconds, or an ISO 8601 duration such as P14D",
    )
    session_max_age: timedelta = Field(
        timedelta(days=90),
        gt=timedelta(0),
        description="maximum age of a session, after which its user must log in again, whatever tokens it "
        "has: seconds, or an ISO 8601 duration",
    )
    password_hashing_concurrency: int = Field(
        2, ge=1, description="maximum passwords hashed concurrently; each takes 19 MiB and one core"
    )
    max_password_hashes: int = Field(
        MAX_PENDING,
        ge=1,
        description="maximum passwords hashed or waiting to be hashed, per process; more get a 503",
    )
    login_limit: str = Field(
        "10 per 15 minutes", description="rate limit: failed logins to one account from one address"
    )
    login_limit_per_account: str = Field(
        "100 per hour", description="rate limit: failed logins to one account from all addresses"
    )
    login_limit_per_address: str = Field(
        "100 per 15 minutes", description="rate limit: logins from one address to all accounts"
    )
    storage_limit: str = Field(
        "100000000 per hour",
        description="rate limit: bytes of request bodies that one account may store in articles, comments "
        "and the like",
    )
    registration_limit_per_address: str = Field(
        "1000 per hour", description="rate limit: registrations from one address"
    )
    password_blocklist: str | None = Field(
        None,
        description="passwords to reject: `common` for the built-in list, or a file with one per line",
    )

    @field_validator(
        "login_limit",
        "login_limit_per_account",
        "login_limit_per_address",
        "registration_limit_per_address",
        "storage_limit",
    )
    @classmethod
    def _validate_limits(cls, value: str) -> str:
        parse(value)
        return value

    @field_validator("password_blocklist")
    @classmethod
    def _validate_password_blocklist(cls, value: str | None) -> str | None:
        try:
            blocklist(value)
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError("must be `common` or a file readable as UTF-8") from error
        return value
