"""The scene of the tests of the architecture checks: copies of the checkout."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.copied_tree import CopiedTree, copy_checkout, link


@pytest.fixture(scope="package", autouse=True)
def nothing_to_collect() -> Iterator[None]:
    """Keep the garbage collector from all that is loaded: syntax trees wake it, and it took half the time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> CopiedTree:
    """Return a copy of the checkout that nothing is planted in."""
    return copy_checkout(tmp_path_factory.mktemp("pristine"))


@pytest.fixture
def tree(pristine: CopiedTree, tmp_path: Path) -> CopiedTree:
    """Return a copy of the checkout to plant something in."""
    return link(pristine, tmp_path / "tree")
