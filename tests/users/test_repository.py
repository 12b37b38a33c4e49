"""The account repository, and the limits of the user directory's input."""

import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from modules.kernel.domain.identity import TokenInvalid, UserId
from modules.users.container import UsersContainer
from modules.users.domain.account import Account, AccountTaken, ValidSessions
from modules.users.domain.values import MAX_USERNAME_LENGTH
from modules.users.infrastructure import directory
from tests.users.accounts import delete_account, insert_account, stored_account

UNKNOWN_ID = UserId(1000)


class TestAdd:
    async def test_account_is_stored_as_typed(self, users: UsersContainer) -> None:
        jake = await insert_account(users, "Jake", "Jake@Example.com")
        assert (jake.username, jake.email, jake.password_hash) == ("Jake", "Jake@Example.com", "hash")
        assert (jake.bio, jake.image, jake.sessions.surviving_id) == (None, None, None)
        assert await stored_account(users, jake.id) == jake

    async def test_id_of_a_deleted_account_is_not_reused(self, users: UsersContainer) -> None:
        jake = await insert_account(users, "jake")
        await delete_account(users, jake.id)
        assert (await insert_account(users, "anna")).id != jake.id


async def test_id_of_a_deleted_account_raises_token_invalid(users: UsersContainer) -> None:
    with pytest.raises(TokenInvalid):
        await users.repository().by_id(UNKNOWN_ID)
    async with users.database().transaction():
        with pytest.raises(TokenInvalid):
            await users.repository().get_for_update(UNKNOWN_ID)
        with pytest.raises(TokenInvalid):
            await users.repository().get_for_deletion(UNKNOWN_ID)


async def test_revoking_all_sessions_gives_every_account_another_epoch(users: UsersContainer) -> None:
    before = [await insert_account(users, name) for name in ("jake", "anna")]
    await users.repository().revoke_all_sessions()
    after = [await stored_account(users, account.id) for account in before]
    epochs = {account.sessions.epoch for account in (*before, *after)}
    assert len(epochs) == 4
    assert {len(epoch) for epoch in epochs} == {32}


class TestSave:
    async def test_every_field_is_updated(self, users: UsersContainer) -> None:
        jake = await insert_account(users, "jake")
        sessions = ValidSessions("epoch", "laptop")
        changed = Account(
            jake.id, "Anna", "Anna@example.com", "I write.", "https://example.com/1", "new", sessions
        )
        await users.repository().save(changed)
        assert await stored_account(users, jake.id) == changed
        assert await users.repository().by_email("anna@example.com") == changed
        assert await users.directory().by_username({"jake"}) == {}

    async def test_other_accounts_are_unchanged(self, users: UsersContainer) -> None:
        anna = await insert_account(users, "anna")
        jake = await insert_account(users, "jake")
        await users.repository().save(replace(jake, bio="I write."))
        assert await stored_account(users, anna.id) == anna

    @pytest.mark.parametrize(
        ("change", "fields"),
        [
            ({"username": "ANNA"}, {"username"}),
            ({"email": "Anna@example.com"}, {"email"}),
            ({"username": "anna", "email": "anna@example.com"}, {"username", "email"}),
        ],
    )
    async def test_conflict_names_the_taken_fields_and_changes_nothing(
        self, users: UsersContainer, change: dict[str, Any], fields: Iterable[str]
    ) -> None:
        await insert_account(users, "anna")
        jake = await insert_account(users, "jake")
        with pytest.raises(AccountTaken) as error:
            await users.repository().save(replace(jake, **change))
        assert set(error.value.problems) == fields
        assert await stored_account(users, jake.id) == jake


class TestReplaceHash:
    async def test_hash_is_replaced_without_revoking_tokens(self, users: UsersContainer) -> None:
        jake = await insert_account(users, password_hash="old")
        await users.repository().replace_hash(jake.id, "old", "new")
        assert await stored_account(users, jake.id) == replace(jake, password_hash="new")

    async def test_concurrently_changed_password_is_not_overwritten(self, users: UsersContainer) -> None:
        jake = await insert_account(users, password_hash="changed")
        await users.repository().replace_hash(jake.id, "old", "new")
        assert await stored_account(users, jake.id) == jake


class TestDirectory:
    async def test_overlong_name_is_not_normalized(
        self, users: UsersContainer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        normalized: list[str] = []
        monkeypatch.setattr(directory, "username_key", normalized.append)
        assert await users.directory().by_username({"a" + "\u0315\u0300" * 20_000}) == {}
        assert normalized == []

    async def test_longest_name_is_found_in_decomposed_form(self, users: UsersContainer) -> None:
        longest = "\u1f82" * MAX_USERNAME_LENGTH
        account = await insert_account(users, longest, "jake@example.com")
        decomposed = unicodedata.normalize("NFD", longest)
        assert len(decomposed) == 4 * MAX_USERNAME_LENGTH
        by_username = await users.directory().by_username({decomposed})
        assert {name: user.id for name, user in by_username.items()} == {decomposed: account.id}
