"""The check that operations that write require authentication, except those that a manifest names."""

from collections.abc import Iterator
from pathlib import Path

from conduit_devtools.architecture.openapi_changes import Json
from conduit_devtools.checks.compatibility.http import is_authenticated, operations
from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.manifest import manifest_keys
from conduit_devtools.checks.source import Checkout

EXCEPTIONS = "unauthenticated"
"""The argument of the manifest that names operations without authentication, and the reason of each."""

MUTATING = frozenset({"delete", "patch", "post", "put"})


def check_authentication(checkout: Checkout, document: Json) -> Iterator[Finding]:
    """Yield the findings on an OpenAPI document: unauthenticated operations, and exceptions without one."""
    exceptions = {
        name: place
        for module in checkout.modules
        for name, place in manifest_keys(module, EXCEPTIONS).items()
    }
    public = {
        f"{method.upper()} {path}": operation
        for path, method, operation in operations(document)
        if not is_authenticated(operation)
    }
    for name, operation in public.items():
        if name.partition(" ")[0].lower() in MUTATING and name not in exceptions:
            yield _finding(checkout, name, operation["operationId"])
    for name, (file, node) in exceptions.items():
        if name not in public:
            message = f"{name} is named as unauthenticated, but there is no such operation"
            yield file.finding("authentication", node, message)


def _finding(checkout: Checkout, name: str, operation_id: str) -> Finding:
    message = f"{name} requires no authentication"
    for module in checkout.modules:
        for file in module.files:
            for text, node in file.strings:
                if text == operation_id:
                    return file.finding("authentication", node, message)
    return Finding(RULES["authentication"], Path("modules", "__init__.py"), 1, message)
