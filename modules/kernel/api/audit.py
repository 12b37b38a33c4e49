"""The audit trail: a line for each security event, documented in docs/operations.md."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import structlog

from modules.kernel.domain.errors import ConcurrencyConflict, DomainError

AUDIT_LOGGER = "conduit.audit"
# Whatever the level of the log is.
log = structlog.wrap_logger(
    None,
    wrapper_class=structlog.make_filtering_bound_logger("info"),
    logger_factory_args=(AUDIT_LOGGER,),
)


class AuditAction(StrEnum):
    """The security events that are recorded."""

    REGISTRATION = "registration"
    LOGIN = "login"
    PASSWORD_CHANGE = "password change"  # noqa: S105 - no password
    EMAIL_CHANGE = "email change"
    LOGOUT_EVERYWHERE = "logout everywhere"
    EXPORT = "export"
    ACCOUNT_DELETION = "account deletion"
    COMMAND = "command"


def record(action: AuditAction, *, succeeded: bool = True, **fields: object) -> None:
    """Write a line. Those of a request also have its id, the client's address and the user.

    A field that is None is left out.
    """
    known = {name: value for name, value in fields.items() if value is not None}
    log.info("audit", logger=AUDIT_LOGGER, action=str(action), succeeded=succeeded, **known)


@contextmanager
def audited(action: AuditAction) -> Iterator[MutableMapping[str, object]]:
    """Record the action when the block ends, also if it fails, which may have an unknown outcome.

    Yields fields of the line, which the block may set. A conflict is retried, and not recorded.
    """
    fields: dict[str, Any] = {}
    try:
        yield fields
    except ConcurrencyConflict:
        raise
    except BaseException as error:
        reason = str(error) if isinstance(error, DomainError) else type(error).__name__
        record(action, succeeded=False, reason=reason, **fields)
        raise
    record(action, **fields)
