"""The blocklist of common passwords (NIST SP 800-63B, 5.1.1.2; ASVS 5.0 V6.2)."""

from pathlib import Path

import pytest

from conduit_app.settings import SettingsError, load_settings
from modules.users.container import UsersContainer
from modules.users.domain.account import AccountChanges, CommonPassword
from modules.users.domain.credentials import Credentials
from modules.users.domain.values import Password
from modules.users.infrastructure.blocklist import blocklist
from modules.users.infrastructure.settings import UsersSettings
from tests.users.accounts import insert_account, principal
from tests.users.fakes import FakeLoginThrottle, FakePasswords


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(FakePasswords(), FakeLoginThrottle(), blocklist("common"))


@pytest.mark.parametrize("password", ["password123", "PassWord123", "\uff50assword123"])
async def test_common_password_is_rejected_in_any_case_and_width(
    credentials: Credentials, password: str
) -> None:
    with pytest.raises(CommonPassword):
        await credentials.hash_new(Password(password))


async def test_password_that_contains_a_common_one_is_accepted(credentials: Credentials) -> None:
    await credentials.hash_new(Password("password123 and more"))


async def test_blocklist_is_empty_by_default(users: UsersContainer) -> None:
    jake = await insert_account(users)
    await users.accounts().update(principal(jake), AccountChanges(password=Password("password123")))


def test_blocklist_can_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "leaked.txt"
    file.write_text("Correct Horse\nbattery staple\n", encoding="utf-8")
    assert blocklist(str(file)) == {"correct horse", "battery staple"}


def test_built_in_list_has_only_passwords_that_are_otherwise_valid() -> None:
    for text in blocklist("common"):
        Password(text)


def test_built_in_list_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUIT_PASSWORD_BLOCKLIST", "common")
    assert load_settings(UsersSettings).password_blocklist == "common"


@pytest.mark.parametrize("content", [None, b"\xff"], ids=["missing", "not UTF-8"])
def test_unreadable_file_is_a_settings_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    file = tmp_path / "leaked.txt"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("CONDUIT_PASSWORD_BLOCKLIST", str(file))
    with pytest.raises(SettingsError, match="CONDUIT_PASSWORD_BLOCKLIST: must be `common` or a file"):
        load_settings(UsersSettings)
