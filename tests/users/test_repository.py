"""Accounts and the user directory on a real database."""

import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from modules.kernel.domain.errors import DomainError
from modules.kernel.domain.identity import TokenInvalid, UserId
from modules.users.container import UsersContainer
from modules.users.contracts import PublicUser
from modules.users.domain.account import Account, AccountTaken, NewAccount
from modules.users.domain.values import MAX_USERNAME_LENGTH, Email, Username
from modules.users.infrastructure import directory
from tests.users.accounts import forget, keep, kept

NOBODY = UserId(1000)


def new(name: str, email: str = "") -> NewAccount:
    return NewAccount(Username(name), Email(email or f"{name}@example.com"), "hash")


def public(account: Account) -> PublicUser:
    return PublicUser(account.id, account.username, account.bio, account.image)


def taken(error: pytest.ExceptionInfo[DomainError]) -> set[str]:
    return set(error.value.problems)


class TestAdd:
    async def test_what_is_kept_is_found_as_it_was_typed(self, users: UsersContainer) -> None:
        jake = await keep(users, "Jake", "Jake@Example.com")
        assert (jake.username, jake.email, jake.password_hash) == ("Jake", "Jake@Example.com", "hash")
        assert (jake.bio, jake.image, jake.token_version) == (None, None, 0)
        assert await kept(users, jake.id) == jake

    @pytest.mark.parametrize(
        ("name", "email", "fields"),
        [
            ("JAKE", "other@example.com", {"username"}),
            ("other", "JAKE@example.com", {"email"}),
            ("JAKE", "JAKE@example.com", {"username", "email"}),
        ],
    )
    async def test_what_is_taken_in_whatever_case_is_named(
        self, users: UsersContainer, name: str, email: str, fields: Iterable[str]
    ) -> None:
        await keep(users, "jake")
        with pytest.raises(AccountTaken) as refusal:
            await keep(users, name, email)
        assert taken(refusal) == fields

    async def test_name_and_address_may_be_taken_by_two_others(self, users: UsersContainer) -> None:
        await keep(users, "jake")
        await keep(users, "anna")
        with pytest.raises(AccountTaken) as refusal:
            await keep(users, "jake", "anna@example.com")
        assert taken(refusal) == {"username", "email"}

    async def test_an_id_is_never_given_twice(self, users: UsersContainer) -> None:
        jake = await keep(users, "jake")
        await forget(users, jake.id)
        assert (await keep(users, "anna")).id != jake.id


class TestFind:
    async def test_an_address_is_found_in_whatever_case(self, users: UsersContainer) -> None:
        jake = await keep(users, "jake", "Jake@Example.com")
        assert await users.repository().by_email(" jake@EXAMPLE.com") == jake
        assert await users.repository().by_email("jane@example.com") is None

    async def test_an_account_that_is_gone_invalidates_whatever_led_to_it(
        self, users: UsersContainer
    ) -> None:
        with pytest.raises(TokenInvalid):
            await users.repository().by_id(NOBODY)
        async with users.database().transaction():
            with pytest.raises(TokenInvalid):
                await users.repository().get_for_update(NOBODY)


class TestSave:
    async def test_every_field_is_kept(self, users: UsersContainer) -> None:
        jake = await keep(users, "jake")
        changed = Account(jake.id, "Anna", "Anna@example.com", "I write.", "https://example.com/1", "new", 1)
        await users.repository().save(changed)
        assert await kept(users, jake.id) == changed
        assert await users.repository().by_email("anna@example.com") == changed
        assert await users.directory().by_username({"jake"}) == {}

    async def test_nobody_else_is_changed(self, users: UsersContainer) -> None:
        anna = await keep(users, "anna")
        jake = await keep(users, "jake")
        await users.repository().save(replace(jake, bio="I write."))
        assert await kept(users, anna.id) == anna

    async def test_ones_own_name_in_another_case_is_not_taken(self, users: UsersContainer) -> None:
        jake = await keep(users, "jake")
        await users.repository().save(replace(jake, username="JAKE"))
        assert (await kept(users, jake.id)).username == "JAKE"

    @pytest.mark.parametrize(
        ("change", "fields"),
        [
            ({"username": "ANNA"}, {"username"}),
            ({"email": "Anna@example.com"}, {"email"}),
            ({"username": "anna", "email": "anna@example.com"}, {"username", "email"}),
        ],
    )
    async def test_anothers_is_named_and_nothing_is_changed(
        self, users: UsersContainer, change: dict[str, Any], fields: Iterable[str]
    ) -> None:
        await keep(users, "anna")
        jake = await keep(users, "jake")
        with pytest.raises(AccountTaken) as refusal:
            await users.repository().save(replace(jake, **change))
        assert taken(refusal) == fields
        assert await kept(users, jake.id) == jake


class TestReplaceHash:
    async def test_the_hash_is_another_and_tokens_stay_good(self, users: UsersContainer) -> None:
        jake = await keep(users, password_hash="old")
        await users.repository().replace_hash(jake.id, "old", "new")
        assert await kept(users, jake.id) == replace(jake, password_hash="new")

    async def test_a_password_that_was_changed_meanwhile_stays(self, users: UsersContainer) -> None:
        jake = await keep(users, password_hash="changed")
        await users.repository().replace_hash(jake.id, "old", "new")
        assert await kept(users, jake.id) == jake


class TestDirectory:
    async def test_users_are_found_by_id(self, users: UsersContainer) -> None:
        jake, anna = await keep(users, "jake"), await keep(users, "anna")
        found = await users.directory().users({jake.id, anna.id, NOBODY})
        assert found == {jake.id: public(jake), anna.id: public(anna)}

    async def test_users_are_found_by_name_as_it_was_asked_for(self, users: UsersContainer) -> None:
        jake = await keep(users, "Jake")
        found = await users.directory().by_username({"JAKE", "jake", "nobody"})
        assert found == {"JAKE": public(jake), "jake": public(jake)}

    async def test_asked_for_nobody_it_finds_nobody(self, users: UsersContainer) -> None:
        await keep(users)
        assert await users.directory().users(()) == {}
        assert await users.directory().by_username(()) == {}

    async def test_a_name_longer_than_any_is_not_even_compared(
        self, users: UsersContainer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compared: list[str] = []
        monkeypatch.setattr(directory, "username_key", compared.append)
        assert await users.directory().by_username({"a" + "\u0315\u0300" * 20_000}) == {}
        assert compared == []

    async def test_the_longest_name_is_found_with_its_accents_typed_apart(
        self, users: UsersContainer
    ) -> None:
        longest = "\u1f82" * MAX_USERNAME_LENGTH
        account = await keep(users, longest, "jake@example.com")
        apart = unicodedata.normalize("NFD", longest)
        assert len(apart) == 4 * MAX_USERNAME_LENGTH
        assert await users.directory().by_username({apart}) == {apart: public(account)}
