import stat
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Barrier

import pytest

from conduit_app.application import compose_from_settings, create_application
from conduit_app.secret_key import signing_keys
from conduit_app.settings import Settings, SettingsError
from tests.client import Api

AT_ONCE = 8


def test_a_secret_is_generated_once_and_kept(folder: Path) -> None:
    [first] = signing_keys(Settings())
    [second] = signing_keys(Settings())
    assert first == second == (folder / "var" / "secret_key").read_text(encoding="ascii")
    assert len(first) >= 32


def test_each_folder_has_a_secret_of_its_own(folder: Path) -> None:
    [one] = signing_keys(Settings(), folder / "one")
    [other] = signing_keys(Settings(), folder / "other")
    assert one != other


def test_only_its_owner_may_read_the_file(folder: Path) -> None:
    signing_keys(Settings())
    mode = (folder / "var" / "secret_key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_no_draft_of_it_is_left_behind(folder: Path) -> None:
    signing_keys(Settings())
    assert [file.name for file in (folder / "var").iterdir()] == ["secret_key"]


def test_a_secret_that_is_set_is_used_and_none_is_generated(folder: Path) -> None:
    secret = "a secret that the operator has chosen"
    assert signing_keys(Settings(secret_key=secret)) == (secret,)
    assert list(folder.iterdir()) == []


def test_earlier_secrets_still_verify_and_never_sign(folder: Path) -> None:
    old, older = "the secret of last year, and no longer", "the secret of the year before last year"
    settings = Settings(previous_secret_keys=(old, older))
    assert signing_keys(settings)[1:] == (old, older)
    assert signing_keys(settings)[0] == (folder / "var" / "secret_key").read_text(encoding="ascii")


def test_threads_that_start_at_once_agree(folder: Path) -> None:
    together = Barrier(AT_ONCE)

    def start(_: int) -> tuple[str, ...]:
        together.wait()
        return signing_keys(Settings())

    for round_ in range(20):
        with ThreadPoolExecutor(AT_ONCE) as threads:
            assert len(set(threads.map(start, range(AT_ONCE)))) == 1
        (folder / "var" / "secret_key").rename(folder / f"{round_}")


class TestDamage:
    @pytest.mark.parametrize("held", [b"", b"too short to sign with", b"\xff" * 40])
    def test_a_file_without_a_sound_secret_is_refused(self, folder: Path, held: bytes) -> None:
        (folder / "var").mkdir()
        (folder / "var" / "secret_key").write_bytes(held)
        with pytest.raises(SettingsError) as caught:
            signing_keys(Settings())
        assert str(caught.value) == (
            "var/secret_key holds no secret of at least 32 bytes: remove it, and a new one is generated"
        )

    def test_a_place_that_cannot_be_written_to_is_told_with_the_way_out(self, folder: Path) -> None:
        (folder / "var").touch()
        with pytest.raises(SettingsError) as caught:
            signing_keys(Settings())
        assert str(caught.value) == (
            "cannot keep a secret in var/secret_key (File exists): "
            "make that possible, or set CONDUIT_SECRET_KEY"
        )


@asynccontextmanager
async def started(
    settings: Settings, secret: str | None = None, previous: tuple[str, ...] = ()
) -> AsyncIterator[Api]:
    """Start Conduit with this secret, or the one that it generates or finds, and stop it again."""
    changed = settings.model_copy(update={"secret_key": secret, "previous_secret_keys": previous})
    composition = compose_from_settings(changed)
    try:
        yield Api(create_application(changed, composition))
    finally:
        await composition.database.dispose()


async def test_tokens_outlive_a_restart(settings: Settings) -> None:
    async with started(settings) as conduit:
        token = await conduit.as_user("jake").token()
    async with started(settings) as conduit:
        answer = await conduit.get("/user", headers={"Authorization": f"Token {token}"})
    assert answer.status_code == 200
    assert answer.json()["user"]["username"] == "jake"


async def test_a_secret_is_changed_without_ending_tokens(settings: Settings) -> None:
    """NIST SP 800-57: keys are replaced; those who are logged in need not notice."""
    old, new = "the secret of last year, and no longer", "the secret of this year and the next one"
    async with started(settings, old) as conduit:
        token = {"Authorization": f"Token {await conduit.as_user('jake').token()}"}
    async with started(settings, new, (old,)) as conduit:
        renewed = await conduit.get("/user", headers=token)
    async with started(settings, new) as conduit:
        ended = await conduit.get("/user", headers=token)
        fresh = {"Authorization": f"Token {renewed.json()['user']['token']}"}
        lasting = await conduit.get("/user", headers=fresh)
    assert [answer.status_code for answer in (renewed, ended, lasting)] == [200, 401, 200]
