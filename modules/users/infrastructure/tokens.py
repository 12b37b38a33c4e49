"""JWTs signed with HS256, valid until they expire or are revoked."""

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

import jwt
from jwt.types import Options
from sqlalchemy import bindparam, select

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.identity import (
    AccountDisabled,
    Principal,
    Session,
    TokenInvalid,
    UserId,
    caller_username,
)
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.statements import PreparedStatement, prepare
from modules.users.domain.account import Account, ValidSessions
from modules.users.infrastructure.storage_limit import StorageLimit
from modules.users.infrastructure.tables import accounts

ALGORITHM = "HS256"
ISSUER = AUDIENCE = "conduit"
# RFC 8725, 3.11: JWTs signed with the same key for another purpose are not tokens.
TYPE = "conduit+jwt"
# Issued tokens have at most about 450 characters.
MAX_TOKEN_LENGTH = 1_000
# The clocks of two machines differ; https://datatracker.ietf.org/doc/html/rfc7519#section-4.1.5
CLOCK_SKEW_SECONDS = 5
SESSION_ID_BYTES = 16
SESSIONS = select(
    accounts.c.session_epoch, accounts.c.surviving_session, accounts.c.disabled_at, accounts.c.username
).where(accounts.c.id == bindparam("user_id"))
VALID_SESSIONS = prepare(SESSIONS)
# Blocks deletion only: the user's requests write at the same time.
LOCK_SESSIONS = prepare(SESSIONS.with_for_update(read=True, key_share=True))
# sid and auth_time as in OpenID Connect: the session, and the time of its sign-in.
REQUIRED_CLAIMS: Options = {
    "require": ["iss", "aud", "sub", "iat", "nbf", "exp", "sid", "epoch", "auth_time"]
}
TOKEN_CACHE_SIZE = 10_000


class JwtTokens:
    """Issues and verifies tokens by RFC 8725: one algorithm, every claim required."""

    def __init__(  # noqa: PLR0913, PLR0917 - injected by the container
        self,
        database: Database,
        clock: Clock,
        signing_keys: Sequence[str],
        lifetime: timedelta,
        session_max_age: timedelta,
        storage_limit: StorageLimit,
    ) -> None:
        self._database = database
        self._clock = clock
        self._signing_keys = signing_keys
        self._lifetime = lifetime
        self._session_max_age = session_max_age
        self._storage_limit = storage_limit
        # The claims and signature of a token never change, so each valid token is decoded once.
        self._decode = lru_cache(TOKEN_CACHE_SIZE)(self._decode_token)

    def issue(self, account: Account) -> str:
        started_at = int(self._clock.now().timestamp())
        session = Session(secrets.token_hex(SESSION_ID_BYTES), account.sessions.epoch, started_at)
        return self.reissue(account, session)

    def reissue(self, account: Account, session: Session) -> str:
        now = int(self._clock.now().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(account.id),
            "iat": now,
            "nbf": now,
            "exp": min(now + int(self._lifetime.total_seconds()), self._session_end(session)),
            "sid": session.id,
            "epoch": account.sessions.epoch,
            "auth_time": session.started_at,
        }
        return jwt.encode(claims, self._signing_keys[0], ALGORITHM, {"typ": TYPE})

    async def verify(self, token: str) -> Principal:
        principal = self._decode(token)
        now = self._clock.now().timestamp()
        # The maximum age may have been lowered since the token was issued.
        if min(principal.expires_at, self._session_end(principal.session)) <= now:
            raise TokenInvalid
        await self._require_valid_session(VALID_SESSIONS, principal)
        return principal

    async def authorize_write(self, principal: Principal, body_bytes: int) -> None:
        self._database.require_transaction()
        await self._require_valid_session(LOCK_SESSIONS, principal)
        await self._storage_limit.record(principal.user_id, body_bytes)

    async def _require_valid_session(self, statement: PreparedStatement, principal: Principal) -> None:
        row = await self._database.fetch_one(statement, {"user_id": principal.user_id})
        if row is None:
            raise TokenInvalid
        epoch, surviving, disabled_at, username = row
        if not ValidSessions(epoch, surviving).include(principal.session):
            raise TokenInvalid
        if disabled_at is not None:
            raise AccountDisabled
        caller_username.set(username)

    def _session_end(self, session: Session) -> int:
        return session.started_at + int(self._session_max_age.total_seconds())

    def _decode_token(self, token: str) -> Principal:
        if len(token) > MAX_TOKEN_LENGTH:
            raise TokenInvalid
        for key in self._signing_keys:
            try:
                decoded = jwt.decode_complete(
                    token,
                    key,
                    [ALGORITHM],
                    REQUIRED_CLAIMS,
                    audience=AUDIENCE,
                    issuer=ISSUER,
                    leeway=CLOCK_SKEW_SECONDS,
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidTokenError as error:
                raise TokenInvalid from error
            if decoded["header"].get("typ") != TYPE:
                raise TokenInvalid
            return _principal(token, decoded["payload"])
        raise TokenInvalid


def _principal(token: str, claims: Mapping[str, Any]) -> Principal:
    # Another issuer may sign with the same key and use other subjects; 18 digits fit into a BIGINT.
    session_id, epoch, started_at = claims["sid"], claims["epoch"], claims["auth_time"]
    if (
        not re.fullmatch(r"[0-9]{1,18}", claims["sub"])
        or not isinstance(session_id, str)
        or not isinstance(epoch, str)
        or not isinstance(started_at, int)
    ):
        raise TokenInvalid
    session = Session(session_id, epoch, started_at)
    return Principal(UserId(int(claims["sub"])), session, int(claims["exp"]), token)
