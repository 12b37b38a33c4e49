"""The report formats of findings."""

import json
from collections.abc import Collection, Iterator, Sequence
from enum import Enum
from pathlib import Path

from conduit_devtools.checks.compatibility.change import Verdict
from conduit_devtools.checks.compatibility.verdict import ModuleVerdict
from conduit_devtools.checks.finding import Finding, Level
from conduit_devtools.checks.suppressions import Suppression


class ReportFormat(Enum):
    """Plain text, JSON, or annotations of GitHub Actions."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def fails(findings: Sequence[Finding]) -> bool:
    """Return whether the check fails: warnings do not count."""
    return any(finding.rule.level is Level.ERROR for finding in findings)


def render(
    findings: Sequence[Finding],
    form: ReportFormat,
    suppressions: Sequence[Suppression] = (),
    new: Collection[Suppression] = (),
    verdicts: Sequence[ModuleVerdict] | None = None,
) -> str:
    """Return the report of the findings, and of the verdicts on the modules that differ from a base.

    The formats for machines have the suppressions, too. `new` are those that the base of the change does not
    have: GitHub shows them to the reviewer.
    """
    if form is ReportFormat.JSON:
        compared = {} if verdicts is None else {"modules": [_verdict_fields(verdict) for verdict in verdicts]}
        report = {
            "findings": [_fields(finding) for finding in findings],
            "suppressions": [_exception(suppression, suppression in new) for suppression in suppressions],
        }
        return json.dumps(report | compared, indent=2)
    if form is ReportFormat.GITHUB:
        notices = [_notice(suppression) for suppression in suppressions if suppression in new]
        return "\n".join([*(_annotation(finding) for finding in findings), *notices])
    lines = [line for verdict in verdicts or () for line in _verdict_lines(verdict)]
    paragraphs = "\n\n".join(_paragraph(finding) for finding in findings) or "architecture check passed"
    return "\n".join([*lines, *([""] if lines and findings else []), paragraphs])


def _fields(finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule.id,
        "level": finding.rule.level.value,
        "file": finding.file.as_posix(),
        "line": finding.line,
        "message": finding.message,
        "why": finding.rule.why,
        "fix": finding.rule.fix,
    }


def _exception(suppression: Suppression, is_new: bool) -> dict[str, object]:
    return {
        "rule": suppression.rule,
        "file": suppression.file.as_posix(),
        "line": suppression.line,
        "reason": suppression.reason,
        "new": is_new,
    }


def _verdict_fields(verdict: ModuleVerdict) -> dict[str, object]:
    return {
        "module": verdict.module,
        "verdict": verdict.verdict.name.lower(),
        "contract": str(verdict.after) if verdict.after else None,
        "changes": [
            {
                "thing": change.thing,
                "what": change.what,
                "verdict": change.verdict.name.lower(),
                "file": change.file.as_posix(),
                "line": change.line,
                "consumers": list(change.consumers),
                "migration": verdict.notes.migration(change.thing),
            }
            for change in verdict.changes
        ],
    }


def _verdict_lines(verdict: ModuleVerdict) -> Iterator[str]:
    """Yield the verdict, and the breaking changes that are no findings because their migration is named."""
    version = f", contract {verdict.after}" if verdict.after and verdict.after != verdict.before else ""
    former = f", was {verdict.before}" if version and verdict.before else ""
    yield f"{verdict.module}: {verdict.verdict.name.lower()}{version}{former}"
    for change in verdict.changes:
        migration = verdict.notes.migration(change.thing)
        if change.verdict is Verdict.BREAKING and migration:
            yield f"    {change.file}:{change.line}: {change}"
            yield f"        {migration}"


def _paragraph(finding: Finding) -> str:
    level = f" ({finding.rule.level.value})" if finding.rule.level is not Level.ERROR else ""
    return (
        f"{finding.file}:{finding.line}: {finding.rule.id}{level}: {finding.message}\n"
        f"    why: {finding.rule.why}\n"
        f"    fix: {finding.rule.fix}"
    )


def _annotation(finding: Finding) -> str:
    # https://docs.github.com/actions/reference/workflow-commands, whose toolkit escapes properties further.
    text = f"{finding.message}. Why: {finding.rule.why}. Fix: {finding.rule.fix}."
    place = _place(finding.file, finding.line, finding.rule.id)
    return f"::{finding.rule.level.value} {place}::{_escaped(text)}"


def _notice(suppression: Suppression) -> str:
    text = f"New exception from {suppression.rule}: {suppression.reason}"
    return f"::notice {_place(suppression.file, suppression.line, 'suppression')}::{_escaped(text)}"


def _place(file: Path, line: int, title: str) -> str:
    name = _escaped(file.as_posix()).replace(":", "%3A").replace(",", "%2C")
    return f"file={name},line={line},title={title}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
