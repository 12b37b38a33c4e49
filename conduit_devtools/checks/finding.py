"""A breach of the architecture, and the rules that there are."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the house: why it is one, and what to do instead of breaking it."""

    id: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach: where, of which rule, and what it is."""

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
        "code that imports a layer above it cannot be installed or tested without that layer",
        "in a module, take it through a slot of the container; keep what needs conduit_devtools in there",
    ),
    Rule(
        "layers",
        "whoever knows one module knows them all, and rules stay free of frameworks and storage",
        "put the code into its room: fakes > module > container > api | infrastructure > domain > contracts",
    ),
    Rule(
        "boundary",
        "a team changes its internals without asking; only contracts are promises",
        "import modules.<other>.contracts, need a contract in your manifest, or subscribe to an event",
    ),
    Rule(
        "package-root",
        "a package root that re-exports is a second, unwatched public surface",
        "import from the module's contracts.py by its whole name",
    ),
    Rule(
        "kernel-layers",
        "what leans on the kernel's storage or HTTP is as little free of them as what does it itself",
        "declare a Protocol in domain/, or import from the kernel's room of the same name",
    ),
    Rule(
        "no-cycles",
        "modules in a circle can only be understood, tested and released together",
        "let one side publish an event, or move the shared idea into the contract of the lower one",
    ),
    Rule(
        "kernel",
        "everybody depends on the kernel; if it knew one module, everybody would depend on that one",
        "declare a Protocol in the kernel and let the module offer it",
    ),
    Rule(
        "framework-free",
        "rules that know no framework outlive it, and are tested without it",
        "declare a Protocol in domain/ and implement it in infrastructure/ or api/",
    ),
    Rule(
        "sqlalchemy-in-infrastructure",
        "one room knows the database, so one room changes with it",
        "put the query into infrastructure/ behind a Protocol of domain/",
    ),
    Rule(
        "fastapi-in-api",
        "one room knows HTTP, so rules can be called without it",
        "raise a domain error, and let api/ translate",
    ),
    Rule(
        "manifest-only",
        "the application assembles modules it does not understand; so any of them can be left out",
        "put what the application needs into the manifest, module.py",
    ),
    Rule(
        "plugin-contracts",
        "a plugin is another team's, and its own contracts say what it may import",
        "keep the contracts of the plugin's importlinter.ini; plugins/bookmarks shows what they are",
    ),
    Rule(
        "fakes",
        "a fake stands for its contract alone, and forgets everything: it is for tests, of any module",
        "in a fake, use contracts and the kernel's domain; in a module, need the contract in its manifest",
    ),
    Rule(
        "dynamic-import",
        "an import that is a string is invisible to every contract",
        "import statically, or take it through a slot of the container",
    ),
    Rule(
        "table-prefix",
        "the prefix says whose table it is, in the database too",
        "name the table <module>_<thing>",
    ),
    Rule(
        "foreign-key",
        "a foreign key into another module's table makes both one module, for good",
        "keep the id as a plain integer, and subscribe to the event that says the row is gone",
    ),
    Rule(
        "relationship",
        "an ORM relationship loads another module's rows past its contract",
        "ask the other module's contract for a whole set of ids",
    ),
    Rule(
        "raw-sql",
        "SQL that names another module's table breaks when that team changes it",
        "ask the other module's contract, or keep a copy by its events",
    ),
    Rule(
        "event-shape",
        "events are stored and sent: they must be facts that survive as JSON, declared where others look",
        "declare a frozen dataclass of ids and plain values in contracts.py, and list it in `publishes`",
    ),
    Rule(
        "event-schema",
        "subscribers of other teams, and events stored yesterday, rely on the fields",
        "add an event instead of changing one; if it is meant, run: conduit check --update",
    ),
    Rule(
        "contract-takes-collections",
        "a method that takes one id is called in a loop, and then in a query for every row",
        "take a Collection of ids and return a Mapping; only `viewer` is one",
    ),
    Rule(
        "codeowners",
        "a module that nobody owns is nobody's to review",
        "add a line to CODEOWNERS",
    ),
    Rule(
        "models-and-migrations",
        "a database is made by migrations; models that differ from it fail in production only",
        "write a migration",
    ),
    Rule(
        "openapi",
        "frontends are built from the document; a change that nobody saw is an outage of theirs",
        "if it is meant, run: conduit check --update, and review the difference",
    ),
    Rule(
        "plugin-openapi",
        "a plugin may add to the API; a schema or path of its that is called like another's replaces it",
        "name routes, operation ids and the classes of bodies after the plugin",
    ),
    Rule(
        "architecture-docs",
        "a picture of the house that is not the house misleads whoever is new",
        "run: conduit check --update",
    ),
    Rule(
        "importable",
        "nothing can be checked of modules that cannot be imported, composed or migrated",
        "mend the error",
    ),
)
