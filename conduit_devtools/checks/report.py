"""The report formats of findings."""

import json
from collections.abc import Sequence
from enum import Enum

from conduit_devtools.checks.finding import Finding, Level


class ReportFormat(Enum):
    """Plain text, JSON, or annotations of GitHub Actions."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def fails(findings: Sequence[Finding]) -> bool:
    """Return whether the check fails: warnings do not count."""
    return any(finding.rule.level is Level.ERROR for finding in findings)


def render(findings: Sequence[Finding], form: ReportFormat) -> str:
    """Return the report of the findings."""
    if form is ReportFormat.JSON:
        return json.dumps({"findings": [_fields(finding) for finding in findings]}, indent=2)
    if form is ReportFormat.GITHUB:
        return "\n".join(_annotation(finding) for finding in findings)
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
    file = _escaped(finding.file.as_posix()).replace(":", "%3A").replace(",", "%2C")
    place = f"file={file},line={finding.line},title={finding.rule.id}"
    return f"::{finding.rule.level.value} {place}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
