"""An event whose handler always fails: what callers notice of it, and what operators see and do."""

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

ATTEMPTS = 2


@pytest.fixture
def installed(app_instance: AppInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the alarm, after the application was made that others use, too."""
    assert app_instance.composition.messaging.outbox.subscriptions == []
    found = [EntryPoint("alarm", "tests.app.failing_plugin:MODULE", discovery.ENTRY_POINTS)]
    monkeypatch.setattr(discovery, "entry_points", lambda group: [one for one in found if one.group == group])


@pytest.fixture
async def alarmed(settings: Settings, installed: None) -> AsyncIterator[Composition]:  # noqa: ARG001 - before it
    """Return a Conduit with the alarm, which tries again at once, and not often."""
    composition = compose_from_settings(settings)
    composition.messaging.outbox.policy = DeliveryPolicy(
        attempts=ATTEMPTS, max_backoff=DeliveryPolicy().initial_backoff * 0
    )
    yield composition
    await composition.database.dispose()


@pytest.fixture
async def api(settings: Settings, alarmed: Composition) -> Api:
    """Return it as callers see it, after an article was deleted and the alarm has failed for good."""
    api = Api(create_application(settings, alarmed))
    await api.as_user("jake").publish("Dragons")
    deleted = await api.as_user("jake").delete("/articles/dragons")
    assert deleted.status_code == 204
    await alarmed.messaging.dispatcher.drain()
    return api


async def call(settings: Settings, *arguments: str) -> Result:
    """Call the program, as an operator does while Conduit serves."""
    environment = {"CONDUIT_DATABASE_URL": settings.database_url, "CONDUIT_SECRET_KEY": SECRET}
    run = CliRunner().invoke
    # In a thread, because it has an event loop of its own.
    return await anyio.to_thread.run_sync(lambda: run(main, ["events", *arguments], env=environment))


async def outbox(api: Api) -> Json:
    """Return what readiness says of the outbox; it is ready whatever that is."""
    ready = await api.outside("GET", "/health/ready")
    assert ready.status_code == 200
    told: Json = ready.json()["events"]
    return told


async def test_requests_go_on_and_readiness_counts_it(api: Api) -> None:
    assert (await api.get("/articles/dragons")).status_code == 404
    assert await outbox(api) == {"waiting": 0, "oldest_pending_seconds": 0, "dead": 1, "orphaned": 0}


@pytest.mark.usefixtures("api")
async def test_it_is_listed_with_why_it_failed(settings: Settings) -> None:
    listed = await call(settings, "list", "--state", "dead")
    assert listed.exit_code == 0
    [line] = listed.stdout.splitlines()
    assert line.startswith("1  dead  ")
    assert line.endswith(
        "ArticleDeleted (article_id 1) to alarm, attempts 2: LookupError: the alarm is broken, article 1"
    )
    assert (await call(settings, "list", "--state", "waiting")).stdout == ""


@pytest.mark.usefixtures("api")
async def test_all_of_it_is_shown(settings: Settings) -> None:
    shown = (await call(settings, "show", "1")).stdout
    for row in (
        "state         dead",
        'facts         {"article_id":1}',
        "subscriber    alarm",
        "next attempt  never",
        "Traceback (most recent call last):",
        "LookupError: the alarm is broken, article 1",
    ):
        assert row in shown.splitlines()


@pytest.mark.usefixtures("api")
async def test_one_that_is_not_there_is_told_so(settings: Settings) -> None:
    missing = await call(settings, "show", "7")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert missing.stderr == "conduit: there is no delivery 7: it is done, or there never was one\n"


async def test_once_the_handler_is_mended_it_is_delivered_on_command(
    api: Api, settings: Settings, alarmed: Composition, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[object] = []

    async def ring(event: object) -> None:
        rung.append(event)

    monkeypatch.setattr(failing_plugin, "ring", ring)
    await alarmed.messaging.dispatcher.drain()
    assert rung == []
    assert (await call(settings, "retry", "--dead")).stderr == "1 to be delivered\n"
    assert (await outbox(api))["waiting"] == 1
    await alarmed.messaging.dispatcher.drain()
    assert len(rung) == 1
    assert (await call(settings, "list")).stdout == ""


async def test_one_that_is_not_wanted_any_more_is_purged(api: Api, settings: Settings) -> None:
    assert (await call(settings, "purge", "--orphaned")).stderr == "0 forgotten\n"
    assert (await call(settings, "purge", "1")).stderr == "1 forgotten\n"
    assert (await outbox(api))["dead"] == 0


@pytest.mark.usefixtures("api")
async def test_without_its_subscriber_it_is_orphaned(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "entry_points", lambda group: [])  # noqa: ARG005 - called by name
    assert (await call(settings, "list", "--state", "orphaned")).stdout.startswith("1  orphaned  ")
    assert (await call(settings, "retry", "--dead")).stderr == "0 to be delivered\n"


@pytest.mark.parametrize("arguments", [["retry"], ["purge"], ["purge", "1", "--dead"]])
async def test_what_is_not_chosen_is_left_alone(
    api: Api, settings: Settings, arguments: Sequence[str]
) -> None:
    refused = await call(settings, *arguments)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("conduit: say which: either ids or an option")
    assert (await outbox(api))["dead"] == 1


async def test_a_database_that_is_not_migrated_is_told_in_one_line(settings: Settings) -> None:
    empty = settings.model_copy(update={"database_url": "sqlite+aiosqlite:///empty.db"})
    refused = await call(empty, "list")
    assert refused.exit_code == 1
    assert refused.stderr == (
        "conduit: the tables of kernel are not those of this version; run: conduit migrate\n"
    )


@pytest.mark.usefixtures("installed")
def test_who_is_told_after_the_commit_is_shown_with_the_modules() -> None:
    shown = CliRunner().invoke(main, ["modules"]).stdout
    assert "    handles   ArticleDeleted of articles after the commit\n" in shown
