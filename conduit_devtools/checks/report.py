"""The report formats of findings."""

import json
from collections.abc import Collection, Sequence
from enum import Enum
from pathlib import Path

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
) -> str:
    """Return the report of the findings, and in the formats for machines of the suppressions.

    `new` are the suppressions that the base of the change does not have: GitHub shows them to the reviewer.
    """
    if form is ReportFormat.JSON:
        report = {
            "findings": [_fields(finding) for finding in findings],
            "suppressions": [_exception(suppression, suppression in new) for suppression in suppressions],
        }
        return json.dumps(report, indent=2)
    if form is ReportFormat.GITHUB:
        notices = [_notice(suppression) for suppression in suppressions if suppression in new]
        return "\n".join([*(_annotation(finding) for finding in findings), *notices])
    return "\n\n".join(_paragraph(finding) for finding in findings) or "architecture check passed"


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
