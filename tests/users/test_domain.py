"""Values, entity and use cases of accounts, without a database."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.identity import Session, TokenInvalid, UserId
from modules.kernel.fakes import FakeClock, FakeEvents, FakeIdempotencyStore, FakeUnitOfWork
from modules.users.contracts import UserDeleted, UserRenamed
from modules.users.domain.account import Account, AccountChanges, InvalidCredentials, ValidSessions
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
from tests.users.accounts import principal
from tests.users.fakes import (
    FakeAccounts,
    FakeLoginThrottle,
    FakePasswords,
    FakeRegistrationThrottle,
    FakeTokens,
)

PASSWORD = "correct horse battery"
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=70)


def problem(value_type: type, text: str | None) -> str:
    """Return the problem of the error that this text raises."""
    with pytest.raises(Invalid) as error:
        value_type(text)
    return error.value.problem


class TestUsername:
    def test_surrounding_white_space_is_trimmed(self) -> None:
        assert Username("  Jake ").text == "Jake"

    @pytest.mark.parametrize(
        ("name", "same"),
        [
            ("jake", "JAKE"),
            ("straße", "STRASSE"),
            ("ΐ", "ΐ".upper()),
            ("e\u0301", "\u00e9"),  # decomposed and composed
            ("jake", "\uff4a\uff41\uff4b\uff45"),  # full width
            ("stra\u1e9ee", "strasse"),
            ("\u2460", "1"),
        ],
    )
    def test_names_that_differ_in_case_or_encoding_have_the_same_key(self, name: str, same: str) -> None:
        assert Username(name).key == Username(same).key

    def test_different_names_have_different_keys(self) -> None:
        assert Username("jake").key != Username("jane").key

    @pytest.mark.parametrize(
        "text",
        [
            "two  spaces",
            "a\u00a0b",
            "soft\u00adhyphen",
            "zero\u200bwidth",
            "right\u202eto-left",
            "victim\ufe0f",
            "victim\u034f",
            "victim\u3164",
            "victim\U000e0100",
            "vic\u2800tim",
        ],
    )
    def test_white_space_and_invisible_characters_are_rejected(self, text: str) -> None:
        assert problem(Username, text) == (
            "must not contain white space other than single spaces, or invisible characters"
        )

    def test_single_spaces_inside_are_allowed(self) -> None:
        assert Username(" Anah Bene\u0161ov\u00e1 ").text == "Anah Bene\u0161ov\u00e1"
        assert Username("a b c").key == Username("A B C").key != Username("abc").key

    @pytest.mark.parametrize("text", ["a/b", "/", ".", ".."])
    def test_name_that_breaks_a_url_path_is_rejected(self, text: str) -> None:
        assert problem(Username, text) == "must be usable in a URL path"

    @pytest.mark.parametrize("text", sorted(RESERVED_USERNAMES | {"Feed", "ADMIN", "\uff41pi"}))
    def test_reserved_word_is_rejected_in_any_case_and_width(self, text: str) -> None:
        assert problem(Username, text) == "is a reserved word"

    def test_length_is_limited_to_64_characters(self) -> None:
        assert Username("j" * 64).text == "j" * 64
        assert problem(Username, "j" * 65) == "is too long (at most 64 characters)"

    @given(ANY_TEXT)
    def test_valid_name_can_be_stored_and_used_in_a_url(self, text: str) -> None:
        try:
            username = Username(text)
        except Invalid:
            return
        assert username.text == username.text.strip() != ""
        assert not set(username.text) & set("/\0\r\n\t")
        assert "  " not in username.text
        assert username.key
        assert username.key not in RESERVED_USERNAMES
        username.text.encode()

    @given(st.text(st.characters(exclude_categories=["M"])))
    def test_key_is_independent_of_case(self, text: str) -> None:
        assert username_key(text.lower()) == username_key(text.casefold()) == username_key(text)


class TestEmail:
    def test_surrounding_white_space_is_trimmed(self) -> None:
        assert Email(" Jake@Example.com ").text == "Jake@Example.com"

    def test_key_is_independent_of_case(self) -> None:
        assert Email("Jake@Example.com").key == Email("jake@example.COM").key

    @pytest.mark.parametrize(
        ("text", "same"),
        [
            ("jake@b\u00fccher.example.org", "jake@xn--bcher-kva.example.org"),
            ("jake@b\u00fccher.example.org", "jake@XN--BCHER-KVA.example.org"),
            ("jake@b\u00fccher.example.org", "jake@B\u00dcCHER.example.org"),
            ("jake@stra\u00dfe.example.org", "jake@xn--strae-oqa.example.org"),
            ("jake@\u4f8b\u3048\u3002jp", "jake@xn--r8jz45g.jp"),
            ("jake@example.com", "jake@\uff45xample.com"),
        ],
    )
    def test_domains_are_compared_as_a_labels(self, text: str, same: str) -> None:
        assert Email(text).key == Email(same).key

    @pytest.mark.parametrize(
        ("text", "other"),
        [
            # Two domains of two owners (RFC 5895, UTS #46).
            ("jake@stra\u00dfe.example.org", "jake@strasse.example.org"),
            ("jake@b\u00fccher.example.org", "jake@bucher.example.org"),
            ("j\u00e4ke@example.org", "jake@example.org"),
        ],
    )
    def test_other_domains_and_local_parts_are_other_addresses(self, text: str, other: str) -> None:
        assert Email(text).key != Email(other).key

    @pytest.mark.parametrize(
        "text", ["jake+tag@example.com", "jake@example.co.uk", "jøran@blåbærsyltetøy.no", "jake@conduit.test"]
    )
    def test_valid_address_is_accepted(self, text: str) -> None:
        assert Email(text).text == text

    @pytest.mark.parametrize(
        "text", ["jake", "@example.com", "jake@", "jake@example", "a b@example.com", "jake@@example.com"]
    )
    def test_malformed_address_is_rejected(self, text: str) -> None:
        assert problem(Email, text) == "is not a valid e-mail address"

    def test_blank_address_is_rejected(self) -> None:
        assert problem(Email, "  ") == "can't be blank"


class TestPassword:
    @pytest.mark.parametrize(
        "text", ["12345678", "aaaaaaaa", " spaces ", "пароль пароль", "🐉" * 8, "x" * 256]
    )
    def test_any_8_to_256_characters_are_accepted(self, text: str) -> None:
        assert Password(text).text == text

    def test_other_lengths_are_rejected(self) -> None:
        assert problem(Password, "1234567") == "is too short (at least 8 characters)"
        assert problem(Password, "x" * 257) == "is too long (at most 256 characters)"

    def test_blank_password_is_rejected(self) -> None:
        assert problem(Password, " " * 8) == "can't be blank"

    @pytest.mark.parametrize("value_type", [Password, SubmittedSecret])
    def test_representation_hides_the_password(self, value_type: type) -> None:
        assert PASSWORD not in repr(value_type(PASSWORD))
        assert PASSWORD not in str(value_type(PASSWORD))


class TestSubmittedSecret:
    @pytest.mark.parametrize("text", ["x", "not an address", "x" * 1_000])
    def test_rules_of_new_passwords_and_addresses_do_not_apply(self, text: str) -> None:
        assert SubmittedSecret(text).text == text

    def test_longest_password_fits_in_decomposed_form(self) -> None:
        decomposed = unicodedata.normalize("NFD", "\u1f82" * 256)
        assert SubmittedSecret(decomposed).text == decomposed
        assert problem(SubmittedSecret, f"{decomposed}x") == "is too long (at most 1024 characters)"

    @pytest.mark.parametrize("text", ["", " \t"])
    def test_blank_text_is_rejected(self, text: str) -> None:
        assert problem(SubmittedSecret, text) == "can't be blank"

    def test_null_character_is_rejected(self) -> None:
        assert problem(SubmittedSecret, "a\0b") == "must not contain U+0000"


class TestBio:
    def test_white_space_is_preserved(self) -> None:
        assert Bio(" two\nlines ").text == " two\nlines "

    @pytest.mark.parametrize("text", [None, ""])
    def test_empty_bio_is_none(self, text: str | None) -> None:
        assert Bio(text).text is None

    def test_length_is_limited(self) -> None:
        assert problem(Bio, "x" * 10_001) == "is too long (at most 10000 characters)"


class TestImage:
    # Results of the standard's algorithms: https://url.spec.whatwg.org/#url-parsing, and its test data,
    # https://github.com/web-platform-tests/wpt/blob/master/url/resources/urltestdata.json
    @pytest.mark.parametrize(
        ("text", "url"),
        [
            ("https://example.com/jake.png", "https://example.com/jake.png"),
            (" HTTP://EXAMPLE.com:80/JAKE ", "http://example.com/JAKE"),
            ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
            ("https:example.com/a\\b\t/./c/../d", "https://example.com/a/b/d"),
            ("https://example.com/a b?\"<c>'#`", "https://example.com/a%20b?%22%3Cc%3E%27#%60"),
            ('https://x/"onerror="alert(1)', "https://x/%22onerror=%22alert(1)"),
            ("https://x/'onerror='alert(1)", "https://x/%27onerror=%27alert(1)"),
            ("jake.png", "jake.png"),
            ("../jake.png?1#2", "../jake.png?1#2"),
            ("/images/jake.png", "/images/jake.png"),
            ('/images/"jake".png', "/images/%22jake%22.png"),
            ("//example.com/jake.png", "//example.com/jake.png"),
            ("\\\\example.com\\jake.png", "//example.com/jake.png"),
            ("./javascript:alert(1)", "./javascript:alert(1)"),
            ("data:image/png;base64,iVBORw0KGgo=", "data:image/png;base64,iVBORw0KGgo="),
            ("data:image/jpeg;base64,/9j/", "data:image/jpeg;base64,/9j/"),
            ("data:image/gif;base64,R0lGODlh", "data:image/gif;base64,R0lGODlh"),
            ("data:image/webp;base64,UklGRg==", "data:image/webp;base64,UklGRg=="),
            ("data:image/avif;base64,AAAA", "data:image/avif;base64,AAAA"),
            ('data:image/png,"onerror="x', "data:image/png,%22onerror=%22x"),
        ],
    )
    def test_safe_urls_are_serialized(self, text: str, url: str) -> None:
        assert Image(text).text == url

    @pytest.mark.parametrize(
        "text",
        [
            None,
            "",
            "  ",
            "javascript:alert(1)",
            "java\nscript:alert(1)",
            "\x01javascript:alert(1)",
            "vbscript:x",
            "data:text/html,<b>",
            "data:text/html;base64,PGI+",
            "data:image/svg+xml,<svg onload=alert(1)>",
            "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=",
            "data:image/pngx;base64,iVBORw0KGgo=",
            "blob:https://example.com/1",
            "file:///etc/passwd",
            "ftp://example.com/jake",
            "https://",
            "https://[",
            'https://x"onerror="alert(1)',
            "//x'y/",
            "/.//example.com",
        ],
    )
    def test_everything_else_is_none(self, text: str | None) -> None:
        assert Image(text).text is None

    @given(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(
            lambda text: text.replace("\0", "")
        )
    )
    @example("https://x/'")
    def test_a_url_ends_no_attribute_and_serializes_to_itself(self, text: str) -> None:
        for prefix in (
            "",
            "https://",
            "https://x/",
            "//",
            "/",
            "./",
            "data:image/png,",
            "data:image/png;base64,",
        ):
            url = Image(prefix + text).text
            if url is not None:
                assert not set(url) & set("\"'<>` \t\n\r")
                assert url.isascii()
                assert Image(url).text == url

    @pytest.mark.parametrize("prefix", ["https://example.com/", "data:image/png;base64,"])
    def test_length_is_limited(self, prefix: str) -> None:
        assert problem(Image, prefix + "A" * 2_000) == "is too long (at most 2000 characters)"

    def test_serialized_length_is_limited(self) -> None:
        assert problem(Image, "https://example.com/" + '"' * 1_000) == "is too long (at most 2000 characters)"


JAKE = Account(
    UserId(1), "jake", "jake@example.com", "I write.", "https://example.com/1", "hash", ValidSessions("1")
)
SESSION = Session("laptop", "1", 0)


class TestAccount:
    def test_absent_fields_are_unchanged(self) -> None:
        assert JAKE.with_changes(AccountChanges(), None, SESSION) == JAKE

    def test_present_fields_are_changed(self) -> None:
        changes = AccountChanges(
            Username("anna"), Email("anna@example.com"), None, Bio("I read."), Image("https://example.com/2")
        )
        changed = JAKE.with_changes(changes, None, SESSION)
        assert (changed.username, changed.email) == ("anna", "anna@example.com")
        assert (changed.bio, changed.image) == ("I read.", "https://example.com/2")

    def test_bio_and_image_can_be_cleared(self) -> None:
        changed = JAKE.with_changes(AccountChanges(bio=Bio(None), image=Image("")), None, SESSION)
        assert changed.bio is None
        assert changed.image is None

    def test_only_the_session_that_changes_the_password_stays_valid(self) -> None:
        other = Session("phone", "1", 0)
        renamed = JAKE.with_changes(AccountChanges(username=Username("anna")), None, SESSION)
        assert [renamed.sessions.include(session) for session in (SESSION, other)] == [True, True]
        changed = JAKE.with_changes(AccountChanges(), "new hash", SESSION)
        assert [changed.sessions.include(session) for session in (SESSION, other)] == [True, False]
        later = Session("phone", changed.sessions.epoch, 0)
        changed_again = changed.with_changes(AccountChanges(), "newer hash", later)
        assert [changed_again.sessions.include(session) for session in (SESSION, later)] == [False, True]

    def test_revoked_sessions_do_not_become_valid_again(self) -> None:
        revoked = JAKE.with_changes(AccountChanges(), "new hash", SESSION).with_sessions_revoked()
        assert not revoked.sessions.include(SESSION)


class Context:
    """The account service on fakes."""

    def __init__(self) -> None:
        unit_of_work = FakeUnitOfWork()
        self.accounts = FakeAccounts(unit_of_work)
        self.passwords = FakePasswords()
        self.events = FakeEvents(unit_of_work)
        self.login_throttle = FakeLoginThrottle()
        credentials = Credentials(self.passwords, self.login_throttle)
        idempotency = FakeIdempotencyStore(unit_of_work, FakeClock())
        self.service = AccountService(
            unit_of_work,
            self.accounts,
            credentials,
            FakeRegistrationThrottle(),
            FakeTokens(),
            self.events,
            idempotency,
        )

    async def register(self, name: str = "jake") -> AuthenticatedAccount:
        return await self.service.register(
            Username(name), Email(f"{name}@example.com"), Password(PASSWORD), "192.0.2.7"
        )

    async def log_in(self, password: str = PASSWORD) -> AuthenticatedAccount:
        email = SubmittedSecret("jake@example.com")
        return await self.service.log_in(email, SubmittedSecret(password), "192.0.2.7")


@pytest.fixture
def context() -> Context:
    return Context()


async def test_registration_stores_a_hash_and_returns_a_token(context: Context) -> None:
    registered = await context.register("jake")
    assert context.accounts.by_user_id == {registered.account.id: registered.account}
    assert registered.account.password_hash == f"weak {PASSWORD}"
    assert registered.token == "new session of user 1"


class TestLogIn:
    async def test_success_resets_the_login_throttle_and_failure_does_not(self, context: Context) -> None:
        await context.register()
        await context.log_in()
        assert context.login_throttle.failed == []
        with pytest.raises(InvalidCredentials):
            await context.log_in("wrong horse battery")
        assert context.login_throttle.failed == [("jake@example.com", "192.0.2.7")]

    async def test_outdated_hash_is_replaced_without_revoking_tokens(self, context: Context) -> None:
        registered = await context.register()
        context.passwords.strength = "strong"
        await context.log_in()
        account = context.accounts.by_user_id[registered.account.id]
        assert account.password_hash == f"strong {PASSWORD}"
        assert account.sessions == registered.account.sessions

    async def test_wrong_password_does_not_replace_the_hash(self, context: Context) -> None:
        registered = await context.register()
        context.passwords.strength = "strong"
        with pytest.raises(InvalidCredentials):
            await context.log_in("wrong horse battery")
        assert context.accounts.by_user_id == {registered.account.id: registered.account}


async def test_only_a_new_username_publishes_user_renamed(context: Context) -> None:
    jake = principal((await context.register("jake")).account)
    await context.service.update(jake, AccountChanges(bio=Bio("I write."), username=Username("jake")))
    assert context.events.published == []
    await context.service.update(jake, AccountChanges(username=Username("jacob")))
    assert context.events.published == [UserRenamed(jake.user_id)]


async def test_only_a_new_password_returns_another_token(context: Context) -> None:
    jake = principal((await context.register()).account)
    assert (await context.service.current(jake)).token == "the token that was sent"
    renamed = await context.service.update(jake, AccountChanges(username=Username("jacob")))
    assert renamed.token == "the token that was sent"
    changed = await context.service.update(jake, AccountChanges(password=Password("a newer password")))
    assert changed.token == "session laptop of user 1"


async def test_session_that_was_revoked_in_the_meantime_changes_nothing(context: Context) -> None:
    jake = principal((await context.register()).account)
    await context.service.log_out_everywhere(jake)
    stored = dict(context.accounts.by_user_id)
    for work in (
        context.service.update(jake, AccountChanges(username=Username("jacob"))),
        context.service.log_out_everywhere(jake),
        context.service.delete(jake, SubmittedSecret(PASSWORD), "192.0.2.7"),
    ):
        with pytest.raises(TokenInvalid):
            await work
    assert context.accounts.by_user_id == stored


async def test_password_changed_while_it_is_verified_prevents_the_deletion(context: Context) -> None:
    jake = principal((await context.register()).account)
    verify = context.passwords.verify

    async def change_and_verify(password_hash: str | None, password: SubmittedSecret) -> bool:
        await context.service.update(jake, AccountChanges(password=Password("a newer password")))
        return await verify(password_hash, password)

    context.passwords.verify = change_and_verify  # type: ignore[method-assign]
    with pytest.raises(TokenInvalid):
        await context.service.delete(jake, SubmittedSecret(PASSWORD), "192.0.2.7")
    assert list(context.accounts.by_user_id) == [jake.user_id]


async def test_deletion_publishes_user_deleted(context: Context) -> None:
    jake = principal((await context.register("jake")).account)
    anna = (await context.register("anna")).account.id
    await context.service.delete(jake, SubmittedSecret(PASSWORD), "192.0.2.7")
    assert list(context.accounts.by_user_id) == [anna]
    assert context.events.published == [UserDeleted(jake.user_id)]
