"""Passwords that are guessed first may be refused (NIST SP 800-63B, 5.1.1.2; ASVS 5.0 V6.2)."""

from pathlib import Path

import pytest

from conduit_app.settings import SettingsError, load_settings
from modules.users.container import UsersContainer
from modules.users.domain.account import AccountChanges, CommonPassword
from modules.users.domain.credentials import Credentials
from modules.users.domain.values import Password
from modules.users.infrastructure.blocklist import blocklist
from modules.users.infrastructure.settings import UsersSettings
from tests.users.accounts import keep
from tests.users.fakes import FakeAttempts, FakePasswords


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(FakePasswords(), FakeAttempts(), blocklist("common"))


@pytest.mark.parametrize("password", ["password123", "PassWord123", "\uff50assword123"])
async def test_a_common_password_is_refused_in_whatever_case_or_width(
    credentials: Credentials, password: str
) -> None:
    with pytest.raises(CommonPassword):
        await credentials.hash_new(Password(password))


async def test_others_are_taken(credentials: Credentials) -> None:
    await credentials.hash_new(Password("password123 and more"))


async def test_none_is_refused_unless_that_is_set(users: UsersContainer) -> None:
    jake = await keep(users)
    await users.accounts().update(jake.id, AccountChanges(password=Password("password123")))


def test_a_list_of_ones_own_can_be_used(tmp_path: Path) -> None:
    file = tmp_path / "leaked.txt"
    file.write_text("Correct Horse\nbattery staple\n", encoding="utf-8")
    assert blocklist(str(file)) == {"correct horse", "battery staple"}


def test_every_password_of_the_list_that_comes_along_could_be_chosen() -> None:
    for text in blocklist("common"):
        Password(text)


@pytest.mark.parametrize("content", [None, b"\xff"], ids=["missing", "not UTF-8"])
def test_a_list_that_cannot_be_read_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    file = tmp_path / "leaked.txt"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("CONDUIT_PASSWORD_BLOCKLIST", str(file))
    with pytest.raises(SettingsError, match="CONDUIT_PASSWORD_BLOCKLIST: must be `common` or"):
        load_settings(UsersSettings)


def test_the_list_that_comes_along_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUIT_PASSWORD_BLOCKLIST", "common")
    assert load_settings(UsersSettings).password_blocklist == "common"
