"""Tokens: JWTs signed with HS256, good until they expire or their account ends them."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import jwt
import pytest

from modules.kernel.domain.clock import SystemClock
from modules.kernel.domain.identity import TokenInvalid
from modules.kernel.fakes import FakeClock
from modules.users.container import UsersContainer
from modules.users.domain.account import Account, AccountChanges
from modules.users.domain.values import Password, Username
from modules.users.infrastructure.tokens import JwtTokens
from tests.conftest import SECRET
from tests.users.accounts import forget, keep

ANOTHER_SECRET = "a secret of somebody else, as long as ours"
HOUR = timedelta(hours=1)


def now() -> datetime:
    return SystemClock().now()


def claims(account: Account, **changes: object) -> dict[str, object]:
    """Return the claims of a good token, but for these changes."""
    return {
        "iss": "conduit",
        "aud": "conduit",
        "sub": str(account.id),
        "iat": now(),
        "nbf": now(),
        "exp": now() + HOUR,
        "version": account.token_version,
        **changes,
    }


def signed(
    payload: Mapping[str, object], key: str = SECRET, algorithm: str = "HS256", kind: str = "conduit+jwt"
) -> str:
    return jwt.encode(dict(payload), key, algorithm, {"typ": kind})


def tokens(users: UsersContainer, *keys: str, issued_at: datetime | None = None) -> JwtTokens:
    """Return tokens as a Conduit with these keys has them, whose clock may be elsewhere."""
    return JwtTokens(users.database(), FakeClock(issued_at or now()), keys or (SECRET,), HOUR)


async def assert_refused(users: UsersContainer, token: str) -> None:
    with pytest.raises(TokenInvalid):
        await users.tokens().verify(token)


class TestIssue:
    async def test_a_token_is_its_owners(self, users: UsersContainer) -> None:
        jake, anna = await keep(users, "jake"), await keep(users, "anna")
        assert (await users.tokens().verify(users.tokens().issue(jake))).user_id == jake.id
        assert (await users.tokens().verify(users.tokens().issue(anna))).user_id == anna.id

    async def test_it_says_who_issued_it_to_whom_when_and_until_when(self, users: UsersContainer) -> None:
        jake = await keep(users)
        issued_at = now().replace(microsecond=0)
        token = tokens(users, issued_at=issued_at).issue(jake)
        assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "conduit+jwt"}
        assert jwt.decode(token, options={"verify_signature": False}) == {
            "iss": "conduit",
            "aud": "conduit",
            "sub": str(jake.id),
            "iat": issued_at.timestamp(),
            "nbf": issued_at.timestamp(),
            "exp": (issued_at + HOUR).timestamp(),
            "version": 0,
        }

    async def test_whoever_verifies_it_learns_how_long_it_is_good(self, users: UsersContainer) -> None:
        token = tokens(users, issued_at=now()).issue(await keep(users))
        said = jwt.decode(token, options={"verify_signature": False})
        assert (await users.tokens().verify(token)).expires_at == said["exp"]

    async def test_its_lifetime_is_a_setting_of_two_weeks(self, users: UsersContainer) -> None:
        token = users.tokens().issue(await keep(users))
        said = jwt.decode(token, options={"verify_signature": False})
        assert said["exp"] - said["iat"] == timedelta(days=14).total_seconds()


class TestVerify:
    async def test_what_the_other_tests_change_is_good_without_the_change(
        self, users: UsersContainer
    ) -> None:
        jake = await keep(users)
        assert (await users.tokens().verify(signed(claims(jake)))).user_id == jake.id

    async def test_an_unsigned_token_is_refused(self, users: UsersContainer) -> None:
        await assert_refused(users, signed(claims(await keep(users)), key="", algorithm="none"))

    @pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
    @pytest.mark.filterwarnings("ignore:The HMAC key:jwt.InsecureKeyLengthWarning")
    async def test_another_algorithm_is_refused_with_the_right_key(
        self, users: UsersContainer, algorithm: str
    ) -> None:
        await assert_refused(users, signed(claims(await keep(users)), algorithm=algorithm))

    async def test_another_key_is_refused(self, users: UsersContainer) -> None:
        await assert_refused(users, signed(claims(await keep(users)), key=ANOTHER_SECRET))

    async def test_claims_under_the_signature_of_others_are_refused(self, users: UsersContainer) -> None:
        jake, anna = await keep(users, "jake"), await keep(users, "anna")
        header, _, signature = signed(claims(jake)).split(".")
        _, payload, _ = signed(claims(anna)).split(".")
        await assert_refused(users, f"{header}.{payload}.{signature}")

    async def test_an_expired_token_is_refused(self, users: UsersContainer) -> None:
        jake = await keep(users)
        await assert_refused(users, tokens(users, issued_at=now() - HOUR).issue(jake))

    async def test_a_token_that_was_good_is_refused_once_it_has_expired(self, users: UsersContainer) -> None:
        clock = FakeClock(now())
        tokens = JwtTokens(users.database(), clock, (SECRET,), HOUR)
        token = tokens.issue(await keep(users))
        await tokens.verify(token)
        clock.at += HOUR
        with pytest.raises(TokenInvalid):
            await tokens.verify(token)

    async def test_a_token_from_the_future_is_refused(self, users: UsersContainer) -> None:
        await assert_refused(users, tokens(users, issued_at=now() + HOUR).issue(await keep(users)))

    @pytest.mark.parametrize("claim", ["iss", "aud", "sub", "iat", "nbf", "exp", "version"])
    async def test_a_token_that_leaves_something_out_is_refused(
        self, users: UsersContainer, claim: str
    ) -> None:
        said = claims(await keep(users))
        del said[claim]
        await assert_refused(users, signed(said))

    @pytest.mark.parametrize(
        "change",
        [
            {"iss": "somebody else"},
            {"aud": "somebody else"},
            {"nbf": 4_102_444_800},
            {"nbf": "soon"},
            {"sub": "1000"},
            {"sub": "jake"},
            {"sub": ""},
            {"sub": "9" * 30},
            {"exp": "never"},
            {"iat": "always"},
            {"version": 1},
            {"version": "0"},
            {"version": None},
        ],
        ids=str,
    )
    async def test_a_token_that_says_something_else_is_refused(
        self, users: UsersContainer, change: dict[str, object]
    ) -> None:
        await assert_refused(users, signed(claims(await keep(users), **change)))

    @pytest.mark.parametrize("kind", ["JWT", "at+jwt", ""])
    async def test_what_is_signed_for_another_purpose_is_refused(
        self, users: UsersContainer, kind: str
    ) -> None:
        """RFC 8725, 3.11 and 3.12: kinds of JWTs under one key are told apart by their type."""
        await assert_refused(users, signed(claims(await keep(users)), kind=kind))

    async def test_a_token_longer_than_any_of_ours_is_refused(self, users: UsersContainer) -> None:
        await assert_refused(users, signed(claims(await keep(users), more="x" * 1_000)))

    @pytest.mark.parametrize("garbage", ["", ".", "..", "x", "a.b.c", "ÿ.ÿ.ÿ", "e30.e30.e30", "." * 999])
    async def test_garbage_is_refused(self, users: UsersContainer, garbage: str) -> None:
        await assert_refused(users, garbage)


class TestEndOfATokensLife:
    async def test_the_token_of_a_user_who_is_gone_is_refused(self, users: UsersContainer) -> None:
        jake = await keep(users)
        token = users.tokens().issue(jake)
        await forget(users, jake.id)
        await assert_refused(users, token)

    async def test_a_new_password_ends_older_tokens(self, users: UsersContainer) -> None:
        jake = await keep(users)
        token = users.tokens().issue(jake)
        changes = AccountChanges(password=Password("a newer password"))
        signed_in = await users.accounts().update(jake.id, changes)
        await assert_refused(users, token)
        assert (await users.tokens().verify(signed_in.token)).user_id == jake.id

    async def test_logging_out_everywhere_ends_older_tokens(self, users: UsersContainer) -> None:
        jake, anna = await keep(users, "jake"), await keep(users, "anna")
        tokens = [users.tokens().issue(jake), users.tokens().issue(jake)]
        annas = users.tokens().issue(anna)
        await users.accounts().log_out_everywhere(jake.id)
        for token in tokens:
            await assert_refused(users, token)
        assert (await users.tokens().verify(annas)).user_id == anna.id

    async def test_a_new_name_does_not(self, users: UsersContainer) -> None:
        jake = await keep(users)
        token = users.tokens().issue(jake)
        await users.accounts().update(jake.id, AccountChanges(username=Username("anna")))
        assert (await users.tokens().verify(token)).user_id == jake.id


class TestSeveralKeys:
    async def test_the_first_one_signs(self, users: UsersContainer) -> None:
        token = tokens(users, ANOTHER_SECRET, SECRET).issue(await keep(users))
        assert jwt.decode(token, ANOTHER_SECRET, algorithms=["HS256"], audience="conduit")

    async def test_a_later_one_still_verifies(self, users: UsersContainer) -> None:
        jake = await keep(users)
        old_token = tokens(users, SECRET).issue(jake)
        assert (await tokens(users, ANOTHER_SECRET, SECRET).verify(old_token)).user_id == jake.id

    async def test_one_that_was_dropped_does_not(self, users: UsersContainer) -> None:
        old_token = tokens(users, SECRET).issue(await keep(users))
        with pytest.raises(TokenInvalid):
            await tokens(users, ANOTHER_SECRET).verify(old_token)

    async def test_an_expired_token_is_refused_whichever_signed_it(self, users: UsersContainer) -> None:
        old_token = tokens(users, SECRET, issued_at=now() - HOUR).issue(await keep(users))
        with pytest.raises(TokenInvalid):
            await tokens(users, ANOTHER_SECRET, SECRET).verify(old_token)
