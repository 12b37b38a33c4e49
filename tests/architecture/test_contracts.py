"""The modules satisfy importlinter.ini, and their tables and models stay separate."""

import configparser
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Table
from sqlalchemy.orm import DeclarativeBase, Mapper

from conduit_app.discovery import discover
from modules.kernel.module import Module

ROOT = Path(__file__).parents[2]
MODULES = discover()
# Listed here too, so that no rule is dropped by accident.
RULES = {
    "direction",
    "layers",
    "boundary",
    "package-root",
    "no-cycles",
    "kernel",
    "framework-free",
    "sqlalchemy-in-infrastructure",
    "fastapi-in-api",
    "manifest-only",
}

every_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)


def contracts() -> set[str]:
    """Return the ids of the contracts in importlinter.ini."""
    configuration = configparser.ConfigParser()
    configuration.read(ROOT / "importlinter.ini")
    prefix = "importlinter:contract:"
    return {name.removeprefix(prefix) for name in configuration.sections() if name.startswith(prefix)}


def tables(module: Module) -> Iterator[Table]:
    assert module.schema is not None
    yield from module.schema.metadata.tables.values()


def mappers(base: type[DeclarativeBase] = DeclarativeBase) -> Iterator[Mapper[object]]:
    """Yield every mapper in this process."""
    for kind in base.__subclasses__():
        if DeclarativeBase in kind.__bases__:
            yield from kind.registry.mappers
        yield from mappers(kind)


class TestImports:
    def test_import_linter_reports_no_violation(self) -> None:
        linter = Path(sys.executable).with_name("lint-imports")
        run = subprocess.run(  # noqa: S603 - a development tool of this project
            [linter, "--config", "importlinter.ini", "--no-cache"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout
        assert re.findall(r"Contracts: (\d+) kept, (\d+) broken", run.stdout) == [
            (str(len(contracts())), "0")
        ]

    def test_every_rule_has_an_import_contract(self) -> None:
        assert RULES - contracts() == set()


@every_module
class TestTables:
    def test_table_names_start_with_the_module_name(self, module: Module) -> None:
        names = [table.name for table in tables(module)]
        assert names
        assert [name for name in names if not name.startswith(f"{module.name}_")] == []

    def test_foreign_keys_reference_tables_of_the_module(self, module: Module) -> None:
        targets = {key.target_fullname for table in tables(module) for key in table.foreign_keys}
        assert {target for target in targets if not target.startswith(f"{module.name}_")} == set()

    def test_metadata_is_not_shared_with_another_module(self, module: Module) -> None:
        assert module.schema is not None
        sharing = [
            other.name
            for other in MODULES
            if other.schema and other.schema.metadata is module.schema.metadata
        ]
        assert sharing == [module.name]


class TestModels:
    def test_relationships_reference_classes_of_the_module(self) -> None:
        crossing = [
            f"{mapper.class_.__name__}.{relationship.key}"
            for mapper in mappers()
            for relationship in mapper.relationships
            if relationship.mapper.local_table.metadata is not mapper.local_table.metadata  # type: ignore[attr-defined]
        ]
        assert crossing == []

    def test_every_table_has_a_mapper(self) -> None:
        mapped = {mapper.local_table for mapper in mappers()}
        assert {table for module in MODULES for table in tables(module)} <= mapped
