"""The line of a command in the audit trail."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from conduit_app.observability.audit_log import operator
from modules.kernel.api.audit import AuditAction, audited


@contextmanager
def audited_command(command: str, arguments: Mapping[str, object]) -> Iterator[None]:
    """Record a command with its arguments, and who runs it, when the block ends or fails."""
    with audited(AuditAction.COMMAND) as fields:
        fields.update(command=command, arguments=arguments, operator=operator())
        yield
