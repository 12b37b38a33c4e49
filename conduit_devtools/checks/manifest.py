"""Arguments in the source of a manifest. Nothing is imported or run."""

import ast
from collections.abc import Iterator, Mapping

from conduit_devtools.checks.source import ModuleSource, SourceFile, text_of


def manifest_argument(module: ModuleSource, argument: str) -> tuple[SourceFile, ast.expr] | None:
    """Return the value of an argument of `Module` in module.py, or the call; None if there is none."""
    for file, call in _calls(module):
        values = (keyword.value for keyword in call.keywords if keyword.arg == argument)
        return file, next(values, call)
    return None


def _calls(module: ModuleSource) -> Iterator[tuple[SourceFile, ast.Call]]:
    for file in module.files:
        if file.path == module.folder / "module.py":
            yield from ((file, call) for name, call in file.calls if name == "Module")


def manifest_keys(module: ModuleSource, argument: str) -> Mapping[str, tuple[SourceFile, ast.expr]]:
    """Return the string keys of a dictionary that the manifest passes as this argument, with their places."""
    return {
        text: (file, key)
        for file, call in _calls(module)
        for keyword in call.keywords
        if keyword.arg == argument and isinstance(keyword.value, ast.Dict)
        for key in keyword.value.keys
        if key is not None and (text := text_of(key))
    }
