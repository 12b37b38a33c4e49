"""The commands of developers: conduit_app/cli.py imports them when they are called."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from conduit_app.commands.errors import reporting_errors
from conduit_app.commands.fail import fail
from conduit_app.gc_paused import gc_paused
from conduit_app.migrations.new_revision import write_revision
from conduit_devtools.affected.report import AffectedFormat, render_affected, summary
from conduit_devtools.affected.selection import select
from conduit_devtools.checks.against_base import check_against
from conduit_devtools.checks.base import Base, UnknownBase
from conduit_devtools.checks.compatibility.change import IncomparableFile
from conduit_devtools.checks.compatibility.comparison import compare, raise_versions
from conduit_devtools.checks.compatibility.findings import check_compatibility
from conduit_devtools.checks.compatibility.verdict import ModuleVerdict
from conduit_devtools.checks.finding import UNREADABLE
from conduit_devtools.checks.migration_files import MIGRATIONS
from conduit_devtools.checks.outcome import Outcome
from conduit_devtools.checks.owners import Owners
from conduit_devtools.checks.plugin import NotAPlugin, PluginCheckout
from conduit_devtools.checks.report import ReportFormat, fails, render
from conduit_devtools.checks.runtime_checks import check_all, snapshots
from conduit_devtools.checks.source import Checkout
from conduit_devtools.checks.static_checks import check_static, own_findings
from conduit_devtools.checks.suppressions import new_suppressions, suppressions, unsuppressed
from conduit_devtools.scaffold.naming import InvalidModule, ModuleName
from conduit_devtools.scaffold.plan import Plan, plan_in_tree, plan_plugin
from conduit_devtools.scaffold.writing import require_this_checkout, write_module, write_plugin

# Those of plugins, and of checkouts.
SOURCE_SUBJECTS = ("imports, layout, tables, contracts", "owners")
RUNTIME_SUBJECTS = ("wiring, migrations, OpenAPI document", "snapshots")

commands = typer.Typer(rich_markup_mode="markdown")


@commands.command()
def check(
    folder: Annotated[
        Path,
        typer.Argument(help="A checkout of Conduit, or a plugin's distribution, which is anywhere."),
    ] = Path(),
    form: Annotated[ReportFormat, typer.Option("--format", help="Format of the report.")] = ReportFormat.TEXT,
    sources: Annotated[bool, typer.Option("--sources", help="Run the static checks only: faster.")] = False,
    update: Annotated[
        bool,
        typer.Option(
            "--update",
            help="First raise the minor versions of contracts and regenerate the snapshots: "
            "OpenAPI document, architecture diagram.",
        ),
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(
            "--against", help="Revision of git to compare with. Default: the merge base with main, if any."
        ),
    ] = None,
) -> None:
    """Check the architecture of a checkout, or of a plugin.

    Example: conduit check ../conduit-notes
    """
    started = time.perf_counter()
    checkout = _checkout_or_plugin(folder)
    base = None if checkout.is_plugin else _base(checkout, against)
    with reporting_errors(), gc_paused():
        if update:
            written = snapshots(checkout).write(checkout.root)
            for path in (*written, *(raise_versions(checkout, base) if base else ())):
                typer.echo(f"wrote {path}", err=True)
        findings = [*(own_findings(checkout, check_static(checkout)) if sources else check_all(checkout))]
        verdicts = None
        readable = not any(finding.rule.id in UNREADABLE for finding in findings)
        if base is not None and readable:
            verdicts = _compared(checkout, base)
            compared = [*check_compatibility(checkout, verdicts), *check_against(checkout, base)]
            findings += unsuppressed(checkout, compared)
        listed = suppressions(checkout) if readable else ()
        new = new_suppressions(listed, base) if base is not None else ()
    typer.echo(render(Outcome(findings, Owners.read(checkout.root), listed, new, verdicts), form))
    typer.echo(_summary(checkout, time.perf_counter() - started, sources=sources), err=True)
    if listed:
        count = f"exceptions from rules: {len(listed)}" + (f", {len(new)} new" if base is not None else "")
        typer.echo(f"{count}; to list them: conduit check --format json", err=True)
    if fails(findings):
        raise typer.Exit(1)


@commands.command()
def affected(
    against: Annotated[
        str | None,
        typer.Option(
            "--against", help="Revision of git to compare with. Default: the merge base with main, if any."
        ),
    ] = None,
    form: Annotated[
        AffectedFormat,
        typer.Option("--format", help="Format of the report; `tests` prints paths, for make test-affected."),
    ] = AffectedFormat.TEXT,
) -> None:
    """Print the modules that a change affects, and the tests that can see it.

    Example: conduit affected --against origin/main
    """
    checkout = _checkout(Path.cwd())
    with reporting_errors(), gc_paused():
        base = _base(checkout, against)
        if base is None:
            fail("there is no base to compare with; pass --against REVISION")
        selected = select(checkout, base.changed())
    if form is AffectedFormat.TESTS:
        typer.echo(summary(selected), err=True)
    typer.echo(render_affected(selected, form))


@commands.command(name="new-module")
def new_module_command(
    name: Annotated[str, typer.Argument(help="Name of the module, in lower case, such as reading_notes.")],
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="With --plugin: its new folder, anywhere. Default: plugins/NAME of the checkout."
        ),
    ] = None,
    plugin: Annotated[bool, typer.Option("--plugin", help="Generate a separate distribution.")] = False,
) -> None:
    """Generate a small, complete module to start from.

    Example: conduit new-module notes --plugin ../conduit-notes
    """
    if folder is not None and not plugin:
        fail("a module of the checkout is in modules/; only a --plugin has a folder")
    with reporting_errors():
        try:
            plan = _generate(ModuleName(name), folder, plugin=plugin)
        except InvalidModule as error:
            fail(str(error))
    typer.echo(plan.next_steps)


@commands.command(name="new-migration")
def new_migration_command(
    module: Annotated[str, typer.Argument(help="Name of the module, such as notes.")],
    message: Annotated[str, typer.Argument(help="What the migration does, such as 'Add moods'.")],
) -> None:
    """Generate an empty migration after the module's last one, in a checkout or in a plugin's folder.

    Example: conduit new-migration notes 'Add moods'
    """
    checkout = _checkout_or_plugin(Path())
    sources = [*checkout.modules] if checkout.is_plugin else [checkout.kernel, *checkout.modules]
    folders = {source.name: source.folder for source in sources}
    if module not in folders:
        fail(f"there is no module {module} in this folder")
    with reporting_errors():
        path = write_revision(folders[module] / MIGRATIONS, message)
    typer.echo(f"wrote {path.relative_to(checkout.root)}")


def _generate(name: ModuleName, folder: Path | None, *, plugin: bool) -> Plan:
    if folder is not None:
        plan = plan_plugin(name, folder.absolute())
        write_plugin(plan)
        return plan
    checkout = _checkout(Path.cwd())
    plan = plan_plugin(name) if plugin else plan_in_tree(name)
    require_this_checkout(checkout)
    write_module(checkout, plan)
    return plan


def _summary(checkout: Checkout, seconds: float, *, sources: bool) -> str:
    files = sum(len(package.files) for package in checkout.packages)
    checked = [SOURCE_SUBJECTS] if sources else [SOURCE_SUBJECTS, RUNTIME_SUBJECTS]
    subjects = ", ".join(name for names in checked for name in names[: 1 if checkout.is_plugin else None])
    names = ", ".join(package.name for package in checkout.packages)
    return f"checked {subjects} of {files} Python files in {seconds:.1f} s: {names}"


def _compared(checkout: Checkout, base: Base) -> Sequence[ModuleVerdict]:
    try:
        return compare(checkout, base)
    except IncomparableFile as error:
        fail(f"cannot compare with the base: {error}")


def _base(checkout: Checkout, revision: str | None) -> Base | None:
    try:
        return Base.find(checkout.root, revision)
    except UnknownBase as error:
        if revision is not None:
            fail(f"cannot compare with {revision}: {error}")
        typer.echo(f"not compared with a base: {error}", err=True)
        return None


def _checkout_or_plugin(folder: Path) -> Checkout:
    if not folder.is_dir():
        fail(f"{folder} is not a folder")
    if (folder / "modules" / "kernel").exists():
        return _checkout(folder.absolute())
    try:
        return PluginCheckout.find(folder)
    except NotAPlugin as error:
        fail(str(error))


def _checkout(root: Path) -> Checkout:
    if not (root / "importlinter.ini").exists():
        fail("this folder is not a checkout of Conduit: importlinter.ini is missing")
    return Checkout(root)
