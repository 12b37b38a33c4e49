"""`conduit check` reports violations in `plugins/`, by the plugin's own contracts too."""

import pytest

from tests.architecture.copied_tree import CopiedTree

pytestmark = pytest.mark.slow

PLUGIN = "plugins/bookmarks"
PACKAGE = f"{PLUGIN}/conduit_bookmarks"
OWN_CONTRACT = """
[importlinter]
root_package = conduit_bookmarks
include_external_packages = True

[importlinter:contract:no-randomness]
name = Bookmarks does not import random
type = forbidden
source_modules = conduit_bookmarks
forbidden_modules = random
allow_indirect_imports = True
"""


def test_plugin_that_depends_on_another_distribution_is_reported(tree: CopiedTree) -> None:
    tree.replace(f"{PLUGIN}/pyproject.toml", '"realworld-conduit>=1,<2"', '"conduit>=1,<2"')
    [finding] = tree.check_static()
    assert (finding.rule, finding.file) == ("plugin-distribution", f"{PLUGIN}/pyproject.toml")


def test_violation_of_a_contract_of_the_plugin_is_reported(tree: CopiedTree) -> None:
    tree.append(f"{PLUGIN}/importlinter.ini", OWN_CONTRACT)
    tree.append(f"{PACKAGE}/domain/reading_list.py", "import random  # seeded\n")
    [finding] = tree.check_static()
    file = f"{PACKAGE}/domain/reading_list.py"
    assert (finding.rule, finding.place) == ("plugin-contracts", (file, tree.marked(file)))


def test_plugin_without_owner_is_reported(tree: CopiedTree) -> None:
    tree.replace("CODEOWNERS", f"/{PLUGIN}/  @conduit/bookmarks\n", "")
    [finding] = tree.check_static()
    assert (finding.rule, finding.message.partition(" ")[0]) == ("codeowners", "bookmarks")


def test_missing_migration_of_a_plugin_is_reported(tree: CopiedTree) -> None:
    file = f"{PACKAGE}/infrastructure/tables.py"
    tree.replace(file, "    created_at:", "    note: Mapped[str]  # seeded\n    created_at:")
    [finding] = tree.check()
    assert (finding.rule, finding.place) == ("models-and-migrations", (file, tree.marked(file)))


def test_column_of_a_plugin_without_consistency_check_is_reported(tree: CopiedTree) -> None:
    check = '        ReferenceCheck(database, BookmarkRow, "user_id", "user", existing_users),\n'
    tree.replace(f"{PACKAGE}/infrastructure/checks.py", check, "")
    [finding] = tree.check()
    assert (finding.rule, finding.file) == ("unchecked-column", f"{PACKAGE}/infrastructure/tables.py")
    assert finding.message == "bookmarks_bookmark.user_id of bookmarks is in no consistency check"


def test_plugin_schema_with_an_existing_name_is_reported(tree: CopiedTree) -> None:
    file = f"{PACKAGE}/api/schemas.py"
    tree.replace(
        file,
        "class BookmarkArticlesResponse(ResponseModel):",
        "class TagsResponse(ResponseModel):  # seeded",
    )
    tree.append(file, "\n\nBookmarkArticlesResponse = TagsResponse\n")
    [finding] = tree.check()
    assert (finding.rule, finding.place) == ("plugin-openapi", (file, tree.marked(file)))


def test_plugin_route_with_an_existing_path_is_reported(tree: CopiedTree) -> None:
    file = f"{PACKAGE}/api/router.py"
    tree.replace(file, '@router.get("/bookmarks", operation_id', '@router.get("/tags", operation_id')
    [finding] = tree.check()
    assert (finding.rule, finding.file) == ("plugin-openapi", file)
