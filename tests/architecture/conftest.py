"""Fixtures for the architecture checks: copies of the checkout."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.copied_tree import Checker, CopiedTree, copy_checkout, link


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CopiedTree]:
    """Return a copy of the checkout without violations. Read-only: `tree` shares its files."""
    root = tmp_path_factory.mktemp("pristine")
    copy_checkout(root)
    checker = Checker()
    yield CopiedTree(root, checker)
    checker.stop()


@pytest.fixture
def tree(pristine: CopiedTree, tmp_path: Path) -> CopiedTree:
    """Return a copy of the checkout that the test may change."""
    return link(pristine, tmp_path / "tree")
