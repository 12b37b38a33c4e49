"""The plan of a new module: its files, rendered from templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from conduit_app.contract_versions import contract_version
from conduit_app.discovery import manifest
from conduit_devtools.scaffold.naming import ModuleName

TEMPLATES = Path(__file__).parent / "templates"
SUFFIX = ".template"


@dataclass(frozen=True, slots=True)
class Plan:
    """The files of a new module. Paths are relative to the root of the checkout, or absolute."""

    name: ModuleName
    package: str
    folders: Sequence[Path]
    """The new folders. CODEOWNERS gets a line for the first."""

    texts: Mapping[Path, str]
    """The files in the folders."""

    documented: bool
    """Whether the snapshots in docs/ contain the module. They do not contain plugins, which are optional."""

    next_steps: str


def plan_in_tree(name: ModuleName) -> Plan:
    """Return the plan of a module in modules/, with its tests in tests/."""
    module, tests = Path("modules", name.text), Path("tests", name.text)
    templates = _Templates(name, f"modules.{name.text}")
    return Plan(
        name=name,
        package=templates.package,
        folders=[module, tests],
        texts={
            **templates.folder("package", module),
            **templates.folder("tests", tests),
            **templates.folder("tree/package", module),
            **templates.folder("tree/tests", tests),
        },
        documented=True,
        next_steps=_steps(
            f"Generated {module} and {tests}; added {name.text} to CODEOWNERS and docs/.",
            {
                "make test": "passes without changes",
                "make run": f"serves POST and GET /api/{name.text}",
                f"{module / 'domain'}": "contains an Entry: replace it with your domain",
                "CODEOWNERS, module.py": f"name @conduit/{name.text}: replace it with your team",
            },
        ),
    )


def plan_plugin(name: ModuleName, folder: Path | None = None) -> Plan:
    """Return the plan of a distribution with its tests inside; default: in plugins/ of a checkout."""
    root = folder or Path("plugins", name.text)
    templates = _Templates(name, f"conduit_{name.text}")
    package = root / templates.package
    # pytest collects the tests of several plugins together: file names must be unique.
    tests = {
        path.with_name(path.name.replace("test_", f"test_{name.text}_")): text
        for path, text in templates.folder("tests", root / "tests").items()
    }
    return Plan(
        name=name,
        package=templates.package,
        folders=[root],
        texts={
            **templates.folder("plugin", root),
            **templates.folder("package", package),
            package / "py.typed": "",
            **tests,
        },
        documented=False,
        next_steps=_steps_in_checkout(name, root, package) if folder is None else _steps_outside(name, root),
    )


def _steps_in_checkout(name: ModuleName, root: Path, package: Path) -> str:
    return _steps(
        f"Generated {root}; added {name.text} to CODEOWNERS.",
        {
            "make test": "passes without changes",
            f"cd {root} && ../../.venv/bin/python -m pytest": "tests the plugin alone",
            f".venv/bin/pip install -e {root} --no-deps --no-build-isolation": "installs the plugin",
            "make run": f"serves POST and GET /api/{name.text}, once installed",
            f"{package / 'domain'}": "contains an Entry: replace it with your domain",
            "CODEOWNERS, module.py": f"name @conduit/{name.text}: replace it with your team",
        },
    )


def _steps_outside(name: ModuleName, root: Path) -> str:
    return _steps(
        f"Generated {root}.",
        {
            f"cd {root}": "contains all of the following",
            "python -m pytest": "passes without changes",
            "conduit check": "passes, too: the rules of Conduit's own modules",
            "pip install -e .": "installs the plugin",
            "conduit migrate && conduit serve": f"serves POST and GET /api/{name.text}",
            f"conduit_{name.text}/domain": "contains an Entry: replace it with your domain",
        },
    )


def _steps(summary: str, steps: Mapping[str, str]) -> str:
    width = max(map(len, steps))
    return "\n".join([summary, "Next:", *(f"  {step:<{width}}  {note}" for step, note in steps.items())])


@dataclass(frozen=True, slots=True)
class _Templates:
    name: ModuleName
    package: str

    def _built_with(self) -> str:
        """Return the argument that only the manifest of a plugin has."""
        if self.package.startswith("modules."):
            return ""
        return f'\n    built_with={{"users": "{contract_version(manifest("modules.users.module"))}"}},'

    def folder(self, source: str, target: Path) -> dict[Path, str]:
        """Return the rendered files of a template folder, by their paths in the target."""
        root = TEMPLATES / source
        return {
            target / path.relative_to(root).with_suffix(""): self._render(path)
            for path in sorted(root.rglob(f"*{SUFFIX}"))
        }

    def _render(self, template: Path) -> str:
        return Template(template.read_text(encoding="utf-8")).substitute(
            name=self.name.text,
            camel=self.name.camel,
            plain=self.name.plain,
            title=self.name.plain.capitalize(),
            distribution=self.name.text.replace("_", "-"),
            package=self.package,
            built_with=self._built_with(),
        )
