"""The report formats of findings."""

import json
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path

from conduit_devtools.checks.compatibility.change import Verdict
from conduit_devtools.checks.compatibility.verdict import ModuleVerdict
from conduit_devtools.checks.finding import Finding, Level
from conduit_devtools.checks.outcome import Outcome
from conduit_devtools.checks.sarif import sarif_log
from conduit_devtools.checks.suppressions import Suppression


class ReportFormat(Enum):
    """Plain text, JSON, annotations of GitHub Actions, or SARIF, which code scanning services import."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


def fails(findings: Sequence[Finding]) -> bool:
    """Return whether the check fails: warnings do not count."""
    return any(finding.rule.level is Level.ERROR for finding in findings)


def render(outcome: Outcome, form: ReportFormat) -> str:
    """Return the report of an outcome in this format."""
    match form:
        case ReportFormat.JSON:
            return json.dumps(_document(outcome), indent=2)
        case ReportFormat.SARIF:
            return json.dumps(sarif_log(outcome), indent=2)
        case ReportFormat.GITHUB:
            notices = [_notice(suppression) for suppression in outcome.new_suppressions]
            return "\n".join([*(_annotation(outcome, finding) for finding in outcome.findings), *notices])
        case ReportFormat.TEXT:
            lines = [line for verdict in outcome.verdicts or () for line in _verdict_lines(verdict)]
            paragraphs = "\n\n".join(_paragraph(outcome, finding) for finding in outcome.findings)
            separator = [""] if lines and outcome.findings else []
            return "\n".join([*lines, *separator, paragraphs or "architecture check passed"])


def _document(outcome: Outcome) -> dict[str, object]:
    verdicts = outcome.verdicts
    compared: dict[str, object] = (
        {} if verdicts is None else {"modules": [_verdict_fields(verdict) for verdict in verdicts]}
    )
    return compared | {
        "findings": [_fields(outcome, finding) for finding in outcome.findings],
        "suppressions": [
            _exception(suppression, suppression in outcome.new_suppressions)
            for suppression in outcome.suppressions
        ],
    }


def _fields(outcome: Outcome, finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule.id,
        "level": finding.rule.level.value,
        "file": finding.file.as_posix(),
        "line": finding.line,
        "message": finding.message,
        "why": finding.rule.why,
        "fix": finding.rule.fix,
        "owner": outcome.owner(finding),
        "ask": outcome.contact(finding),
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


def _paragraph(outcome: Outcome, finding: Finding) -> str:
    level = f" ({finding.rule.level.value})" if finding.rule.level is not Level.ERROR else ""
    return (
        f"{finding.file}:{finding.line}: {finding.rule.id}{level}: {finding.message}\n"
        f"    why: {finding.rule.why}\n"
        f"    fix: {finding.rule.fix}"
    ) + _people(outcome, finding, before="\n    ")


def _people(outcome: Outcome, finding: Finding, before: str) -> str:
    """Return whose code it is, and whom to ask about the other module, each after `before`."""
    owner, contact = outcome.owner(finding), outcome.contact(finding)
    return (f"{before}owner: {owner}" if owner else "") + (f"{before}ask: {contact}" if contact else "")


def _annotation(outcome: Outcome, finding: Finding) -> str:
    # https://docs.github.com/actions/reference/workflow-commands, whose toolkit escapes properties further.
    text = f"{finding.message}. Why: {finding.rule.why}. Fix: {finding.rule.fix}."
    text += _people(outcome, finding, before="\n")
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
