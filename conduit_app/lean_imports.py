"""Libraries imported without the optional packages that they import if installed, and Conduit does not use.

Together they take 8 MB of each process. To be imported before anything else imports these libraries.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """Let imports of these packages fail in the block, as if they were not installed.

    Those that are imported already remain. By None in `sys.modules`:
    https://docs.python.org/3/reference/import.html#the-module-cache
    """
    absent = dict.fromkeys(package for package in packages if package not in sys.modules)
    sys.modules.update(absent)  # type: ignore[arg-type] # its type has no None
    try:
        yield
    finally:
        for package in absent:
            del sys.modules[package]


# For tracebacks with local variables on a terminal, which would show passwords.
with without("rich"):
    import structlog
# For injection into functions of Flask, and for settings in YAML files.
with without("werkzeug", "yaml"):
    from dependency_injector import containers

__all__ = ["containers", "structlog"]
