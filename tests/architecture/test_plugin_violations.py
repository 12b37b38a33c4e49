"""`conduit check` bites in `plugins/` too, where another team's contracts and names meet the house's."""

import pytest

from tests.architecture.copied_tree import CopiedTree

pytestmark = pytest.mark.slow

PLUGIN = "plugins/bookmarks"
PACKAGE = f"{PLUGIN}/conduit_bookmarks"
OWN_CONTRACT = """
[importlinter:contract:no-randomness]
name = Bookmarks leaves nothing to chance
type = forbidden
source_modules = conduit_bookmarks
forbidden_modules = random
allow_indirect_imports = True
"""


def test_a_plugin_has_contracts_of_its_own(tree: CopiedTree) -> None:
    tree.remove(f"{PLUGIN}/importlinter.ini")
    [found] = tree.check_static()
    assert (found.rule, found.file) == ("plugin-contracts", f"{PLUGIN}/importlinter.ini")


def test_a_plugin_keeps_the_contracts_that_only_it_has(tree: CopiedTree) -> None:
    tree.append(f"{PLUGIN}/importlinter.ini", OWN_CONTRACT)
    tree.append(f"{PACKAGE}/domain/reading_list.py", "import random  # breach\n")
    [found] = tree.check_static()
    file = f"{PACKAGE}/domain/reading_list.py"
    assert (found.rule, found.place) == ("plugin-contracts", (file, tree.marked(file)))


def test_a_plugin_has_an_owner(tree: CopiedTree) -> None:
    tree.replace("CODEOWNERS", f"/{PLUGIN}/", "/plugins/elsewhere/")
    [found] = tree.check_static()
    assert (found.rule, found.message.partition(" ")[0]) == ("codeowners", "bookmarks")


def test_a_plugins_models_are_those_of_its_migrations(tree: CopiedTree) -> None:
    file = f"{PACKAGE}/infrastructure/tables.py"
    tree.replace(file, "    created_at:", "    note: Mapped[str]  # breach\n    created_at:")
    [found] = tree.check()
    assert (found.rule, found.place) == ("models-and-migrations", (file, tree.marked(file)))


def test_an_answer_of_a_plugin_has_a_name_that_nobody_else_has(tree: CopiedTree) -> None:
    file = f"{PACKAGE}/api/schemas.py"
    tree.replace(
        file, "class BookmarkArticlesResponse(ResponseModel):", "class TagsResponse(ResponseModel):  # breach"
    )
    tree.append(file, "\n\nBookmarkArticlesResponse = TagsResponse\n")
    [found] = tree.check()
    assert (found.rule, found.place) == ("plugin-openapi", (file, tree.marked(file)))


def test_a_route_of_a_plugin_is_nobody_elses(tree: CopiedTree) -> None:
    file = f"{PACKAGE}/api/router.py"
    tree.replace(file, '@router.get("/bookmarks", operation_id', '@router.get("/tags", operation_id')
    [found] = tree.check()
    assert (found.rule, found.file) == ("plugin-openapi", file)
