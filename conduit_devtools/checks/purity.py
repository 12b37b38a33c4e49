"""The check that domain and contracts compute only: an allowlist of imports, and of names by use."""

import ast
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from conduit_devtools.checks.finding import Finding
from conduit_devtools.checks.source import Checkout, SourceFile, text_of

LAYERS = {"domain": "domain", "domain.py": "domain", "contracts": "contracts", "contracts.py": "contracts"}
EVERYTHING: frozenset[str] = frozenset()
"""Instead of the allowed names of a package."""

# What domain and contracts may import besides contracts and domains, with the names that they may use: code
# whose result depends on its arguments only. Neither time, randomness, input, output nor threads.
ALLOWED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                # Types and classes.
                *("__future__", "abc", "collections", "dataclasses", "enum", "numbers", "types", "typing"),
                # Functions and iteration.
                *("bisect", "contextlib", "copy", "functools", "heapq", "itertools", "operator"),
                # Numbers and times: `datetime` without the clock, see CLOCKS.
                *("datetime", "decimal", "fractions", "math", "statistics", "zoneinfo"),
                # Text and bytes.
                *("base64", "binascii", "difflib", "hashlib", "hmac", "html", "ipaddress", "json", "re"),
                *("string", "struct", "textwrap", "unicodedata", "zlib"),
            ),
            EVERYTHING,
        ),
        # Limits on concurrent use cases, and work in a thread; no sleep, no tasks, no streams.
        "asyncio": frozenset({"CancelledError", "Lock", "Semaphore", "timeout", "to_thread"}),
        "pathlib": frozenset({"PurePath", "PurePosixPath"}),
        "urllib": frozenset({"parse"}),
        "uuid": frozenset({"UUID", "uuid3", "uuid5"}),
        # Values that RFCs define, too large to write again: host names and URLs, addresses, slugs.
        **dict.fromkeys(("ada_url", "email_validator", "slugify"), EVERYTHING),
    }
)
# The caller of the current request is known to the whole request: domain/identity.py.
ALLOWED_IN_KERNEL = MappingProxyType({**ALLOWED, "contextvars": EVERYTHING})
CLOCKS = frozenset({"datetime.now", "datetime.utcnow", "datetime.today", "date.today"})
# `eval`, `exec` and `__import__` are dynamic imports.
IMPURE_FUNCTIONS = frozenset({"__builtins__", "breakpoint", "input", "open", "print"})


def check_purity(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for each import and use of anything but pure code in domain and contracts."""
    # The import contracts restrict the imports within the project.
    project = {"modules", *(package.folder.name for package in (*checkout.programs, *checkout.plugins))}
    for module in (checkout.kernel, *checkout.modules):
        allowed = ALLOWED_IN_KERNEL if module is checkout.kernel else ALLOWED
        for file in module.files:
            if layer := LAYERS.get(file.path.relative_to(module.folder).parts[0]):
                for node, name in _imports(file, allowed, project):
                    yield file.finding("pure-domain", node, f"the {layer} of {module.name} imports {name}")
                for node, name in _uses(file, allowed):
                    yield file.finding("pure-domain", node, f"the {layer} of {module.name} uses {name}")


def _imports(
    file: SourceFile, allowed: Mapping[str, frozenset[str]], project: set[str]
) -> Iterator[tuple[ast.AST, str]]:
    """Yield each import that is not allowed, with its name, once for a statement and package."""
    seen = set()
    for name, statement in file.imports():
        package = name.partition(".")[0]
        if package in project or (package, statement) in seen:
            continue
        if package not in allowed or not _is_allowed(name, allowed):
            seen.add((package, statement))
            yield statement, name


def _uses(file: SourceFile, allowed: Mapping[str, frozenset[str]]) -> Iterator[tuple[ast.AST, str]]:
    """Yield each use of a clock, of a function with effects, and of a name that its package may not give."""
    for variable in file.nodes(ast.Name):
        if variable.id in IMPURE_FUNCTIONS and isinstance(variable.ctx, ast.Load):
            yield variable, variable.id
    names: list[tuple[ast.AST, str]] = [(node, file.full_name(node)) for node in file.nodes(ast.Attribute)]
    names += [
        (call, f"{file.full_name(call.args[0])}.{text_of(call.args[1])}")
        for function, call in file.calls
        if function == "getattr" and len(call.args) > 1 and file.full_name(call.args[0])
    ]
    for node, name in names:
        is_clock = ".".join(name.split(".")[-2:]) in CLOCKS
        if is_clock or (name.partition(".")[0] in allowed and not _is_allowed(name, allowed)):
            yield node, name


def _is_allowed(name: str, allowed: Mapping[str, frozenset[str]]) -> bool:
    """Return whether a full name, such as `asyncio.Lock`, is that of its package or allowed in it."""
    package, _, rest = name.partition(".")
    names = allowed[package]
    return not rest or names is EVERYTHING or rest.partition(".")[0] in names
