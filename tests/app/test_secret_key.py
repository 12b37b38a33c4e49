"""The generated secret key, and the rotation of keys."""

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

CONCURRENCY = 8


def test_key_is_generated_once_and_stored(folder: Path) -> None:
    [first] = signing_keys(Settings())
    [second] = signing_keys(Settings())
    assert first == second == (folder / "var" / "secret_key").read_text(encoding="ascii")
    assert len(first) >= 32


def test_each_folder_has_its_own_key(folder: Path) -> None:
    [first] = signing_keys(Settings(), folder / "first")
    [second] = signing_keys(Settings(), folder / "second")
    assert first != second


def test_file_is_readable_by_its_owner_only(folder: Path) -> None:
    signing_keys(Settings())
    mode = (folder / "var" / "secret_key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_no_temporary_file_remains(folder: Path) -> None:
    signing_keys(Settings())
    assert [file.name for file in (folder / "var").iterdir()] == ["secret_key"]


def test_configured_key_is_used_and_none_generated(folder: Path) -> None:
    secret = "a secret that the operator has chosen"
    assert signing_keys(Settings(secret_key=secret)) == (secret,)
    assert list(folder.iterdir()) == []


def test_previous_keys_verify_but_do_not_sign(folder: Path) -> None:
    old, older = "the secret of last year, and no longer", "the secret of the year before last year"
    settings = Settings(previous_secret_keys=(old, older))
    assert signing_keys(settings)[1:] == (old, older)
    assert signing_keys(settings)[0] == (folder / "var" / "secret_key").read_text(encoding="ascii")


def test_concurrent_threads_use_the_same_key(folder: Path) -> None:
    barrier = Barrier(CONCURRENCY)

    def start(_: int) -> tuple[str, ...]:
        barrier.wait()
        return signing_keys(Settings())

    for round_ in range(20):
        with ThreadPoolExecutor(CONCURRENCY) as threads:
            assert len(set(threads.map(start, range(CONCURRENCY)))) == 1
        (folder / "var" / "secret_key").rename(folder / f"{round_}")


class TestInvalidFile:
    @pytest.mark.parametrize("content", [b"", b"too short to sign with", b"\xff" * 40])
    def test_file_without_valid_key_is_rejected(self, folder: Path, content: bytes) -> None:
        (folder / "var").mkdir()
        (folder / "var" / "secret_key").write_bytes(content)
        with pytest.raises(SettingsError) as caught:
            signing_keys(Settings())
        assert str(caught.value) == (
            "var/secret_key contains no secret key of at least 32 bytes: remove it to generate a new one"
        )

    def test_unwritable_folder_is_reported_with_a_solution(self, folder: Path) -> None:
        (folder / "var").touch()
        with pytest.raises(SettingsError) as caught:
            signing_keys(Settings())
        assert str(caught.value) == (
            "cannot store a secret key in var/secret_key (File exists): set CONDUIT_SECRET_KEY"
        )


@asynccontextmanager
async def started(
    settings: Settings, secret: str | None = None, previous: tuple[str, ...] = ()
) -> AsyncIterator[Api]:
    """Return the API of an application with this key, by default with the generated one."""
    changed = settings.model_copy(update={"secret_key": secret, "previous_secret_keys": previous})
    composition = compose_from_settings(changed)
    try:
        yield Api(create_application(changed, composition))
    finally:
        await composition.database.dispose()


async def test_token_survives_a_restart(settings: Settings) -> None:
    async with started(settings) as conduit:
        token = await conduit.as_user("jake").token()
    async with started(settings) as conduit:
        response = await conduit.get("/user", headers={"Authorization": f"Token {token}"})
    assert response.status_code == 200
    assert response.json()["user"]["username"] == "jake"


async def test_token_survives_key_rotation_while_previous_key_is_accepted(settings: Settings) -> None:
    """NIST SP 800-57: keys are rotated; sessions continue."""
    old, new = "the secret of last year, and no longer", "the secret of this year and the next one"
    async with started(settings, old) as conduit:
        token = {"Authorization": f"Token {await conduit.as_user('jake').token()}"}
    async with started(settings, new, (old,)) as conduit:
        accepted = await conduit.get("/user", headers=token)
        change = {"user": {"password": "a newer password"}}
        changed = await conduit.put("/user", change, headers=token)
    async with started(settings, new) as conduit:
        rejected = await conduit.get("/user", headers=token)
        fresh = {"Authorization": f"Token {changed.json()['user']['token']}"}
        continued = await conduit.get("/user", headers=fresh)
    statuses = [response.status_code for response in (accepted, changed, rejected, continued)]
    assert statuses == [200, 200, 401, 200]
