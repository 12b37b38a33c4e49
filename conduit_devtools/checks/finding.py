"""The architecture rules, and the findings that report a violation of one."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Rule:
    """An architecture rule: the reason for it, and how to fix a violation."""

    id: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation of a rule, with its place."""

    rule: Rule
    file: Path
    """Relative to the root of the checkout."""

    line: int
    message: str


def _rules(*rules: Rule) -> dict[str, Rule]:
    return {rule.id: rule for rule in rules}


RULES = _rules(
    Rule(
        "direction",
        "code that imports a package above it cannot be installed or tested without that package",
        "in a module, use a container slot; code that needs conduit_devtools belongs in conduit_devtools",
    ),
    Rule(
        "layers",
        "all modules have the same layers, and the domain depends on neither frameworks nor storage",
        "move the code to its layer: "
        "fakes > module > container | demo > api | infrastructure > domain > contracts",
    ),
    Rule(
        "boundary",
        "a team may change the internals of its module at any time; only contracts are stable",
        "import modules.<other>.contracts, add a contract to `needs`, or subscribe to an event",
    ),
    Rule(
        "package-root",
        "a package root that re-exports is a second public interface, which no rule checks",
        "import from the module's contracts.py by its full name",
    ),
    Rule(
        "kernel-layers",
        "importing the kernel's storage or HTTP code is a dependency on the framework behind it",
        "declare a Protocol in domain/, or import from the kernel's layer of the same name",
    ),
    Rule(
        "no-cycles",
        "modules in a dependency cycle can only be understood, tested and released together",
        "publish an event in one of the modules, or move the shared type to the contracts of the lower one",
    ),
    Rule(
        "kernel",
        "every module depends on the kernel; if it imported a module, every module would depend on that one",
        "declare a Protocol in the kernel and let the module offer it",
    ),
    Rule(
        "framework-free",
        "business rules without a framework outlive it, and are tested without it",
        "declare a Protocol in domain/ and implement it in infrastructure/ or api/",
    ),
    Rule(
        "sqlalchemy-in-infrastructure",
        "if one layer uses the database, only that layer changes with it",
        "put the query into infrastructure/ behind a Protocol of domain/",
    ),
    Rule(
        "fastapi-in-api",
        "if one layer uses HTTP, the other layers can be called without it",
        "raise a domain error, and translate it in api/",
    ),
    Rule(
        "manifest-only",
        "the application depends on manifests only, so that a module can be disabled or removed",
        "declare what the application needs in the manifest, module.py",
    ),
    Rule(
        "plugin-contracts",
        "a plugin belongs to another team, which may have import contracts of its own",
        "satisfy the contracts of the plugin's importlinter.ini",
    ),
    Rule(
        "plugin-distribution",
        "the metadata of a plugin's distribution says which Conduit it runs with, and where its manifest is",
        "declare the range of realworld-conduit and the entry point in pyproject.toml",
    ),
    Rule(
        "fakes",
        "a fake implements a contract in memory, for the tests of any module",
        "in a fake, import contracts and the kernel's domain; in a module, add the contract to `needs`",
    ),
    Rule(
        "dynamic-import",
        "no import contract can check an import by name",
        "import statically, or use a container slot",
    ),
    Rule(
        "table-prefix",
        "the prefix shows which module owns the table, in the database too",
        "name the table <module>_<name>",
    ),
    Rule(
        "foreign-key",
        "a foreign key to another module's table couples the schemas of both modules",
        "store the id as a plain integer, and subscribe to the event of the deletion",
    ),
    Rule(
        "relationship",
        "an ORM relationship loads another module's rows without its contract",
        "call the other module's contract with all ids at once",
    ),
    Rule(
        "raw-sql",
        "SQL that names another module's table breaks when that module changes the table",
        "call the other module's contract, or store a copy that its events update",
    ),
    Rule(
        "event-shape",
        "events are stored as JSON, and other modules import them from contracts.py",
        "declare a frozen dataclass of ids and plain values in contracts.py, and list it in `publishes`",
    ),
    Rule(
        "event-schema",
        "subscribers in other modules and stored events depend on the fields",
        "add an event instead of changing one; if the change is intended, run: conduit check --update",
    ),
    Rule(
        "contract-takes-collections",
        "a method that takes one id is called in a loop, with one query per row",
        "take a Collection of ids and return a Mapping; only `viewer` is a single id",
    ),
    Rule(
        "codeowners",
        "changes to a module without an owner have no reviewer",
        "add a line to CODEOWNERS",
    ),
    Rule(
        "models-and-migrations",
        "migrations create the database; models that differ from it fail only in production",
        "write a migration",
    ),
    Rule(
        "unchecked-column",
        "a stored count, or an id without a foreign key, that is wrong stays wrong unnoticed",
        "add a check to `checks` in the manifest, or the column and the reason to the schema's `unchecked`",
    ),
    Rule(
        "openapi",
        "clients are built from the OpenAPI document; an unnoticed change breaks them",
        "if the change is intended, run: conduit check --update, and review the difference",
    ),
    Rule(
        "request-bounds",
        "a body of the maximum size may have half a million items, each validated and each with an error",
        "give the list a max_length, and the string a value object with a LENGTH",
    ),
    Rule(
        "plugin-openapi",
        "a plugin may only add to the API; a schema or path with an existing name replaces that one",
        "name routes, operation ids and body classes after the plugin",
    ),
    Rule(
        "architecture-docs",
        "an outdated architecture diagram misleads new developers",
        "run: conduit check --update",
    ),
    Rule(
        "importable",
        "modules that cannot be imported, composed or migrated cannot be checked",
        "fix the error",
    ),
)
