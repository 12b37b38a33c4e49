"""The commands for accounts, articles and comments, and the audit trail."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio.to_thread
import pytest
from typer.testing import CliRunner, Result

from conduit_app.application import create_application
from conduit_app.cli import main
from conduit_app.commands.doctor import find_differences
from conduit_app.composition import Composition
from conduit_app.discovery import discover
from conduit_app.observability.audit_log import AuditFile
from conduit_app.settings import Settings
from modules.users.infrastructure.accounts import SqlAccounts
from tests.app.command_tree import commands
from tests.client import PASSWORD, Api
from tests.conftest import SECRET

DISABLED = {"errors": {"account": ["is disabled"]}}
# Commands of Conduit itself that are in the audit trail, and arguments.
CHANGING = {
    "after-restore": [],
    "backup": ["/nowhere/backup.db"],
    "doctor": ["--repair"],
    "events purge": ["7"],
    "events retry": ["--dead"],
    "jobs run": ["users/nothing"],
    "maintenance off": [],
    "maintenance on": ["--retry-after", "7"],
    "restore": ["/nowhere/backup.db"],
}
# Those that only read, and those of development and deployment.
UNRECORDED = {
    *("config", "modules", "openapi", "catalog"),
    *("events list", "events lag", "events show", "jobs list", "maintenance status"),
    *("serve", "migrate", "demo"),
    *("check", "affected", "new-module", "new-migration"),
}
ANNA = {"email": "anna@example.com", "password": PASSWORD}
WRONG = {**ANNA, "password": "not my pass phrase"}


async def conduit(settings: Settings, *arguments: str, **others: str) -> Result:
    """Run a command on the database of the settings."""
    environment = {
        "CONDUIT_DATABASE_URL": settings.database_url,
        "CONDUIT_SECRET_KEY": SECRET,
        "CONDUIT_LOG_LEVEL": "error",
        **others,
    }
    run = CliRunner().invoke
    # In a thread: the command runs its own event loop.
    return await anyio.to_thread.run_sync(lambda: run(main, arguments, env=environment))


async def done(settings: Settings, *arguments: str) -> str:
    """Run a command that succeeds, and return what it prints."""
    result = await conduit(settings, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


async def log_in(api: Api, password: str = PASSWORD) -> int:
    """Log in as anna, and return the status of the response."""
    user = {"user": {**ANNA, "password": password}}
    return (await api.post("/users/login", user)).status_code


class TestDisabledAccount:
    async def test_it_reads_as_nobody_and_writes_nothing(self, settings: Settings, api: Api) -> None:
        anna = api.as_user("anna")
        article = await anna.publish("Dragons")
        assert "disabled anna" in await done(settings, "users", "disable", "ANNA")
        assert (await api.get("/articles/dragons")).json()["article"]["author"]["username"] == "anna"
        assert (await anna.get("/articles/dragons")).status_code == 200
        for method, path, body in (
            ("POST", "/articles", {"article": {"title": "t", "description": "d", "body": "b"}}),
            ("POST", f"/articles/{article['slug']}/favorite", None),
            ("DELETE", f"/articles/{article['slug']}", None),
            ("PUT", "/user", {"user": {"bio": "b"}}),
            ("POST", "/user/logout-all", None),
            ("DELETE", "/user", {"user": {"password": PASSWORD}}),
            ("GET", "/user", None),
        ):
            response = await anna.request(method, path, json=body)
            assert (response.status_code, response.json()) == (403, DISABLED), path

    async def test_only_its_owner_learns_that_it_is_disabled(self, settings: Settings, api: Api) -> None:
        await api.as_user("anna").token()
        await done(settings, "users", "disable", "anna@example.com")
        response = await api.post("/users/login", {"user": ANNA})
        assert (response.status_code, response.json()) == (403, DISABLED)
        assert (await api.post("/users/login", {"user": WRONG})).status_code == 401

    async def test_enabled_account_must_log_in_again(self, settings: Settings, api: Api) -> None:
        anna = api.as_user("anna")
        await anna.token()
        await done(settings, "users", "disable", "anna")
        await done(settings, "users", "enable", "anna")
        assert (await anna.get("/user")).status_code == 401
        assert await log_in(api) == 200


async def test_new_password_is_printed_and_ends_sessions(settings: Settings, api: Api) -> None:
    anna = api.as_user("anna")
    await anna.token()
    password = (await done(settings, "users", "set-password", "anna")).splitlines()[0]
    assert (await anna.get("/user")).status_code == 401
    assert (await log_in(api), await log_in(api, password)) == (401, 200)


async def test_revoked_sessions_end(settings: Settings, api: Api) -> None:
    anna = api.as_user("anna")
    await anna.token()
    await done(settings, "users", "revoke-sessions", "anna")
    assert (await anna.get("/user")).status_code == 401
    assert await log_in(api) == 200


async def test_deleted_account_leaves_nothing(settings: Settings, api: Api, composition: Composition) -> None:
    await api.as_user("anna").publish("Dragons")
    article = await api.as_user("jake").publish("Unicorns")
    await api.as_user("anna").comment(article)
    await api.as_user("anna").favorite(article)
    await done(settings, "users", "delete", "anna")
    assert (await api.get("/profiles/anna")).status_code == 404
    assert (await api.get("/articles")).json()["articlesCount"] == 1
    assert (await api.get("/articles/unicorns/comments")).json() == {"comments": []}
    assert [finding async for finding in find_differences(composition)] == []


async def test_article_and_comment_of_others_are_deleted(
    settings: Settings, api: Api, composition: Composition
) -> None:
    article = await api.as_user("jake").publish("Dragons", tags=["fire"])
    comment = await api.as_user("anna").comment(article)
    await done(settings, "comments", "delete", str(comment["id"]))
    assert (await api.get("/articles/dragons/comments")).json() == {"comments": []}
    await done(settings, "articles", "delete", "dragons")
    assert (await api.get("/articles/dragons")).status_code == 404
    assert (await api.get("/tags")).json() == {"tags": []}
    assert [finding async for finding in find_differences(composition)] == []


async def test_accounts_are_listed_and_shown(settings: Settings, api: Api) -> None:
    for name in ("anna", "jake", "carl"):
        await api.as_user(name).token()
    await done(settings, "users", "disable", "jake")
    everyone = (await done(settings, "users", "list")).splitlines()
    assert [line.split("\t")[1] for line in everyone] == ["anna", "jake", "carl"]
    page = await done(settings, "users", "list", "--after", everyone[0].split("\t")[0], "--limit", "1")
    assert page.splitlines() == [everyone[1]]
    assert (await done(settings, "users", "list", "--disabled")).splitlines() == [everyone[1]]
    shown = dict(line.split("\t") for line in (await done(settings, "users", "show", "jake")).splitlines())
    assert (shown["username"], shown["email"]) == ("jake", "jake@example.com")
    assert shown.keys() == {"id", "username", "email", "bio", "image", "disabledAt"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("users", "disable", "nobody"), "account not found"),
        (("articles", "delete", "nothing"), "article not found"),
        (("comments", "delete", "7"), "comment not found"),
        (("users", "show", "\udcff"), "argument must not contain lone surrogates"),
        (("users", "list", "--limit", "0"), "limit must be 1 to 10000"),
    ],
)
async def test_what_does_not_exist_is_reported_in_one_line(
    settings: Settings, arguments: Sequence[str], problem: str
) -> None:
    result = await conduit(settings, *arguments, CONDUIT_AUDIT_LOG="/dev/null")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"conduit: {problem}\n")


@pytest.mark.parametrize(
    "arguments",
    [("users", "list", "--after", "9" * 20), ("comments", "delete", "9" * 20)],
)
async def test_number_that_no_database_stores_is_rejected(
    settings: Settings, arguments: Sequence[str]
) -> None:
    result = await conduit(settings, *arguments)
    assert (result.exit_code, "Traceback" in result.output) == (2, False)


async def test_name_of_two_accounts_needs_the_id(settings: Settings, api: Api) -> None:
    await api.as_user("anna").token()
    user = {"username": "anna@example.com", "email": "evil@example.com", "password": PASSWORD}
    assert (await api.post("/users", {"user": user})).status_code == 201
    result = await conduit(settings, "users", "delete", "anna@example.com", CONDUIT_AUDIT_LOG="/dev/null")
    assert (result.exit_code, result.stderr) == (1, "conduit: account is one of #2 and #1\n")
    assert "(id 2)" in await done(settings, "users", "delete", "#2")
    assert await log_in(api) == 200


async def test_control_sequences_do_not_reach_the_terminal(settings: Settings, api: Api) -> None:
    await api.as_user("anna").put("/user", {"user": {"bio": "x\nid\t1\x1b[31m"}})
    shown = await done(settings, "users", "show", "anna")
    assert "bio\tx\\nid\\t1\\x1b[31m\n" in shown


class TestAuditTrail:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        """Return the file of the audit trail."""
        return tmp_path / "audit.log"

    @pytest.fixture
    def dedicated_settings(self, settings: Settings, file: Path) -> Settings:
        """Return settings with the file, and a log level that hides other lines."""
        return settings.model_copy(update={"audit_log": file, "log_level": "error"})

    @pytest.fixture
    def audited_api(self, dedicated_settings: Settings, composition: Composition) -> Api:
        """Return a client of an application with these settings."""
        return Api(create_application(dedicated_settings, composition))

    async def test_security_events_are_recorded_with_account_address_and_request(
        self, audited_api: Api, file: Path
    ) -> None:
        anna = audited_api.as_user("anna")
        await anna.token()
        await audited_api.post("/users/login", {"user": WRONG})
        await audited_api.post("/users/login", {"user": {**WRONG, "email": "nobody@example.com"}})
        await audited_api.post("/users/login", {"user": ANNA}, headers={"X-Request-ID": "frontend-7"})
        # As frontends do: with all fields.
        await anna.put("/user", {"user": {"bio": "Not recorded", "email": "anna@example.com"}})
        await anna.put("/user", {"user": {"email": "anna@example.org", "password": "another pass phrase"}})
        await anna.get("/user/export")
        await anna.request("DELETE", "/user", json={"user": {"password": "not this one"}})
        await anna.request("DELETE", "/user", json={"user": {"password": "another pass phrase"}})
        lines = read(file)
        assert [(line["action"], line["succeeded"], line.get("user_id")) for line in lines] == [
            ("registration", True, 1),
            ("login", False, 1),
            ("login", False, None),
            ("login", True, 1),
            ("password change", True, 1),
            ("email change", True, 1),
            ("export", True, 1),
            ("account deletion", False, 1),
            ("account deletion", True, 1),
        ]
        assert {line["address"] for line in lines} == {"127.0.0.1"}
        assert {line["logger"] for line in lines} == {"conduit.audit"}
        assert lines[3]["request_id"] == "frontend-7"
        assert lines[1]["reason"] == "credentials invalid"
        assert "pass phrase" not in str(lines)

    async def test_logout_everywhere_is_recorded(self, audited_api: Api, file: Path) -> None:
        await audited_api.as_user("anna").post("/user/logout-all")
        assert read(file)[-1]["action"] == "logout everywhere"

    async def test_use_of_a_command_is_recorded_with_the_operator(
        self, dedicated_settings: Settings, audited_api: Api, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SUDO_USER", "carl")
        await audited_api.as_user("anna").token()
        for name in ("anna", "nobody"):
            await conduit(dedicated_settings, "users", "disable", name, CONDUIT_AUDIT_LOG=str(file))
        done, failed = read(file)[-2:]
        assert done["command"] == failed["command"] == "users disable"
        assert (done["succeeded"], failed["succeeded"]) == (True, False)
        assert (done["arguments"], failed["reason"]) == ({"name": "anna"}, "account not found")
        assert (done["user_id"], "user_id" in failed) == (1, False)
        assert str(done["operator"]).endswith(" (carl)")

    @pytest.mark.parametrize("command", CHANGING)
    async def test_commands_of_conduit_itself_are_recorded(
        self, dedicated_settings: Settings, audited_api: Api, file: Path, command: str
    ) -> None:
        await audited_api.get("/tags")
        arguments = CHANGING[command]
        await conduit(dedicated_settings, *command.split(), *arguments, CONDUIT_AUDIT_LOG=str(file))
        line = read(file)[-1]
        assert (line["action"], line["command"]) == ("command", command)
        assert all(argument.strip("-").replace("-", "_") in str(line["arguments"]) for argument in arguments)

    def test_every_command_of_an_operator_that_changes_something_is_recorded(self) -> None:
        own = {" ".join(words) for words in commands()}
        modules = {command for command in own if command.split()[0] in {m.name for m in discover()}}
        assert own - modules - UNRECORDED == CHANGING.keys()

    async def test_refused_logins_have_the_account(
        self, dedicated_settings: Settings, audited_api: Api, file: Path
    ) -> None:
        await audited_api.as_user("anna").token()
        for _ in range(11):
            await audited_api.post("/users/login", {"user": WRONG})
        await audited_api.as_user("jake").token()
        await conduit(dedicated_settings, "users", "disable", "jake", CONDUIT_AUDIT_LOG=str(file))
        await audited_api.post("/users/login", {"user": {**ANNA, "email": "jake@example.com"}})
        limited, _, _, disabled = read(file)[-4:]
        assert (limited["user_id"], disabled["user_id"]) == (1, 2)
        assert disabled["reason"] == "account is disabled"

    async def test_command_that_crashes_is_recorded(
        self, dedicated_settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(SqlAccounts, "page", None)
        result = await conduit(dedicated_settings, "users", "list", CONDUIT_AUDIT_LOG=str(file))
        assert result.exit_code == 1
        assert (read(file)[-1]["command"], read(file)[-1]["reason"]) == ("users list", "TypeError")

    def test_line_that_does_not_fit_is_written_elsewhere(self) -> None:
        elsewhere: list[str] = []
        AuditFile(Path("/dev/full"), elsewhere.append).msg("a line")
        assert elsewhere == ["a line"]

    async def test_relative_path_is_rejected(self, settings: Settings) -> None:
        result = await conduit(settings, "users", "list", CONDUIT_AUDIT_LOG="audit.log")
        assert result.stderr == "conduit: CONDUIT_AUDIT_LOG: must be an absolute path\n"

    async def test_file_may_be_moved_away(self, audited_api: Api, file: Path) -> None:
        await audited_api.as_user("anna").token()
        move_away(file)
        await audited_api.as_user("jake").token()
        assert [line["user_id"] for line in read(file)] == [2]

    async def test_program_does_not_start_without_its_file(self, settings: Settings, tmp_path: Path) -> None:
        nowhere = tmp_path / "nowhere" / "audit.log"
        result = await conduit(settings, "doctor", CONDUIT_AUDIT_LOG=str(nowhere))
        assert (result.exit_code, result.stderr) == (
            1,
            f"conduit: CONDUIT_AUDIT_LOG: cannot write {nowhere}: No such file or directory\n",
        )


def move_away(file: Path) -> None:
    """Rename the file, which only its owner may read."""
    assert file.stat().st_mode & 0o777 == 0o600
    file.rename(file.with_suffix(".1"))


def read(file: Path) -> Sequence[Mapping[str, object]]:
    """Return the lines of the audit trail."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("how", "address"), [("full", "127.0.0.1"), ("network", "127.0.0.0/24"), ("none", None)]
)
async def test_client_addresses_are_logged_as_set(
    settings: Settings, composition: Composition, tmp_path: Path, how: str, address: str | None
) -> None:
    file = tmp_path / "audit.log"
    changed = settings.model_copy(update={"audit_log": file, "log_client_addresses": how})
    await Api(create_application(changed, composition)).as_user("anna").token()
    assert read(file)[0].get("address") == address
