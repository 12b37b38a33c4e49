"""What is to be written for a new module: the templates, filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from conduit_devtools.scaffold.naming import ModuleName

TEMPLATES = Path(__file__).parent / "templates"
SUFFIX = ".template"


@dataclass(frozen=True, slots=True)
class Plan:
    """A new module before it is written. Paths are relative to the root of the checkout."""

    name: ModuleName
    package: str
    folders: Sequence[Path]
    """What must not be there yet, and will be. The first is the owners'."""

    texts: Mapping[Path, str]
    """Every file of the folders."""

    in_document: bool
    """Whether docs/ shows the module. It shows those of the tree only: plugins come and go."""

    next_steps: str


def plan_in_tree(name: ModuleName) -> Plan:
    """Return the plan of a module in modules/, with its proofs in tests/."""
    module, tests = Path("modules", name.text), Path("tests", name.text)
    filled = _Filled(name, f"modules.{name.text}")
    return Plan(
        name=name,
        package=filled.package,
        folders=[module, tests],
        texts={
            **filled.folder("package", module),
            **filled.folder("tests", tests),
            **filled.folder("tree/package", module),
            **filled.folder("tree/tests", tests),
        },
        in_document=True,
        next_steps=_steps(
            f"{module} and {tests} are written, {name.text} is in CODEOWNERS and in docs/.",
            {
                "make test": "passes as it is",
                "make run": f"serves POST and GET /api/{name.text}",
                f"{module / 'domain'}": "holds an Entry: make it what your module is about",
                "CODEOWNERS": f"says @conduit/{name.text}: name your team",
            },
        ),
    )


def plan_plugin(name: ModuleName) -> Plan:
    """Return the plan of a distribution in plugins/, with its proofs in it."""
    root = Path("plugins", name.text)
    filled = _Filled(name, f"conduit_{name.text}")
    package = root / filled.package
    # Read together with those of other plugins, its proofs need names of their own.
    tests = {
        path.with_name(path.name.replace("test_", f"test_{name.text}_")): text
        for path, text in filled.folder("tests", root / "tests").items()
    }
    return Plan(
        name=name,
        package=filled.package,
        folders=[root],
        texts={
            **filled.folder("plugin", root),
            **filled.folder("package", package),
            package / "py.typed": "",
            **tests,
        },
        in_document=False,
        next_steps=_steps(
            f"{root} is written, and {name.text} is in CODEOWNERS.",
            {
                "make test": "passes as it is",
                f"cd {root} && ../../.venv/bin/python -m pytest": "proves the plugin by itself",
                f".venv/bin/pip install -e {root} --no-deps --no-build-isolation": "installs it here",
                "make run": f"serves POST and GET /api/{name.text}, once it is installed",
                f"{package / 'domain'}": "holds an Entry: make it what your plugin is about",
                "CODEOWNERS": f"says @conduit/{name.text}: name your team",
            },
        ),
    )


def _steps(done: str, steps: Mapping[str, str]) -> str:
    width = max(map(len, steps))
    return "\n".join([done, "Next:", *(f"  {step:<{width}}  {why}" for step, why in steps.items())])


@dataclass(frozen=True, slots=True)
class _Filled:
    name: ModuleName
    package: str

    def folder(self, templates: str, target: Path) -> dict[Path, str]:
        """Return the files of a folder of templates, by where they go."""
        root = TEMPLATES / templates
        return {
            target / path.relative_to(root).with_suffix(""): self._filled(path)
            for path in sorted(root.rglob(f"*{SUFFIX}"))
        }

    def _filled(self, template: Path) -> str:
        return Template(template.read_text(encoding="utf-8")).substitute(
            name=self.name.text,
            camel=self.name.camel,
            plain=self.name.plain,
            title=self.name.plain.capitalize(),
            distribution=self.name.text.replace("_", "-"),
            package=self.package,
        )
