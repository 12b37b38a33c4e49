"""Tokens as an attacker, or another time, would make them."""

from datetime import UTC, datetime, timedelta

import jwt

from tests.client import Json
from tests.conftest import SECRET

ANOTHER_SECRET = "a secret of somebody else, as long as ours"


def claims_of(token: str) -> Json:
    """Return what a token says."""
    claims: Json = jwt.decode(token, options={"verify_signature": False})
    return claims


def forged(
    token: str, *, key: str = SECRET, algorithm: str = "HS256", kind: str = "conduit+jwt", **changes: object
) -> str:
    """Return a token that says the same but for these changes, signed anew."""
    return jwt.encode({**claims_of(token), **changes}, key, algorithm, {"typ": kind})


def in_seconds(seconds: float) -> int:
    """Return that moment, as tokens give it."""
    return int((datetime.now(UTC) + timedelta(seconds=seconds)).timestamp())
