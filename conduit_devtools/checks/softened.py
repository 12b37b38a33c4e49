"""The comparison of the checks' configuration with the base: what a change removes, exempts or disables."""

import configparser
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conduit_devtools.checks.base import Base
from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.imports import PLUGIN_CONTRACTS
from conduit_devtools.checks.source import Checkout

IMPORTS, TOOLS = Path("importlinter.ini"), Path("pyproject.toml")
CONTRACT = "importlinter:contract:"
# Options of import contracts whose entries are exceptions; the entries of all other lists are restrictions.
EXCEPTIONS = frozenset({"allowed_importers", "exhaustive_ignores", "ignore_imports"})
# Options that restrict if they have this value, and their default.
STRICT_VALUES = {
    "allow_indirect_imports": ("false", "false"),
    "as_packages": ("true", "true"),
    "exclude_type_checking_imports": ("false", "false"),
    "exhaustive": ("true", "false"),
    "include_external_packages": ("true", "false"),
    "unmatched_ignore_imports_alerting": ("error", "error"),
}
# Lists of the tools in pyproject.toml, by the last part of their names: entries that are exceptions,
TOOL_EXCEPTIONS = frozenset(
    {
        *("disable_error_code", "exclude", "exclude_also", "exclude_lines", "extend-exclude"),
        *("extend-ignore", "extend-per-file-ignores", "ignore", "omit", "overrides", "per-file-ignores"),
    }
)
# and entries that are restrictions.
TOOL_RESTRICTIONS = frozenset(
    {
        "addopts",
        "enable_error_code",
        "extend-select",
        "files",
        "filterwarnings",
        "select",
        "source",
        "testpaths",
    }
)
# An entry of addopts or filterwarnings that is an exception; `no:` disables a plugin of pytest.
WEAKENING = re.compile(
    r"--(?:deselect|ignore|no-|maxfail|exitfirst)|-[kmxW]\b|(?:-p\s*)?no:|ignore\b|default\b|once\b"
)
# Settings that are an exception if they are true, and those that are a bound which may fall.
LENIENT = re.compile(r"(?:allow|ignore|implicit|no|skip|show_none)_\w+|follow_imports|exit-zero")
MINIMUM = frozenset({"fail_under"})
TOOL_NAMES = ("ruff", "mypy", "pytest", "coverage")
# Files that a tool reads instead of pyproject.toml.
OVERRIDING = frozenset(
    {
        *(".coveragerc", ".mypy.ini", ".pytest.ini", ".ruff.toml", "mypy.ini", "pytest.ini"),
        *("ruff.toml", "setup.cfg", "tox.ini"),
    }
)


def check_softened(checkout: Checkout, base: Base) -> Iterator[Finding]:
    """Yield a finding for every rule of the configuration that the change makes weaker."""
    folders = [Path(), *(plugin.folder.parent.relative_to(checkout.root) for plugin in checkout.plugins)]
    before = base.read([folder / name for folder in folders for name in (IMPORTS, TOOLS)])
    for file, old in before.items():
        path = checkout.root / file
        new = path.read_text(encoding="utf-8") if path.exists() else ""
        if new != old:
            # Those of the preset apply to every plugin, whatever its own file says.
            preset = _sections(PLUGIN_CONTRACTS.read_text(encoding="utf-8")) if file.parent.parts else {}
            try:
                differences = list(
                    _imports(old, new, preset) if file.name == IMPORTS.name else _tools(old, new)
                )
            except (configparser.Error, tomllib.TOMLDecodeError) as error:
                differences = [((), f"the file cannot be read: {' '.join(str(error).split())}")]
            for entry, message in differences:
                yield Finding(RULES["softened-check"], file, _line(new, entry), message)
    for file in base.changed():
        if file.name in OVERRIDING and (checkout.root / file).exists():
            message = f"{file} replaces the settings in {TOOLS}"
            yield Finding(RULES["softened-check"], file, 1, message)


def _line(text: str, entry: Sequence[str]) -> int:
    """Return the line of the last of these texts, each searched after the one before; 1 if there is none."""
    number = 0
    lines = text.splitlines()
    for part in entry:
        following = (line for line in range(number, len(lines)) if part in lines[line].partition("#")[0])
        number = next(following, number)
    return number + 1


# Import contracts.


def _imports(old: str, new: str, preset: Collection[str]) -> Iterator[tuple[Sequence[str], str]]:
    """Yield the place and message of each import contract that became weaker, except those of the preset."""
    before = {name: section for name, section in _sections(old).items() if name not in preset}
    after = _sections(new)
    moved = [_body(section) for name, section in after.items() if name not in before]
    for name, section in before.items():
        title = name.removeprefix(CONTRACT)
        if name not in after:
            # Renamed: the same restrictions under another id.
            if _body(section) not in moved:
                yield (), f"the import contract {title} was removed"
            continue
        for option in dict.fromkeys((*section, *after[name])):
            for entry, problem in _option(option, section.get(option), after[name].get(option)):
                yield (f"[{name}]", option, entry), f"{title}: {problem}"


def _sections(text: str) -> Mapping[str, Mapping[str, str]]:
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


def _body(section: Mapping[str, str]) -> Mapping[str, str]:
    return {option: value for option, value in section.items() if option != "name"}


def _option(option: str, old: str | None, new: str | None) -> Iterator[tuple[str, str]]:
    """Yield the entry and the problem of each difference of an option that makes it weaker."""
    if option == "name" or old == new:
        return
    if option in STRICT_VALUES:
        strict, default = STRICT_VALUES[option]
        if (new or default).lower() != strict:
            yield option, f"{option} is {new or 'removed'}"
        return
    entries, others = _entries(old), _entries(new)
    if option in EXCEPTIONS:
        yield from ((entry, f"{option} has a new entry: {entry}") for entry in others if entry not in entries)
        return
    kept = [entry for entry in others if entry in entries]
    for entry in entries:
        if entry not in others:
            yield option, f"{option} has no longer the entry {entry}"
    # The order of layers is the rule.
    if option == "layers" and kept != [entry for entry in entries if entry in others]:
        yield option, "the layers are in another order"


def _entries(value: str | None) -> Sequence[str]:
    return [entry for line in (value or "").splitlines() if (entry := line.partition("#")[0].strip())]


# Tools.


def _tools(old: str, new: str) -> Iterator[tuple[Sequence[str], str]]:
    """Yield the place and the message of each setting of a tool that became weaker."""
    before, after = _settings(old), _settings(new)
    for name in dict.fromkeys((*before, *after)):
        tool, last = name.partition(".")[0], name.rpartition(".")[2]
        for entry, problem in _setting(name, before.get(name), after.get(name)):
            yield (f"[tool.{tool}", last, entry), f"{name}: {problem}"


def _settings(text: str) -> Mapping[str, Any]:
    """Return the settings of the tools by their full names; lists of tables and of codes as lists of text."""
    tools = tomllib.loads(text).get("tool", {})
    return {
        f"{tool}.{name}": value for tool in TOOL_NAMES for name, value in _flat(tools.get(tool, {})).items()
    }


def _flat(table: Mapping[str, Any]) -> Mapping[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if name.endswith("per-file-ignores"):
            # One exception for each pattern and code.
            flat[name] = [f"{pattern}: {code}" for pattern, codes in value.items() for code in codes]
        elif isinstance(value, dict):
            flat |= {f"{name}.{inner}": setting for inner, setting in _flat(value).items()}
        else:
            flat[name] = [str(item) for item in value] if isinstance(value, list) else value
    return flat


def _setting(name: str, old: Any, new: Any) -> Iterator[tuple[str, str]]:
    """Yield the entry and the problem of each difference of a setting that makes it weaker."""
    last = name.rpartition(".")[2]
    if last in TOOL_EXCEPTIONS | TOOL_RESTRICTIONS:
        yield from _list(last, _words(old), _words(new))
    elif old != new and _is_weaker(last, old, new):
        yield "", f"is {new}, and was {old}"


def _list(last: str, old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str]]:
    for entry in new:
        if entry not in old and (last in TOOL_EXCEPTIONS or WEAKENING.match(entry)):
            yield entry.rpartition(": ")[2], f"new entry {entry}"
    for entry in old:
        if entry not in new and last in TOOL_RESTRICTIONS and not WEAKENING.match(entry):
            yield "", f"no longer the entry {entry}"


def _is_weaker(last: str, old: Any, new: Any) -> bool:
    if LENIENT.fullmatch(last):
        return bool(new)
    if isinstance(old, bool) or isinstance(new, bool):
        return not new
    before, after = _number(old), _number(new)
    if before is None:
        return False
    # A bound without a value is none.
    return after is None or (after < before if last in MINIMUM else after > before)


def _number(value: Any) -> float | None:
    """Return the value of a bound, which pytest's settings have as text."""
    return float(value) if isinstance(value, int | float) or str(value).isdigit() else None


def _words(value: Any) -> Sequence[str]:
    return value.split() if isinstance(value, str) else (value or ())
