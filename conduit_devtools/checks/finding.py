"""The architecture rules, and the findings that report a violation of one."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Level(Enum):
    """Whether a finding fails the check. The values are those of SARIF."""

    ERROR = "error"
    WARNING = "warning"


class Stage(Enum):
    """What a rule needs in order to report all of its violations."""

    SOURCES = "sources"
    MODULES = "modules"
    """The modules, assembled: `conduit check` without `--sources`."""

    BASE = "base"
    """The base of the change: a finding disappears when the change is merged."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An architecture rule: the reason for it, and how to fix a violation."""

    id: str
    why: str
    fix: str
    stage: Stage = Stage.SOURCES
    level: Level = Level.ERROR


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation of a rule, with its place."""

    rule: Rule
    file: Path
    """Relative to the root of the checkout."""

    line: int
    message: str
    about: str = ""
    """The other module whose code, table or contract it concerns, if any."""


UNREADABLE = frozenset({"importable", "merge-conflict"})
"""The rules without which nothing else can be checked."""


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
        "pure-domain",
        "rules that depend on their arguments only are tested without a clock, a network or a file",
        "pass the value in, or declare a port in domain/ and implement it in infrastructure/ (time: Clock)",
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
        Stage.MODULES,
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
        "unit-of-work",
        "a use case spans several repositories and modules; a commit in one of them would commit half of it",
        "open transaction() in the use case; it commits when the block ends, and rolls back on an exception",
    ),
    Rule(
        "event-shape",
        "events are stored as JSON, and other modules import them from contracts.py",
        "declare a frozen dataclass of ids and plain values in contracts.py, and list it in `publishes`",
    ),
    Rule(
        "breaking-change",
        "modules, clients and operators that this change does not adapt fail after it",
        "add instead of changing; if it is intended, add a line to CHANGES.md of the module: "
        "- `name`: what consumers do instead",
        Stage.BASE,
    ),
    Rule(
        "event-upcaster",
        "stored deliveries have the payload of their time, and this release could not read them",
        "add a function that returns the new payload for the old one to `upcasters` of the event",
        Stage.BASE,
    ),
    Rule(
        "contract-version",
        "start-up refuses a plugin that was built with another major version of a contract",
        "after additions, run: conduit check --update; "
        "after a breaking change, raise the major version by hand",
        Stage.BASE,
    ),
    Rule(
        "built-with",
        "start-up compares the contracts that a plugin was built with to those that are installed",
        'state the version of each imported contract in the manifest: built_with={"users": "1.0"}',
    ),
    Rule(
        "authentication",
        "an operation that anybody may call is an attack surface, and one that writes is worse",
        "require authentication, or name the operation and the reason in `unauthenticated` of the manifest",
        Stage.MODULES,
    ),
    Rule(
        "contract-takes-collections",
        "a method that takes one id is called in a loop, with one query per row",
        "take a Collection of ids and return a Mapping; only `viewer` is a single id",
    ),
    Rule(
        "contract-types",
        "a value that crosses modules must not be changed by one of them, and its type is what both rely on",
        "use frozen dataclasses, tuple, Mapping, Sequence or Collection, and a NewType for each kind of id",
    ),
    Rule(
        "unneeded-contract",
        "a contract that nobody needs restricts its module and serves no one",
        "remove it from `offers`, or ignore this warning if plugins elsewhere need it",
        level=Level.WARNING,
    ),
    Rule(
        "contract-access",
        "what an object has beyond its contract changes without notice, and a fake does not have it",
        "call what the contract declares, or ask for an addition to it",
    ),
    Rule(
        "contract-patch",
        "a class that another module changes behaves differently depending on what else is installed",
        "wrap it in a class of your own, or ask for an addition",
    ),
    Rule(
        "subscription-handler",
        "a handler is looked up when its event is delivered: a missing one fails in production",
        "name an existing method that takes the event",
        Stage.MODULES,
    ),
    Rule(
        "event-cycle",
        "handlers that publish what they handle never end, and hold the publisher's transaction meanwhile",
        "publish another event, or handle the next batch after the commit; none after the last",
        Stage.MODULES,
    ),
    Rule(
        "codeowners",
        "changes to a module without an owner have no reviewer",
        "add a line to CODEOWNERS",
    ),
    Rule(
        "codeowners-order",
        "in a sorted list, two teams rarely add lines at the same place, and a folder comes after its parent",
        "move the line, or remove one of two for the same path",
    ),
    Rule(
        "merge-conflict",
        "a file with conflict markers cannot be read, and the change of one side is lost",
        "run: conduit check --update, which regenerates the generated files; resolve other files by hand",
    ),
    Rule(
        "models-and-migrations",
        "migrations create the database; models that differ from it fail only in production",
        "write a migration",
        Stage.MODULES,
    ),
    Rule(
        "migration-boundary",
        "a revision that uses another module's table fails, or destroys data, when that module changes",
        "change tables, views and triggers named <module>_… only; get others' data by contracts and events",
        Stage.MODULES,
    ),
    Rule(
        "reversible-migration",
        "a release whose schema cannot be restored cannot be rolled back without a backup",
        'undo the upgrade in downgrade(), or declare the reason in the revision: irreversible = "…"',
        Stage.MODULES,
    ),
    Rule(
        "conflicting-revisions",
        "Alembic runs only one of two revisions with the same id, and two heads have no order",
        "set down_revision of the later one to the other, or give it an id of its own: conduit new-migration",
        Stage.MODULES,
    ),
    Rule(
        "released-revision",
        "databases that have run a released revision do not run its changes",
        "restore the file, and write a new revision",
        Stage.BASE,
    ),
    Rule(
        "migration-phase",
        "while a new release is rolled out, the one before it serves requests on the migrated tables",
        'declare phase = "expand", or "contract" and the expand_revision, which an earlier release has',
        Stage.BASE,
    ),
    Rule(
        "expand-step",
        "while a new release is rolled out, the one before it serves requests on the migrated tables",
        'only add to tables; remove and restrict in a later release: phase = "contract"',
        Stage.MODULES,
    ),
    Rule(
        "unchecked-column",
        "a stored count, or an id without a foreign key, that is wrong stays wrong unnoticed",
        "add a check to `checks` in the manifest, or the column and the reason to the schema's `unchecked`",
        Stage.MODULES,
    ),
    Rule(
        "openapi",
        "clients are built from the OpenAPI document; an unnoticed change breaks them",
        "if the change is intended, run: conduit check --update, and review the difference",
        Stage.MODULES,
    ),
    Rule(
        "request-bounds",
        "a body of the maximum size may have half a million items, each validated and each with an error",
        "give the list a max_length, and the string a value object with a LENGTH",
        Stage.MODULES,
    ),
    Rule(
        "plugin-openapi",
        "a plugin may only add to the API; a schema or path with an existing name replaces that one",
        "name routes, operation ids and body classes after the plugin",
        Stage.MODULES,
    ),
    Rule(
        "architecture-docs",
        "an outdated architecture diagram misleads new developers",
        "run: conduit check --update",
        Stage.MODULES,
    ),
    Rule(
        "softened-check",
        "a rule that one line can soften protects nobody",
        "restore it, or write the reason above it: # conduit: allow softened-check: reason",
        Stage.BASE,
    ),
    Rule(
        "suppression",
        "an exception without a reason cannot be reviewed; one of nothing hides what comes later",
        "write `# conduit: allow RULE: reason` on the line of the finding or above it, or remove the comment",
    ),
    Rule(
        "importable",
        "modules that cannot be imported, composed or migrated cannot be checked",
        "fix the error",
    ),
)
