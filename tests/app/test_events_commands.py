"""`conduit events`, with a delivery that is dead because its handler fails."""

import os
import re
from collections.abc import AsyncIterator, Sequence
from importlib.metadata import EntryPoint

import anyio.to_thread
import pytest
from typer.testing import CliRunner, Result

from conduit_app import discovery
from conduit_app.application import compose_from_settings, create_application
from conduit_app.cli import main
from conduit_app.composition import Composition
from conduit_app.settings import Settings
from modules.kernel.infrastructure.messaging.outbox import DeliveryPolicy
from tests.app import failing_plugin
from tests.client import Api, Json
from tests.conftest import SECRET, AppInstance

MAX_ATTEMPTS = 2


@pytest.fixture
def installed(app_instance: AppInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the failing plugin, after the application that tests share was created."""
    assert app_instance.composition.messaging.outbox.subscriptions == []
    plugin = EntryPoint("failing", "tests.app.failing_plugin:MODULE", discovery.ENTRY_POINTS)
    monkeypatch.setattr(discovery, "entry_points", lambda group: [plugin] if group == plugin.group else [])


@pytest.fixture
async def failing(settings: Settings, installed: None) -> AsyncIterator[Composition]:  # noqa: ARG001 - before it
    """Return a composition with the failing plugin, with two attempts and no backoff."""
    composition = compose_from_settings(settings)
    composition.messaging.outbox.policy = DeliveryPolicy(
        max_attempts=MAX_ATTEMPTS, max_backoff=DeliveryPolicy().initial_backoff * 0
    )
    yield composition
    await composition.database.dispose()


@pytest.fixture
async def api(settings: Settings, failing: Composition) -> Api:
    """Return its API, after the delivery of a deleted article is dead."""
    api = Api(create_application(settings, failing))
    await api.as_user("jake").publish("Dragons")
    deleted = await api.as_user("jake").delete("/articles/dragons")
    assert deleted.status_code == 204
    await failing.messaging.dispatcher.drain()
    return api


async def call(settings: Settings, *arguments: str) -> Result:
    """Run `conduit events`."""
    environment = {
        "CONDUIT_DATABASE_URL": settings.database_url,
        "CONDUIT_SECRET_KEY": SECRET,
        # Standard error has what the command says.
        "CONDUIT_AUDIT_LOG": os.devnull,
    }
    run = CliRunner().invoke
    # In a thread: the command runs its own event loop.
    return await anyio.to_thread.run_sync(lambda: run(main, ["events", *arguments], env=environment))


async def outbox(api: Api) -> Json:
    """Return the backlog in the readiness response, which is always 200."""
    ready = await api.outside("GET", "/health/ready")
    assert ready.status_code == 200
    backlog: Json = ready.json()["events"]
    return backlog


async def test_requests_succeed_and_readiness_counts_dead_delivery(api: Api) -> None:
    assert (await api.get("/articles/dragons")).status_code == 404
    backlog = await outbox(api)
    assert (backlog["pending"], backlog["dead"], backlog["orphaned"]) == (0, 1, 0)


@pytest.mark.usefixtures("api")
async def test_dead_delivery_is_listed_with_its_error(settings: Settings) -> None:
    listed = await call(settings, "list", "--state", "dead")
    assert listed.exit_code == 0
    [line] = listed.stdout.splitlines()
    assert line.startswith("1  dead  ")
    assert line.endswith(
        "ArticlesDeleted (author_id 1) to failing, "
        "attempts 2, failed: LookupError: handler failed, articles (1,)"
    )
    pending = await call(settings, "list", "--state", "pending")
    assert (pending.exit_code, pending.stdout, pending.stderr) == (0, "", "no pending deliveries\n")


@pytest.mark.usefixtures("api")
async def test_delivery_is_shown_with_payload_and_traceback(settings: Settings) -> None:
    shown = (await call(settings, "show", "1")).stdout
    for row in (
        "state         dead",
        'payload       {"author_id":1,"article_ids":[1]}',
        "subscriber    failing",
        "next attempt  never",
        "Traceback (most recent call last):",
        "LookupError: handler failed, articles (1,)",
    ):
        assert row in shown.splitlines()


@pytest.mark.usefixtures("api")
async def test_unknown_delivery_is_reported(settings: Settings) -> None:
    missing = await call(settings, "show", "7")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert missing.stderr == "conduit: there is no delivery 7: it is already handled, or never existed\n"


async def test_retry_delivers_dead_delivery_once_the_handler_works(
    api: Api, settings: Settings, failing: Composition, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled: list[object] = []

    async def handle(event: object) -> None:
        handled.append(event)

    monkeypatch.setattr(failing_plugin, "handle", handle)
    await failing.messaging.dispatcher.drain()
    assert handled == []
    assert (await call(settings, "retry", "--dead")).stderr == "1 delivery scheduled\n"
    assert (await outbox(api))["pending"] == 1
    await failing.messaging.dispatcher.drain()
    assert len(handled) == 1
    assert (await call(settings, "list")).stderr == "no deliveries\n"


@pytest.mark.parametrize("command", ["retry", "purge"])
async def test_unknown_ids_are_an_error_and_nothing_is_changed(
    api: Api, settings: Settings, command: str
) -> None:
    result = await call(settings, command, "1", "7", "8")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == ("conduit: there is no delivery 7, 8: it is already handled, or never existed\n")
    assert (await outbox(api))["dead"] == 1


@pytest.mark.usefixtures("api")
async def test_orphaned_delivery_cannot_be_retried(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "entry_points", lambda group: [])  # noqa: ARG005 - called by name
    result = await call(settings, "retry", "1")
    assert (result.exit_code, result.stderr) == (
        1,
        "conduit: delivery 1 is not dead, incompatible or pending\n",
    )


async def test_purge_deletes_chosen_delivery(api: Api, settings: Settings) -> None:
    assert (await call(settings, "purge", "--orphaned")).stderr == "0 deliveries deleted\n"
    assert (await call(settings, "purge", "1")).stderr == "1 delivery deleted\n"
    assert (await outbox(api))["dead"] == 0


@pytest.mark.usefixtures("api")
async def test_delivery_without_installed_subscriber_is_orphaned(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "entry_points", lambda group: [])  # noqa: ARG005 - called by name
    assert (await call(settings, "list", "--state", "orphaned")).stdout.startswith("1  orphaned  ")
    assert (await call(settings, "retry", "--dead")).stderr == "0 deliveries scheduled\n"


@pytest.mark.parametrize("arguments", [["retry"], ["purge"], ["purge", "1", "--dead"]])
async def test_missing_or_ambiguous_choice_is_rejected(
    api: Api, settings: Settings, arguments: Sequence[str]
) -> None:
    result = await call(settings, *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("conduit: pass ids or an option of states, such as --dead")
    assert (await outbox(api))["dead"] == 1


async def test_database_that_is_not_migrated_is_reported_on_one_line(settings: Settings) -> None:
    empty = settings.model_copy(update={"database_url": "sqlite+aiosqlite:///empty.db"})
    result = await call(empty, "list")
    assert result.exit_code == 1
    assert result.stderr == ("conduit: the tables of kernel are not migrated; run: conduit migrate\n")


@pytest.mark.usefixtures("installed")
def test_modules_shows_after_commit_subscription() -> None:
    shown = CliRunner().invoke(main, ["modules"], env={"COLUMNS": "200"}).stdout
    assert re.search(r"^failing \S+ .* ArticlesDeleted after the commit ", shown, re.MULTILINE)


async def test_lag_of_each_subscriber_is_shown(api: Api, settings: Settings) -> None:
    result = await call(settings, "lag")
    assert (result.exit_code, result.stdout) == (0, "failing  0.0 s\n")
    metrics = (await api.outside("GET", "/metrics")).text.splitlines()
    assert 'conduit_outbox_lag_seconds{subscriber="failing"} 0.0' in metrics
    assert 'conduit_outbox_subscriber_paused{subscriber="failing"} 0.0' in metrics
