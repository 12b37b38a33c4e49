"""The comparison of settings."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import griffe

from conduit_devtools.checks.compatibility.change import Change, Verdict
from conduit_devtools.checks.compatibility.fields import Field, Use, compare_fields, fields_of
from conduit_devtools.checks.compatibility.types import Scope
from modules.kernel.infrastructure.settings import PREFIX

BASE_CLASS = "modules.kernel.infrastructure.settings.ModuleSettings"
OPERATORS = "operators"


def compare_settings(old: Mapping[Path, str], new: Mapping[Path, str], default: Path) -> Iterator[Change]:
    """Yield the changes of the settings in files of a module; those of removed ones are at `default`."""
    before, after = _settings(old), _settings(new)
    differences = compare_fields(
        {name: field for name, (field, _) in before.items()},
        {name: field for name, (field, _) in after.items()},
        Use.CONFIGURED,
        positional=False,
    )
    for change in differences:
        name = change.field if change.field in after else change.what.removeprefix("renamed to ")
        file = after[name][1] if name in after else default
        verdict = Verdict.BREAKING if change.breaking else Verdict.ADDITIVE
        yield Change(change.field, change.what, verdict, file, change.line or 1, (OPERATORS,))


def _settings(files: Mapping[Path, str]) -> Mapping[str, tuple[Field, Path]]:
    """Return the settings, by the name of their environment variable, with the file of each."""
    settings = {}
    for path, text in files.items():
        if "ModuleSettings" not in text:
            continue
        module = griffe.visit(path.stem, filepath=path, code=text)
        scope = Scope.of(module)
        for definition in module.members.values():
            if isinstance(definition, griffe.Class) and BASE_CLASS in map(_full_name, definition.bases):
                for field in fields_of(definition, scope).values():
                    name = f"{PREFIX}{field.name.upper()}"
                    settings[name] = (replace(field, name=name), path)
    return settings


def _full_name(base: griffe.Expr | str) -> str:
    return base.canonical_path if isinstance(base, griffe.Expr) else base
