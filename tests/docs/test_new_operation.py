"""An operation is added to a module as docs/modules.md says, without an edit outside its folders."""

import shutil
from pathlib import Path

import pytest

from tests.devtools.scaffold.conftest import UNWANTED, copy_tree, files, run

ROOT = Path(__file__).parents[2]
# Those that list the operations of Conduit's own modules.
TESTS_OF_ALL_OPERATIONS = (
    "tests/conformance/test_document.py",
    "tests/docs/test_examples.py",
    "tests/security/test_access.py",
)
ROUTE = '''
    @router.get("/articles/{slug}/tags", operation_id="GetArticleTags", responses=error_responses(404, 422))
    @cacheable
    async def tags_of_article(slug: PathText) -> JsonResponse[TagsResponse]:
        """Return the tags of an article."""
        return TagsResponse.respond(tags=list((await reader.article(slug, None)).tag_list))

    return router
'''
DECLARATION = '    operations={"GetArticleTags": Access("GET /api/articles/{slug}/tags", PUBLIC)},\n'


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.slow
def test_operation_is_added_in_the_folders_of_its_module(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path)
    shutil.copytree(ROOT / "tests", tree / "tests", ignore=UNWANTED, dirs_exist_ok=True)
    before = files(tree)
    replace(tree / "modules/articles/api/router.py", "\n    return router\n", ROUTE)
    declarations = tree / "tests/articles/additions.py"
    replace(declarations, "import Additions", "import PUBLIC, Access, Additions")
    replace(declarations, "Additions(\n", f"Additions(\n{DECLARATION}")
    updated = run(tree, "conduit_app.cli", "check", "--update")
    assert (updated.returncode, updated.stdout) == (0, "architecture check passed\n"), updated.stdout
    after = files(tree)
    assert {str(path) for path in before | after if before.get(path) != after.get(path)} == {
        "modules/articles/README.md",
        "modules/articles/api/router.py",
        "modules/articles/openapi.json",
        "tests/articles/additions.py",
    }
    tested = run(
        tree,
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "not slow",
        "-k",
        "not postgresql",
        *TESTS_OF_ALL_OPERATIONS,
    )
    assert tested.returncode == 0, tested.stdout


@pytest.mark.slow
def test_operation_that_is_not_declared_is_reported(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path)
    shutil.copytree(ROOT / "tests", tree / "tests", ignore=UNWANTED, dirs_exist_ok=True)
    replace(tree / "modules/articles/api/router.py", "\n    return router\n", ROUTE)
    lists = ("test_document_has_the_official_and_declared_operations", "test_table_has_every_operation")
    tested = run(
        tree, "pytest", "-q", "-p", "no:cacheprovider", "-k", " or ".join(lists), *TESTS_OF_ALL_OPERATIONS
    )
    assert all(f"{name}[sqlite]" in tested.stdout for name in lists), tested.stdout
