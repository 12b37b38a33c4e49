"""The check that repositories leave commits and rollbacks to the unit of work."""

import ast
from collections.abc import Iterator

from conduit_devtools.checks.finding import Finding
from conduit_devtools.checks.source import Checkout, SourceFile

ENDS = frozenset({"commit", "rollback"})


def check_transactions(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for each statement of a module's infrastructure that ends a transaction."""
    for module in checkout.modules:
        for file in module.files:
            if file.path.is_relative_to(module.folder / "infrastructure"):
                for node, name in _ends(file):
                    message = f"{module.name} ends the transaction of its caller: {name}"
                    yield file.finding("unit-of-work", node, message)


def _ends(file: SourceFile) -> Iterator[tuple[ast.AST, str]]:
    for name, call in file.calls:
        if name in ENDS and isinstance(call.func, ast.Attribute):
            yield call, f"{ast.unparse(call.func)}()"
    # Also as SQL, and as the name in getattr.
    for text, node in file.strings:
        if text.strip(" ;").lower() in ENDS:
            yield node, ast.unparse(node)
