"""The report in SARIF 2.1.0, the format that code scanning services import."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from conduit_devtools.checks.finding import Finding
from conduit_devtools.checks.outcome import Outcome
from conduit_devtools.checks.suppressions import Suppression

# https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
VERSION = "2.1.0"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif_log(outcome: Outcome) -> Mapping[str, Any]:
    """Return the log: one run, whose results have the owners as properties.

    Suppressions are notifications of the run: SARIF knows suppressed results only, and those are not found.
    """
    rules = {finding.rule.id: finding.rule for finding in outcome.findings}
    driver = {
        "name": "conduit check",
        "rules": [
            {"id": rule.id, "shortDescription": {"text": rule.why}, "help": {"text": rule.fix}}
            for rule in rules.values()
        ],
    }
    invocation = {
        "executionSuccessful": True,
        "toolExecutionNotifications": [_exception(suppression) for suppression in outcome.suppressions],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "results": [
            _result(outcome, finding, list(rules).index(finding.rule.id)) for finding in outcome.findings
        ],
    }
    return {"$schema": SCHEMA, "version": VERSION, "runs": [run]}


def _result(outcome: Outcome, finding: Finding, index: int) -> Mapping[str, Any]:
    properties = {"owner": outcome.owner(finding), "ask": outcome.contact(finding)}
    return {
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        "level": finding.rule.level.value,
        "message": {"text": finding.message},
        "locations": [_location(finding.file.as_posix(), finding.line)],
        "properties": {name: value for name, value in properties.items() if value},
    }


def _exception(suppression: Suppression) -> Mapping[str, Any]:
    return {
        "level": "note",
        "message": {"text": f"exception from {suppression.rule}: {suppression.reason}"},
        "locations": [_location(suppression.file.as_posix(), suppression.line)],
    }


def _location(file: str, line: int) -> Mapping[str, Any]:
    artifact = {"uri": quote(file), "uriBaseId": "%SRCROOT%"}
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": line}}}
