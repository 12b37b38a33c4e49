"""A pytest plugin under which some modules are their contracts: importing more of them fails.

    CONTRACTS_ONLY=articles,profiles python -m pytest -p tests.contracts_only tests/comments

Their fakes count as contracts: they are what a contract looks like to a test.
"""

import os
import sys
from collections.abc import Collection, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

SETTING = "CONTRACTS_ONLY"
OPEN = frozenset({"contracts", "fakes"})


class ContractsOnly(MetaPathFinder):
    """Refuses to import anything of these modules that is not open to others."""

    def __init__(self, modules: Collection[str]) -> None:
        self._modules = modules

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return None, which leaves finding to others, or raise `ImportError`."""
        match fullname.split("."):
            case ["modules", module, room, *_] if module in self._modules and room not in OPEN:
                raise ImportError(f"{fullname} is closed: only the contracts of {module} are open")
        return None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Close the modules before the first conftest is imported."""
    sys.meta_path.insert(0, ContractsOnly(os.environ[SETTING].split(",")))
