"""JWTs: claims, signature and keys. What every token verifier does is in tests/kernel."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest

from modules.kernel.domain.clock import SystemClock
from modules.kernel.domain.identity import Session, TokenInvalid
from modules.kernel.fakes import FakeClock
from modules.users.container import UsersContainer
from modules.users.domain.account import Account
from modules.users.infrastructure import tokens as tokens_module
from modules.users.infrastructure.tokens import JwtTokens
from tests.conftest import SECRET
from tests.users.accounts import insert_account

ANOTHER_SECRET = "another secret key of the same length"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def now() -> datetime:
    return SystemClock().now()


def claims(account: Account, **changes: object) -> dict[str, object]:
    """Return the claims of a valid token, with these changes."""
    return {
        "iss": "conduit",
        "aud": "conduit",
        "sub": str(account.id),
        "iat": now(),
        "nbf": now(),
        "exp": now() + HOUR,
        "sid": "laptop",
        "epoch": account.sessions.epoch,
        "auth_time": int(now().timestamp()),
        **changes,
    }


def unverified(token: str) -> dict[str, Any]:
    payload: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return payload


def signed(
    payload: Mapping[str, object], key: str = SECRET, algorithm: str = "HS256", typ: str = "conduit+jwt"
) -> str:
    return jwt.encode(dict(payload), key, algorithm, {"typ": typ})


def tokens(users: UsersContainer, *keys: str, issued_at: datetime | None = None) -> JwtTokens:
    """Return tokens with these signing keys and this time."""
    clock = FakeClock(issued_at or now())
    return JwtTokens(users.database(), clock, keys or (SECRET,), HOUR, DAY, users.storage_limit())


async def assert_rejected(users: UsersContainer, token: str) -> None:
    with pytest.raises(TokenInvalid):
        await users.tokens().verify(token)


class TestIssue:
    async def test_token_has_every_claim(self, users: UsersContainer) -> None:
        jake = await insert_account(users)
        issued_at = now().replace(microsecond=0)
        token = tokens(users, issued_at=issued_at).issue(jake)
        assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "conduit+jwt"}
        payload = unverified(token)
        assert len(payload.pop("sid")) == 32
        assert payload == {
            "iss": "conduit",
            "aud": "conduit",
            "sub": str(jake.id),
            "iat": issued_at.timestamp(),
            "nbf": issued_at.timestamp(),
            "exp": (issued_at + HOUR).timestamp(),
            "epoch": jake.sessions.epoch,
            "auth_time": issued_at.timestamp(),
        }

    async def test_default_lifetime_is_two_weeks(self, users: UsersContainer) -> None:
        token = users.tokens().issue(await insert_account(users))
        payload = unverified(token)
        assert payload["exp"] - payload["iat"] == timedelta(days=14).total_seconds()

    async def test_every_login_starts_another_session(self, users: UsersContainer) -> None:
        jake = await insert_account(users)
        issued = [unverified(users.tokens().issue(jake))["sid"] for _ in range(2)]
        assert len(set(issued)) == 2

    async def test_reissued_token_continues_its_session_and_does_not_outlast_it(
        self, users: UsersContainer
    ) -> None:
        jake = await insert_account(users)
        start = now().replace(microsecond=0)
        session = Session("laptop", "an older epoch", int((start - DAY + HOUR / 2).timestamp()))
        payload = unverified(tokens(users, issued_at=start).reissue(jake, session))
        assert payload["sid"] == "laptop"
        assert payload["epoch"] == jake.sessions.epoch
        assert payload["auth_time"] == session.started_at
        assert payload["exp"] == (start + HOUR / 2).timestamp()


class TestVerify:
    async def test_least_recently_used_token_is_decoded_again(
        self, users: UsersContainer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        jake = await insert_account(users)
        first, second, third = (signed(claims(jake, sid=sid)) for sid in ("laptop", "phone", "desktop"))
        decoded: list[str] = []

        def decode(token: str, *arguments: Any, **options: Any) -> Any:
            decoded.append(token)
            return decode_complete(token, *arguments, **options)

        decode_complete = jwt.decode_complete
        monkeypatch.setattr(jwt, "decode_complete", decode)
        monkeypatch.setattr(tokens_module, "TOKEN_CACHE_SIZE", 2)
        verifier = tokens(users)
        for token in (first, second, first, third, first, second):
            await verifier.verify(token)
        assert decoded == [first, second, third, second]

    async def test_failure_is_not_cached(
        self, users: UsersContainer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        jake = await insert_account(users)
        verifier, token = tokens(users), signed(claims(jake))
        with monkeypatch.context() as patch:
            patch.setattr(tokens_module, "TYPE", "another type")
            with pytest.raises(TokenInvalid):
                await verifier.verify(token)
        assert (await verifier.verify(token)).user_id == jake.id

    async def test_unchanged_claims_are_accepted(self, users: UsersContainer) -> None:
        jake = await insert_account(users)
        assert (await users.tokens().verify(signed(claims(jake)))).user_id == jake.id

    @pytest.mark.parametrize(
        "signature",
        [
            {"key": "", "algorithm": "none"},
            {"algorithm": "HS384"},
            {"algorithm": "HS512"},
            {"key": ANOTHER_SECRET},
            # RFC 8725, 3.11 and 3.12: JWTs of another type must not be accepted under the same key.
            {"typ": "JWT"},
            {"typ": "at+jwt"},
            {"typ": ""},
        ],
        ids=str,
    )
    @pytest.mark.filterwarnings("ignore:The HMAC key:jwt.InsecureKeyLengthWarning")
    async def test_other_key_algorithm_or_type_is_rejected(
        self, users: UsersContainer, signature: dict[str, str]
    ) -> None:
        await assert_rejected(users, signed(claims(await insert_account(users)), **signature))

    async def test_signature_of_another_token_is_rejected(self, users: UsersContainer) -> None:
        jake, anna = await insert_account(users, "jake"), await insert_account(users, "anna")
        header, _, signature = signed(claims(jake)).split(".")
        _, payload, _ = signed(claims(anna)).split(".")
        await assert_rejected(users, f"{header}.{payload}.{signature}")

    @pytest.mark.parametrize("claim", ["iss", "aud", "sub", "iat", "nbf", "exp", "sid", "epoch", "auth_time"])
    async def test_missing_claim_is_rejected(self, users: UsersContainer, claim: str) -> None:
        payload = claims(await insert_account(users))
        del payload[claim]
        await assert_rejected(users, signed(payload))

    @pytest.mark.parametrize(
        "change",
        [
            {"iss": "another issuer"},
            {"aud": "another audience"},
            {"nbf": 4_102_444_800},
            {"nbf": "soon"},
            {"sub": "1000"},
            {"sub": "jake"},
            {"sub": ""},
            {"sub": "9" * 30},
            {"exp": "never"},
            {"iat": "always"},
            {"iat": 4_102_444_800},
            {"sid": 7},
            {"sid": None},
            {"epoch": "another epoch"},
            {"epoch": 7},
            {"epoch": None},
            {"auth_time": "today"},
            {"auth_time": None},
            {"auth_time": 0},
        ],
        ids=str,
    )
    async def test_invalid_claim_is_rejected(self, users: UsersContainer, change: dict[str, object]) -> None:
        await assert_rejected(users, signed(claims(await insert_account(users), **change)))

    async def test_token_of_a_machine_whose_clock_is_seconds_ahead_is_accepted(
        self, users: UsersContainer
    ) -> None:
        jake = await insert_account(users)
        ahead = {"iat": now() + timedelta(seconds=3), "nbf": now() + timedelta(seconds=3)}
        assert (await users.tokens().verify(signed(claims(jake, **ahead)))).user_id == jake.id
        await assert_rejected(users, signed(claims(jake, iat=now() + HOUR / 2, nbf=now() + HOUR / 2)))

    async def test_lowering_the_maximum_age_ends_older_sessions(self, users: UsersContainer) -> None:
        jake = await insert_account(users)
        token = signed(claims(jake, auth_time=int((now() - DAY).timestamp())))
        assert (await users.tokens().verify(token)).user_id == jake.id
        with pytest.raises(TokenInvalid):
            await tokens(users).verify(token)

    async def test_overlong_token_is_rejected(self, users: UsersContainer) -> None:
        await assert_rejected(users, signed(claims(await insert_account(users), more="x" * 1_000)))

    @pytest.mark.parametrize("garbage", ["", ".", "..", "x", "a.b.c", "ÿ.ÿ.ÿ", "e30.e30.e30", "." * 999])
    async def test_garbage_is_rejected(self, users: UsersContainer, garbage: str) -> None:
        await assert_rejected(users, garbage)


class TestSigningKeys:
    async def test_first_key_signs(self, users: UsersContainer) -> None:
        token = tokens(users, ANOTHER_SECRET, SECRET).issue(await insert_account(users))
        assert jwt.decode(token, ANOTHER_SECRET, algorithms=["HS256"], audience="conduit")

    async def test_previous_key_verifies(self, users: UsersContainer) -> None:
        jake = await insert_account(users)
        old_token = tokens(users, SECRET).issue(jake)
        assert (await tokens(users, ANOTHER_SECRET, SECRET).verify(old_token)).user_id == jake.id

    async def test_removed_key_does_not_verify(self, users: UsersContainer) -> None:
        old_token = tokens(users, SECRET).issue(await insert_account(users))
        with pytest.raises(TokenInvalid):
            await tokens(users, ANOTHER_SECRET).verify(old_token)

    async def test_expired_token_of_a_previous_key_is_rejected(self, users: UsersContainer) -> None:
        old_token = tokens(users, SECRET, issued_at=now() - HOUR).issue(await insert_account(users))
        with pytest.raises(TokenInvalid):
            await tokens(users, ANOTHER_SECRET, SECRET).verify(old_token)
