"""The rules of accounts, without a database."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.identity import TokenInvalid, UserId
from modules.kernel.fakes import FakeClock, FakeEvents, FakeIdempotencyStore, FakeUnitOfWork
from modules.users.contracts import UserDeleted, UserRenamed
from modules.users.domain.account import (
    Account,
    AccountChanges,
    AccountTaken,
    InvalidCredentials,
    WrongPassword,
)
from modules.users.domain.credentials import Credentials
from modules.users.domain.service import AccountService, AuthenticatedAccount
from modules.users.domain.values import (
    RESERVED_USERNAMES,
    Bio,
    Email,
    Image,
    Password,
    SubmittedSecret,
    Username,
    username_key,
)
from tests.users.fakes import FakeAccounts, FakeAttempts, FakePasswords, FakeTokens

PASSWORD = "correct horse battery"
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=70)


def problem(make: type, text: str | None) -> str:
    """Return why this text makes no such value."""
    with pytest.raises(Invalid) as refusal:
        make(text)
    return refusal.value.problem


class TestUsername:
    def test_it_is_kept_as_typed_without_the_white_space_around_it(self) -> None:
        assert Username("  Jake ").text == "Jake"

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("jake", "JAKE"),
            ("straße", "STRASSE"),
            ("ΐ", "ΐ".upper()),
            ("e\u0301", "\u00e9"),  # typed on two keyboards
            ("jake", "\uff4a\uff41\uff4b\uff45"),  # in full width
        ],
    )
    def test_names_that_differ_in_case_or_in_encoding_only_are_the_same(self, one: str, other: str) -> None:
        assert Username(one).key == Username(other).key

    def test_other_names_are_not_the_same(self) -> None:
        assert Username("jake").key != Username("jane").key

    @pytest.mark.parametrize(
        "text", ["two words", "soft\u00adhyphen", "zero\u200bwidth", "right\u202eto-left"]
    )
    def test_it_has_nothing_invisible_in_it(self, text: str) -> None:
        assert problem(Username, text) == "must not contain white space or invisible characters"

    @pytest.mark.parametrize("text", ["a/b", "/", ".", ".."])
    def test_it_is_usable_in_a_path(self, text: str) -> None:
        assert problem(Username, text) == "must be usable in a URL path"

    @pytest.mark.parametrize("text", sorted(RESERVED_USERNAMES | {"Feed", "ADMIN", "\uff41pi"}))
    def test_it_is_no_word_of_the_routes_in_whatever_case(self, text: str) -> None:
        assert problem(Username, text) == "is a reserved word"

    def test_it_has_64_characters_at_the_most(self) -> None:
        assert Username("j" * 64).text == "j" * 64
        assert problem(Username, "j" * 65) == "is too long (at most 64 characters)"

    @given(ANY_TEXT)
    def test_one_that_exists_can_be_stored_and_put_into_a_url(self, text: str) -> None:
        try:
            username = Username(text)
        except Invalid:
            return
        assert username.text == username.text.strip() != ""
        assert not set(username.text) & set("/\0\r\n\t ")
        assert username.key not in RESERVED_USERNAMES
        username.text.encode()

    @given(st.text(st.characters(exclude_categories=["M"])))
    def test_it_is_found_in_another_case(self, text: str) -> None:
        assert username_key(text.lower()) == username_key(text.casefold()) == username_key(text)


class TestEmail:
    def test_it_is_kept_as_typed_without_the_white_space_around_it(self) -> None:
        assert Email(" Jake@Example.com ").text == "Jake@Example.com"

    def test_case_does_not_tell_addresses_apart(self) -> None:
        assert Email("Jake@Example.com").key == Email("jake@example.COM").key

    @pytest.mark.parametrize(
        "text", ["jake+tag@example.com", "jake@example.co.uk", "jøran@blåbærsyltetøy.no", "jake@conduit.test"]
    )
    def test_what_could_exist_is_accepted(self, text: str) -> None:
        assert Email(text).text == text

    @pytest.mark.parametrize(
        "text", ["jake", "@example.com", "jake@", "jake@example", "a b@example.com", "jake@@example.com"]
    )
    def test_what_cannot_exist_is_refused(self, text: str) -> None:
        assert problem(Email, text) == "is not a valid e-mail address"

    def test_it_cannot_be_blank(self) -> None:
        assert problem(Email, "  ") == "can't be blank"


class TestPassword:
    @pytest.mark.parametrize(
        "text", ["12345678", "aaaaaaaa", " spaces ", "пароль пароль", "🐉" * 8, "x" * 256]
    )
    def test_from_8_to_256_characters_of_anything_will_do(self, text: str) -> None:
        assert Password(text).text == text

    def test_a_shorter_or_longer_one_will_not(self) -> None:
        assert problem(Password, "1234567") == "is too short (at least 8 characters)"
        assert problem(Password, "x" * 257) == "is too long (at most 256 characters)"

    def test_white_space_only_is_blank(self) -> None:
        assert problem(Password, " " * 8) == "can't be blank"

    @pytest.mark.parametrize("kind", [Password, SubmittedSecret])
    def test_it_is_never_shown(self, kind: type) -> None:
        assert PASSWORD not in repr(kind(PASSWORD))
        assert PASSWORD not in str(kind(PASSWORD))


class TestPresented:
    @pytest.mark.parametrize("text", ["x", "not an address", "x" * 1_000])
    def test_whatever_somebody_types_is_tried(self, text: str) -> None:
        assert SubmittedSecret(text).text == text

    def test_the_longest_password_fits_with_its_accents_typed_apart(self) -> None:
        apart = unicodedata.normalize("NFD", "\u1f82" * 256)
        assert SubmittedSecret(apart).text == apart
        assert problem(SubmittedSecret, f"{apart}x") == "is too long (at most 1024 characters)"

    @pytest.mark.parametrize("text", ["", " \t"])
    def test_nothing_is_not(self, text: str) -> None:
        assert problem(SubmittedSecret, text) == "can't be blank"

    def test_what_cannot_be_stored_cannot_match(self) -> None:
        assert problem(SubmittedSecret, "a\0b") == "must not contain U+0000"


class TestBio:
    def test_it_is_kept_as_typed(self) -> None:
        assert Bio(" two\nlines ").text == " two\nlines "

    @pytest.mark.parametrize("text", [None, ""])
    def test_an_empty_one_is_none(self, text: str | None) -> None:
        assert Bio(text).text is None

    def test_it_has_an_end(self) -> None:
        assert problem(Bio, "x" * 10_001) == "is too long (at most 10000 characters)"


class TestImage:
    @pytest.mark.parametrize("text", ["https://example.com/jake.png", "HTTP://example.com/JAKE"])
    def test_it_is_the_address_of_a_picture_on_the_web(self, text: str) -> None:
        assert Image(f" {text} ").text == text

    @pytest.mark.parametrize("text", [None, "", "  "])
    def test_an_empty_one_is_none(self, text: str | None) -> None:
        assert Image(text).text is None

    @pytest.mark.parametrize(
        "text",
        ["javascript:alert(1)", "data:text/html,<b>", "ftp://example.com/jake", "jake.png", "//x/y.png"],
    )
    def test_what_a_browser_would_not_load_as_a_picture_is_refused(self, text: str) -> None:
        assert problem(Image, text).startswith("must be an http or https URL")

    def test_it_is_one_line_with_an_end(self) -> None:
        assert problem(Image, "https://example.com/\n1") == "must be one line, without control characters"
        assert problem(Image, "https://example.com/" + "x" * 2_000) == "is too long (at most 2000 characters)"


JAKE = Account(UserId(1), "jake", "jake@example.com", "I write.", "https://example.com/1", "hash", 3)


class TestAccount:
    def test_what_is_not_changed_stays(self) -> None:
        assert JAKE.with_changes(AccountChanges(), None) == JAKE

    def test_what_is_changed_is_changed(self) -> None:
        changes = AccountChanges(
            Username("anna"), Email("anna@example.com"), None, Bio("I read."), Image("https://example.com/2")
        )
        changed = JAKE.with_changes(changes, None)
        assert (changed.username, changed.email) == ("anna", "anna@example.com")
        assert (changed.bio, changed.image) == ("I read.", "https://example.com/2")

    def test_bio_and_image_can_be_removed(self) -> None:
        changed = JAKE.with_changes(AccountChanges(bio=Bio(None), image=Image("")), None)
        assert changed.bio is None
        assert changed.image is None

    def test_a_new_password_ends_older_tokens_and_nothing_else_does(self) -> None:
        assert JAKE.with_changes(AccountChanges(), "new hash").token_version == 4
        assert JAKE.with_changes(AccountChanges(username=Username("anna")), None).token_version == 3


def test_an_error_of_two_taken_fields_names_both() -> None:
    assert AccountTaken({"username", "email"}).problems == {
        "email": "has already been taken",
        "username": "has already been taken",
    }


class Scene:
    """The use cases on fakes."""

    def __init__(self) -> None:
        unit_of_work = FakeUnitOfWork()
        self.kept = FakeAccounts(unit_of_work)
        self.passwords = FakePasswords()
        self.events = FakeEvents(unit_of_work)
        self.attempts = FakeAttempts()
        credentials = Credentials(self.passwords, self.attempts)
        idempotency = FakeIdempotencyStore(unit_of_work, FakeClock())
        self.accounts = AccountService(
            unit_of_work, self.kept, credentials, FakeTokens(), self.events, idempotency
        )

    async def register(self, name: str = "jake", password: str = PASSWORD) -> AuthenticatedAccount:
        return await self.accounts.register(Username(name), Email(f"{name}@example.com"), Password(password))

    async def log_in(self, email: str = "jake@example.com", password: str = PASSWORD) -> AuthenticatedAccount:
        return await self.accounts.log_in(SubmittedSecret(email), SubmittedSecret(password), "192.0.2.7")


@pytest.fixture
def scene() -> Scene:
    return Scene()


class TestRegister:
    async def test_it_keeps_the_account_and_signs_its_owner_in(self, scene: Scene) -> None:
        signed_in = await scene.register("jake")
        assert scene.kept.kept == {signed_in.account.id: signed_in.account}
        assert signed_in.token == "user 1, version 0"

    async def test_it_keeps_a_hash_and_not_the_password(self, scene: Scene) -> None:
        assert (await scene.register(password="opensesame")).account.password_hash == "weak opensesame"

    async def test_a_name_or_address_that_is_taken_is_refused(self, scene: Scene) -> None:
        await scene.register("jake")
        with pytest.raises(AccountTaken) as refusal:
            await scene.register("JAKE")
        assert list(refusal.value.problems) == ["email", "username"]


class TestLogIn:
    async def test_address_and_password_together_open_an_account(self, scene: Scene) -> None:
        registered = await scene.register()
        assert (await scene.log_in()).account == registered.account

    async def test_an_unknown_address_and_a_wrong_password_cannot_be_told_apart(self, scene: Scene) -> None:
        await scene.register()
        with pytest.raises(InvalidCredentials) as unknown:
            await scene.log_in(email="nobody@example.com")
        with pytest.raises(InvalidCredentials) as wrong:
            await scene.log_in(password="wrong horse battery")
        assert unknown.value.problems == wrong.value.problems
        assert scene.passwords.verified == [None, f"weak {PASSWORD}"]

    async def test_an_attempt_counts_until_it_has_succeeded(self, scene: Scene) -> None:
        await scene.register()
        await scene.log_in()
        assert scene.attempts.failed == []
        with pytest.raises(InvalidCredentials):
            await scene.log_in(password="wrong horse battery")
        assert scene.attempts.failed == [("jake@example.com", "192.0.2.7")]

    async def test_a_hash_of_yesterdays_strength_is_made_anew(self, scene: Scene) -> None:
        registered = await scene.register()
        scene.passwords.strength = "strong"
        await scene.log_in()
        account = scene.kept.kept[registered.account.id]
        assert account.password_hash == f"strong {PASSWORD}"
        assert account.token_version == registered.account.token_version

    async def test_a_hash_of_todays_strength_stays(self, scene: Scene) -> None:
        registered = await scene.register()
        await scene.log_in()
        assert scene.kept.kept == {registered.account.id: registered.account}

    async def test_a_wrong_password_makes_no_hash_anew(self, scene: Scene) -> None:
        registered = await scene.register()
        scene.passwords.strength = "strong"
        with pytest.raises(InvalidCredentials):
            await scene.log_in(password="wrong horse battery")
        assert scene.kept.kept == {registered.account.id: registered.account}


class TestUpdate:
    async def test_what_changes_is_kept(self, scene: Scene) -> None:
        jake = (await scene.register()).account.id
        updated = await scene.accounts.update(jake, AccountChanges(bio=Bio("I write.")))
        assert updated.account.bio == "I write."
        assert scene.kept.kept[jake] == updated.account

    async def test_a_new_password_replaces_the_old_one_and_its_tokens(self, scene: Scene) -> None:
        jake = (await scene.register()).account.id
        updated = await scene.accounts.update(jake, AccountChanges(password=Password("a newer password")))
        assert updated.token == "user 1, version 1"
        assert (await scene.log_in(password="a newer password")).account == updated.account
        with pytest.raises(InvalidCredentials):
            await scene.log_in(password=PASSWORD)

    async def test_a_new_name_is_told_and_nothing_else_is(self, scene: Scene) -> None:
        jake = (await scene.register("jake")).account.id
        await scene.accounts.update(jake, AccountChanges(bio=Bio("I write."), username=Username("jake")))
        assert scene.events.published == []
        await scene.accounts.update(jake, AccountChanges(username=Username("jacob")))
        assert scene.events.published == [UserRenamed(jake)]

    async def test_ones_own_name_is_not_taken(self, scene: Scene) -> None:
        jake = (await scene.register("jake")).account.id
        updated = await scene.accounts.update(jake, AccountChanges(username=Username("Jake")))
        assert updated.account.username == "Jake"

    async def test_anothers_name_is(self, scene: Scene) -> None:
        await scene.register("anna")
        jake = (await scene.register("jake")).account.id
        with pytest.raises(AccountTaken):
            await scene.accounts.update(jake, AccountChanges(username=Username("ANNA")))


class TestDelete:
    async def test_the_account_goes_and_that_is_told(self, scene: Scene) -> None:
        jake = (await scene.register("jake")).account.id
        anna = (await scene.register("anna")).account.id
        await scene.accounts.delete(jake, SubmittedSecret(PASSWORD), "192.0.2.7")
        assert list(scene.kept.kept) == [anna]
        assert scene.events.published == [UserDeleted(jake)]

    async def test_who_does_not_know_the_password_may_not_and_it_counts(self, scene: Scene) -> None:
        jake = (await scene.register()).account.id
        with pytest.raises(WrongPassword):
            await scene.accounts.delete(jake, SubmittedSecret("wrong horse battery"), "192.0.2.7")
        assert list(scene.kept.kept) == [jake]
        assert scene.events.published == []
        assert scene.attempts.failed == [("jake@example.com", "192.0.2.7")]


class TestOwnData:
    async def test_it_is_the_account_without_what_proves_who_its_owner_is(self, scene: Scene) -> None:
        jake = (await scene.register()).account.id
        assert await scene.accounts.export_personal_data(jake) == {
            "username": "jake",
            "email": "jake@example.com",
            "bio": None,
            "image": None,
        }


class TestCurrent:
    async def test_it_is_ones_own_account_with_a_token(self, scene: Scene) -> None:
        registered = await scene.register()
        assert await scene.accounts.current(registered.account.id) == registered

    async def test_the_token_of_an_account_that_is_gone_is_no_good(self, scene: Scene) -> None:
        with pytest.raises(TokenInvalid):
            await scene.accounts.current(UserId(1000))
