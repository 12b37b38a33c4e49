"""Forged and expired tokens."""

from datetime import UTC, datetime, timedelta

import jwt

from tests.client import Json
from tests.conftest import SECRET

ANOTHER_SECRET = "another secret of the same length as ours"


def claims_of(token: str) -> Json:
    """Return the claims of a token."""
    claims: Json = jwt.decode(token, options={"verify_signature": False})
    return claims


def forged(
    token: str, *, key: str = SECRET, algorithm: str = "HS256", kind: str = "conduit+jwt", **changes: object
) -> str:
    """Return a token with changed claims, signed with the key."""
    return jwt.encode({**claims_of(token), **changes}, key, algorithm, {"typ": kind})


def in_seconds(seconds: float) -> int:
    """Return the time in so many seconds as a Unix timestamp."""
    return int((datetime.now(UTC) + timedelta(seconds=seconds)).timestamp())
