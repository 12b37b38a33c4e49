"""`conduit check --against`: verdicts on changed modules, and findings on breaking changes."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from conduit_app.cli import main
from conduit_devtools.checks.base import Base
from conduit_devtools.checks.compatibility.comparison import compare, raise_versions
from conduit_devtools.checks.compatibility.findings import check_compatibility
from conduit_devtools.checks.compatibility.verdict import ModuleVerdict
from conduit_devtools.checks.source import Checkout
from modules.articles.contracts import CONTRACT_VERSION
from tests.architecture.copied_tree import ROOT
from tests.architecture.test_base import git

ARTICLES, COMMENTS = "modules/articles/contracts.py", "modules/comments/contracts.py"
SETTINGS = "plugins/feeds/conduit_feeds/infrastructure/settings.py"
DOCUMENT, USERS_DOCUMENT = "modules/articles/openapi.json", "modules/users/openapi.json"
RENAMED = (
    "self, slugs: Collection[str], viewer: UserId | None = None) -> Mapping[str, ArticleId]:",
    "self, names: Collection[str], viewer: UserId | None = None) -> Mapping[str, ArticleId]:",
)
RENAMING = (
    "ArticleDirectory.ids: parameter slugs renamed to names; used by bookmarks, comments, feeds, "
    "notifications, search"
)
ADDED = ("MAX_DELETED_ARTICLES = 500", "MAX_DELETED_ARTICLES = 500\nMAX_SLUGS = 100")
MAJOR, MINOR = map(int, CONTRACT_VERSION.split("."))
VERSION, NEXT_MINOR, NEXT_MAJOR = (
    f'CONTRACT_VERSION = "{version}"'
    for version in (CONTRACT_VERSION, f"{MAJOR}.{MINOR + 1}", f"{MAJOR + 1}.0")
)
MIGRATION = "- `ArticleDirectory.ids`: pass the slugs by position, or as `names`.\n"


@dataclass(frozen=True)
class Repository:
    """A git repository with the modules and plugins of this checkout, all committed."""

    root: Path

    def replace(self, file: str, old: str, new: str) -> None:
        """Replace the first occurrence of a text in a file; the file must contain it."""
        text = (self.root / file).read_text(encoding="utf-8")
        assert old in text, f"{file} does not contain: {old}"
        self.write(file, text.replace(old, new, 1))

    def write(self, file: str, text: str) -> None:
        (self.root / file).write_text(text, encoding="utf-8")

    def line(self, file: str, text: str) -> int:
        lines = (self.root / file).read_text(encoding="utf-8").splitlines()
        return next(number for number, line in enumerate(lines, start=1) if text in line)

    def compare(self) -> dict[str, ModuleVerdict]:
        checkout = Checkout(self.root)
        return {verdict.module: verdict for verdict in compare(checkout, self.base)}

    def verdicts(self) -> dict[str, str]:
        return {module: verdict.verdict.name.lower() for module, verdict in self.compare().items()}

    def findings(self) -> Sequence[tuple[str, str, int, str]]:
        checkout = Checkout(self.root)
        return [
            (finding.rule.id, finding.file.as_posix(), finding.line, finding.message)
            for finding in check_compatibility(checkout, compare(checkout, self.base))
        ]

    def rules(self) -> list[str]:
        return [rule for rule, *_ in self.findings()]

    @property
    def base(self) -> Base:
        return Base.find(self.root, "HEAD")

    def check(self, *options: str) -> Result:
        return CliRunner().invoke(main, ["check", "--sources", "--against", "HEAD", *options])


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    root = tmp_path_factory.mktemp("repository")
    for name in ("modules", "plugins", "conduit_app", "conduit_devtools"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("CODEOWNERS", "importlinter.ini"):
        shutil.copy(ROOT / name, root / name)
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "add", "--force", ".")
    git(root, "commit", "--quiet", "--message", "Base")
    return Repository(root)


@pytest.fixture
def repository(committed: Repository, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    monkeypatch.chdir(committed.root)
    yield committed
    git(committed.root, "reset", "--quiet", "--hard")
    git(committed.root, "clean", "--quiet", "--force", "-d", "-x")


def test_unchanged_tree_has_no_verdicts(repository: Repository) -> None:
    assert (repository.verdicts(), repository.findings()) == ({}, [])


class TestContracts:
    def test_breaking_change_names_its_place_and_consumers(self, repository: Repository) -> None:
        repository.replace(ARTICLES, *RENAMED)
        assert repository.verdicts() == {"articles": "breaking"}
        breaking, version = repository.findings()
        assert breaking == (
            "breaking-change",
            ARTICLES,
            repository.line(ARTICLES, "async def ids"),
            f"{RENAMING}; modules/articles/CHANGES.md does not name the migration",
        )
        old, new = CONTRACT_VERSION, f"{MAJOR + 1}.0"
        assert version == (
            "contract-version",
            ARTICLES,
            repository.line(ARTICLES, "CONTRACT_VERSION"),
            f"CONTRACT_VERSION of articles is {old}; after this change of {old} it must be at least {new}",
        )

    def test_consumer_that_is_changed_too_is_named(self, repository: Repository) -> None:
        repository.replace(COMMENTS, "class CommentAdded", "class CommentWritten")
        for file in ("module.py", "domain/notifications.py"):
            text = repository.root / "plugins/notifications/conduit_notifications" / file
            text.write_text(text.read_text("utf-8").replace("CommentAdded", "CommentWritten"), "utf-8")
        [removed, _added] = repository.compare()["comments"].changes
        assert (removed.thing, removed.consumers) == ("CommentAdded", ("notifications",))

    def test_installed_plugin_is_named(
        self, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        package, metadata = tmp_path / "conduit_elsewhere", tmp_path / "conduit_elsewhere-1.0.dist-info"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "module.py").write_text("from modules.comments.contracts import CommentAdded\n")
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: conduit-elsewhere\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(
            "[conduit.modules]\nelsewhere = conduit_elsewhere.module:MODULE\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        repository.replace(COMMENTS, "comment_id: int", "remark_id: int")
        changes = {change.thing: change for change in repository.compare()["comments"].changes}
        assert changes["CommentAdded.comment_id"].consumers == ("elsewhere", "notifications")

    def test_breaking_change_with_its_migration_and_version_passes(self, repository: Repository) -> None:
        repository.replace(ARTICLES, *RENAMED)
        repository.replace(ARTICLES, VERSION, NEXT_MAJOR)
        repository.write("modules/articles/CHANGES.md", f"# Changes of articles\n\n{MIGRATION}")
        assert repository.findings() == []
        assert repository.verdicts() == {"articles": "breaking"}

    @pytest.mark.parametrize(
        "line",
        [
            "- `ArticleDirectory.lock`: pass the slugs by position",
            "- `ArticleDirectory.ids`: changed",
            "- ArticleDirectory.ids: pass it by position",
        ],
        ids=["another name", "no migration", "not as code"],
    )
    def test_line_that_names_no_migration_does_not_count(self, repository: Repository, line: str) -> None:
        repository.replace(ARTICLES, *RENAMED)
        repository.write("modules/articles/CHANGES.md", f"{line}\n")
        assert repository.rules() == ["breaking-change", "contract-version"]

    def test_line_about_an_earlier_change_does_not_count(self, repository: Repository) -> None:
        repository.write("modules/articles/CHANGES.md", MIGRATION)
        git(repository.root, "add", ".")
        git(repository.root, "commit", "--quiet", "--message", "Earlier")
        repository.replace(ARTICLES, *RENAMED)
        assert "breaking-change" in repository.rules()
        git(repository.root, "reset", "--quiet", "--hard", "HEAD~1")

    def test_changed_payload_of_an_event_needs_an_upcaster(self, repository: Repository) -> None:
        repository.replace(ARTICLES, "    user_id: int\n\n\n@view_class", "    fan_id: int\n\n\n@view_class")
        repository.replace(ARTICLES, VERSION, NEXT_MAJOR)
        migration = "- `ArticleFavorited.user_id`: read `fan_id` instead\n"
        repository.write("modules/articles/CHANGES.md", migration)
        assert repository.rules() == ["event-upcaster"]
        upcaster = "    fan_id: int\n    upcasters = (_with_fan,)\n\n\n@view_class"
        repository.replace(ARTICLES, "    fan_id: int\n\n\n@view_class", upcaster)
        assert repository.rules() == []

    def test_removed_module_breaks_its_consumers(self, repository: Repository) -> None:
        shutil.rmtree(repository.root / "modules/comments")
        assert repository.verdicts()["comments"] == "breaking"
        [finding] = [finding for finding in repository.findings() if finding[1] == COMMENTS]
        assert finding[3] == (
            "CommentAdded: removed; used by notifications; modules/CHANGES.md does not name the migration"
        )

    def test_new_module_is_additive_and_may_have_any_version(self, repository: Repository) -> None:
        shutil.copytree(repository.root / "modules/comments", repository.root / "modules/remarks")
        assert (repository.verdicts(), repository.findings()) == ({"remarks": "additive"}, [])

    def test_internals_and_documentation_are_compatible(self, repository: Repository) -> None:
        repository.replace(ARTICLES, "An article was published.", "An article was published by its author.")
        repository.replace("modules/comments/domain/service.py", '"""', '"""Comments. ')
        assert repository.verdicts() == {"articles": "compatible", "comments": "compatible"}
        assert repository.findings() == []

    def test_field_is_required_where_a_consumer_creates_the_object(self, repository: Repository) -> None:
        repository.replace(
            ARTICLES,
            '    """A public article with its body,',
            '    summary: str\n    """A public article with its body,',
        )
        assert repository.verdicts() == {"articles": "additive"}
        user = repository.root / "modules/comments/domain/service.py"
        user.write_text(
            user.read_text("utf-8")
            + "\nfrom modules.articles.contracts import ArticleContent as Content\nEMPTY = Content()\n",
            "utf-8",
        )
        assert repository.verdicts()["articles"] == "breaking"


class TestVersions:
    def test_addition_needs_the_next_minor_version(self, repository: Repository) -> None:
        repository.replace(ARTICLES, *ADDED)
        assert repository.verdicts() == {"articles": "additive"}
        assert repository.rules() == ["contract-version"]

    def test_update_raises_the_minor_version_once(self, repository: Repository) -> None:
        repository.replace(ARTICLES, *ADDED)
        checkout = Checkout(repository.root)
        assert list(raise_versions(checkout, repository.base)) == [Path(ARTICLES)]
        assert repository.line(ARTICLES, NEXT_MINOR)
        assert (repository.findings(), list(raise_versions(checkout, repository.base))) == ([], [])

    def test_update_does_not_raise_the_major_version(self, repository: Repository) -> None:
        repository.replace(ARTICLES, *RENAMED)
        repository.replace(ARTICLES, *ADDED)
        assert list(raise_versions(Checkout(repository.root), repository.base)) == []
        assert repository.rules() == ["breaking-change", "contract-version"]

    def test_higher_version_than_required_passes(self, repository: Repository) -> None:
        repository.replace(ARTICLES, VERSION, NEXT_MAJOR)
        assert repository.findings() == []


class TestSettings:
    def test_removed_setting_is_breaking(self, repository: Repository) -> None:
        repository.replace(SETTINGS, "    feeds_", "    feed_")
        [change] = repository.compare()["feeds"].changes
        assert str(change) == "CONDUIT_FEEDS_TITLE: renamed to CONDUIT_FEED_TITLE; used by operators"
        # The contract is the same, so that its version is.
        assert repository.rules() == ["breaking-change"]

    def test_setting_with_a_default_is_additive(self, repository: Repository) -> None:
        repository.replace(SETTINGS, "(ModuleSettings):\n", "(ModuleSettings):\n    feeds_extra: int = 3\n")
        assert (repository.verdicts(), repository.findings()) == ({"feeds": "additive"}, [])

    @pytest.mark.parametrize(
        ("limit", "verdict"),
        [
            ("min_length=2", "breaking"),
            ("min_length=0", "additive"),
            ("max_length=9, min_length=1", "breaking"),
        ],
    )
    def test_limit_is_compared(self, repository: Repository, limit: str, verdict: str) -> None:
        repository.replace(SETTINGS, "min_length=1", limit)
        assert repository.verdicts() == {"feeds": verdict}

    def test_required_setting_is_breaking(self, repository: Repository) -> None:
        repository.replace(
            "conduit_app/settings.py", "(ModuleSettings):\n", "(ModuleSettings):\n    place: str\n"
        )
        assert repository.verdicts() == {"conduit_app": "breaking"}
        assert repository.rules() == ["breaking-change"]


class TestHttp:
    def document(self, repository: Repository, file: str = DOCUMENT) -> Any:
        return json.loads((repository.root / file).read_text(encoding="utf-8"))

    def test_removed_operation_is_a_breaking_change_of_its_module(self, repository: Repository) -> None:
        document = self.document(repository)
        del document["paths"]["/api/tags"]
        repository.write(DOCUMENT, json.dumps(document, indent=2))
        assert repository.verdicts() == {"articles": "breaking"}
        [(rule, file, _, message)] = repository.findings()
        assert (rule, file) == ("breaking-change", DOCUMENT)
        assert message.startswith("/api/tags: path removed; used by HTTP clients;")

    def test_operation_may_move_to_another_module(self, repository: Repository) -> None:
        articles, users = self.document(repository), self.document(repository, USERS_DOCUMENT)
        users["paths"]["/api/tags"] = articles["paths"].pop("/api/tags")
        users["components"]["schemas"] |= articles["components"]["schemas"]
        repository.write(DOCUMENT, json.dumps(articles))
        repository.write(USERS_DOCUMENT, json.dumps(users))
        assert repository.verdicts() == {"articles": "compatible", "users": "compatible"}

    def test_added_response_field_is_additive(self, repository: Repository) -> None:
        document = self.document(repository)
        document["components"]["schemas"]["TagsResponse"]["properties"]["total"] = {"type": "integer"}
        repository.write(DOCUMENT, json.dumps(document, indent=2))
        assert (repository.verdicts(), repository.findings()) == ({"articles": "additive"}, [])

    def test_removed_authentication_needs_a_named_exception(self, repository: Repository) -> None:
        document = self.document(repository, USERS_DOCUMENT)
        document["paths"]["/api/user"]["get"]["security"] = [{}, {"Token": []}, {"Bearer": []}]
        repository.write(USERS_DOCUMENT, json.dumps(document, indent=2))
        assert repository.verdicts() == {"users": "breaking"}
        assert repository.rules() == ["breaking-change", "authentication"]
        repository.replace(
            "modules/users/module.py",
            "unauthenticated={",
            'unauthenticated={"GET /api/user": "shows a guest",',
        )
        repository.write("modules/users/CHANGES.md", "- `GET /api/user`: expect a guest without a token.\n")
        assert repository.findings() == []


class TestCommand:
    def test_unreadable_file_is_named_in_one_line(self, repository: Repository) -> None:
        repository.write(DOCUMENT, "{")
        completed = repository.check()
        assert completed.exit_code == 1
        assert completed.stderr == (
            f"conduit: cannot compare with the base: {DOCUMENT} is not JSON; run: conduit check --update\n"
        )

    def test_text_report_has_a_line_per_changed_module(self, repository: Repository) -> None:
        repository.replace(ARTICLES, *RENAMED)
        repository.replace(ARTICLES, VERSION, NEXT_MAJOR)
        repository.write("modules/articles/CHANGES.md", MIGRATION)
        completed = repository.check()
        line = repository.line(ARTICLES, "async def ids")
        assert completed.stdout.splitlines() == [
            f"articles: breaking, contract {MAJOR + 1}.0, was {CONTRACT_VERSION}",
            f"    {ARTICLES}:{line}: {RENAMING}",
            "        pass the slugs by position, or as `names`.",
            "architecture check passed",
        ]
        assert completed.exit_code == 0

    def test_json_report_has_the_verdicts(self, repository: Repository) -> None:
        repository.replace(ARTICLES, *RENAMED)
        completed = repository.check("--format", "json")
        [module] = json.loads(completed.stdout)["modules"]
        [change] = module.pop("changes")
        assert module == {"module": "articles", "verdict": "breaking", "contract": CONTRACT_VERSION}
        assert (change["thing"], change["verdict"], change["migration"]) == (
            "ArticleDirectory.ids",
            "breaking",
            None,
        )
        assert completed.exit_code == 1
