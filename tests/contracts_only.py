"""A pytest plugin that allows imports of contracts only from some modules.

    CONTRACTS_ONLY=articles,profiles python -m pytest -p tests.contracts_only tests/comments

Fakes are allowed too: tests use them as implementations of contracts.
"""

import os
import sys
from collections.abc import Collection, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

SETTING = "CONTRACTS_ONLY"
ALLOWED = frozenset({"contracts", "fakes"})


class ContractsOnly(MetaPathFinder):
    """An import hook that rejects everything else of these modules."""

    def __init__(self, modules: Collection[str]) -> None:
        self._modules = modules

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return None, which passes the import on, or raise `ImportError`."""
        match fullname.split("."):
            case ["modules", module, layer, *_] if module in self._modules and layer not in ALLOWED:
                raise ImportError(f"{fullname} is closed: only the contracts of {module} are open")
        return None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Install the hook before the first conftest is imported."""
    sys.meta_path.insert(0, ContractsOnly(os.environ[SETTING].split(",")))
