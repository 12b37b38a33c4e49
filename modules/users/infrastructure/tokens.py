"""JWTs signed with HS256, valid until they expire or are revoked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import jwt
from jwt.types import Options
from sqlalchemy import FromClause, bindparam, select

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.identity import Principal, TokenInvalid, UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.users.domain.account import Account
from modules.users.infrastructure.tables import AccountRow

ALGORITHM = "HS256"
ISSUER = AUDIENCE = "conduit"
# RFC 8725, 3.11: JWTs signed with the same key for another purpose are not tokens.
TYPE = "conduit+jwt"
# Issued tokens have at most about 300 characters.
MAX_TOKEN_LENGTH = 1_000
accounts: FromClause = AccountRow.__table__
TOKEN_VERSION = select(accounts.c.token_version).where(accounts.c.id == bindparam("user_id"))
REQUIRED_CLAIMS: Options = {"require": ["iss", "aud", "sub", "iat", "nbf", "exp", "version"]}
CLAIMS_CACHE_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class _Claims:
    user_id: UserId
    version: int
    expires_at: int


class JwtTokens:
    """Issues and verifies tokens by RFC 8725: one algorithm, every claim required."""

    def __init__(
        self, database: Database, clock: Clock, signing_keys: Sequence[str], lifetime: timedelta
    ) -> None:
        self._database = database
        self._clock = clock
        self._signing_keys = signing_keys
        self._lifetime = lifetime
        self._claims: dict[str, _Claims] = {}

    def issue(self, account: Account) -> str:
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
        claims = self._cached_claims(token)
        if claims.expires_at <= self._clock.now().timestamp():
            raise TokenInvalid
        if await self._database.fetch_value(TOKEN_VERSION, {"user_id": claims.user_id}) != claims.version:
            raise TokenInvalid
        return Principal(claims.user_id, claims.expires_at)

    def _cached_claims(self, token: str) -> _Claims:
        # The claims and signature of a token never change, so each token is decoded once.
        claims = self._claims.get(token)
        if claims is None:
            claims = self._decode(token)
            if len(self._claims) >= CLAIMS_CACHE_SIZE:
                self._claims.pop(next(iter(self._claims)))
            self._claims[token] = claims
        return claims

    def _decode(self, token: str) -> _Claims:
        if len(token) > MAX_TOKEN_LENGTH:
            raise TokenInvalid
        for key in self._signing_keys:
            try:
                decoded = jwt.decode_complete(
                    token, key, [ALGORITHM], REQUIRED_CLAIMS, audience=AUDIENCE, issuer=ISSUER
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidTokenError as error:
                raise TokenInvalid from error
            if decoded["header"].get("typ") != TYPE:
                raise TokenInvalid
            claims = decoded["payload"]
            return _Claims(_user_id(claims["sub"]), claims["version"], int(claims["exp"]))
        raise TokenInvalid


def _user_id(subject: str) -> UserId:
    # Another issuer may sign with the same key and use other subjects; 18 digits fit into a BIGINT.
    if not re.fullmatch(r"[0-9]{1,18}", subject):
        raise TokenInvalid
    return UserId(int(subject))
