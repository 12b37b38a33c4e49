"""Tokens: JWTs signed with HS256, good until they expire or their account ends them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import jwt
from jwt.types import Options
from sqlalchemy import bindparam, select

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.identity import Principal, TokenInvalid, UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.users.domain.account import Account
from modules.users.infrastructure.tables import AccountRow

ALGORITHM = "HS256"
ISSUER = AUDIENCE = "conduit"
# RFC 8725, 3.11: what is signed with the same key for another purpose is no token.
TYPE = "conduit+jwt"
# The longest token that Conduit issues has about 300 characters.
MAX_LENGTH = 1_000
VERSION = select(AccountRow.__table__.c.token_version).where(AccountRow.__table__.c.id == bindparam("user"))
REQUIRED: Options = {"require": ["iss", "aud", "sub", "iat", "nbf", "exp", "version"]}
TOKENS_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Claims:
    user: UserId
    version: int
    expires_at: int


class JwtTokens:
    """Issues tokens and verifies them, following RFC 8725: one algorithm, and every claim required."""

    def __init__(
        self, database: Database, clock: Clock, signing_keys: Sequence[str], lifetime: timedelta
    ) -> None:
        self._database = database
        self._clock = clock
        self._signing_keys = signing_keys
        self._lifetime = lifetime
        self._claims: dict[str, _Claims] = {}

    def issue(self, account: Account) -> str:
        """Return a token that proves, until it expires, that its bearer is this account's owner."""
        now = self._clock.now()
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(account.id),
            "iat": now,
            "nbf": now,
            "exp": now + self._lifetime,
            "version": account.token_version,
        }
        return jwt.encode(claims, self._signing_keys[0], ALGORITHM, {"typ": TYPE})

    async def verify(self, token: str) -> Principal:
        """Return whose token this is; raise `TokenInvalid` if it is not good at this moment."""
        claims = self._signed(token)
        if claims.expires_at <= self._clock.now().timestamp():
            raise TokenInvalid
        if await self._database.fetch_value(VERSION, {"user": claims.user}) != claims.version:
            raise TokenInvalid
        return Principal(claims.user, claims.expires_at)

    def _signed(self, token: str) -> _Claims:
        """Return what Conduit signed. That never changes, so it is worked out once for a token in use."""
        claims = self._claims.get(token)
        if claims is None:
            claims = self._checked(token)
            if len(self._claims) >= TOKENS_REMEMBERED:
                self._claims.pop(next(iter(self._claims)))
            self._claims[token] = claims
        return claims

    def _checked(self, token: str) -> _Claims:
        if len(token) > MAX_LENGTH:
            raise TokenInvalid
        for key in self._signing_keys:
            try:
                decoded = jwt.decode_complete(
                    token, key, [ALGORITHM], REQUIRED, audience=AUDIENCE, issuer=ISSUER
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidTokenError as error:
                raise TokenInvalid from error
            if decoded["header"].get("typ") != TYPE:
                raise TokenInvalid
            claims = decoded["payload"]
            return _Claims(_user(claims["sub"]), claims["version"], int(claims["exp"]))
        raise TokenInvalid


def _user(subject: str) -> UserId:
    # Others may sign with the same key and call users otherwise; 18 digits fit into a BIGINT.
    if not re.fullmatch(r"[0-9]{1,18}", subject):
        raise TokenInvalid
    return UserId(int(subject))
