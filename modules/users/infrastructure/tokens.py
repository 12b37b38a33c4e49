"""Tokens: JWTs signed with HS256, good until they expire or their account ends them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import jwt
from sqlalchemy import select

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.identity import TokenInvalid, UserId
from modules.kernel.infrastructure.database import Database
from modules.users.domain.account import Account
from modules.users.infrastructure.tables import AccountRow

ALGORITHM = "HS256"
ISSUER = "conduit"
# The longest token that Conduit issues has about 250 characters.
GREATEST_LENGTH = 1_000


class JwtTokens:
    """Issues tokens and verifies them, following RFC 8725: one algorithm, and every claim required."""

    def __init__(
        self, database: Database, clock: Clock, signing_keys: Sequence[str], lifetime: timedelta
    ) -> None:
        self._database = database
        self._clock = clock
        self._signing_keys = signing_keys
        self._lifetime = lifetime

    def issue(self, account: Account) -> str:
        """Return a token that proves, until it expires, that its bearer is this account's owner."""
        now = self._clock.now()
        claims = {
            "iss": ISSUER,
            "sub": str(account.id),
            "iat": now,
            "exp": now + self._lifetime,
            "version": account.token_version,
        }
        return jwt.encode(claims, self._signing_keys[0], ALGORITHM)

    async def verify(self, token: str) -> UserId:
        """Return whose token this is; raise `TokenInvalid` if it is not good at this moment."""
        claims = self._claims(token)
        user, version = UserId(int(claims["sub"])), claims["version"]
        async with self._database.snapshot() as session:
            current = await session.scalar(select(AccountRow.token_version).where(AccountRow.id == user))
        if current != version:
            raise TokenInvalid
        return user

    def _claims(self, token: str) -> Mapping[str, Any]:
        if len(token) > GREATEST_LENGTH:
            raise TokenInvalid
        for key in self._signing_keys:
            try:
                return jwt.decode(
                    token,
                    key,
                    algorithms=[ALGORITHM],
                    issuer=ISSUER,
                    options={"require": ["iss", "sub", "iat", "exp", "version"]},
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidTokenError as error:
                raise TokenInvalid from error
        raise TokenInvalid
