"""The audit trail: a line for each security event, documented in docs/operations.md."""

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from enum import StrEnum

import structlog

from modules.kernel.domain.errors import DomainError, Unavailable

AUDIT_LOGGER = "conduit.audit"
# Whatever the level of the log is.
log = structlog.wrap_logger(
    None,
    wrapper_class=structlog.make_filtering_bound_logger("info"),
    logger_factory_args=(AUDIT_LOGGER,),
)


class AuditAction(StrEnum):
    """What was done."""

    REGISTRATION = "registration"
    LOGIN = "login"
    PASSWORD_CHANGE = "password change"  # noqa: S105 - no password
    EMAIL_CHANGE = "email change"
    LOGOUT_EVERYWHERE = "logout everywhere"
    EXPORT = "export"
    ACCOUNT_DELETION = "account deletion"
    COMMAND = "command"


def _record(action: AuditAction, fields: Mapping[str, object], *, succeeded: bool) -> None:
    # Lines of a request also have its id, the client's address and the user.
    known = {name: value for name, value in fields.items() if value is not None}
    log.info("audit", logger=AUDIT_LOGGER, action=str(action), succeeded=succeeded, **known)


@contextmanager
def audited(action: AuditAction, **fields: object) -> Iterator[MutableMapping[str, object]]:
    """Record the action when the block ends, also if it fails with a domain error.

    Yields the fields, which the block may change; those that are None are left out. What is retried, by
    Conduit or by the client, is not recorded.
    """
    changing = dict(fields)
    try:
        yield changing
    except Unavailable:
        raise
    except DomainError as error:
        _record(action, {**changing, "reason": str(error)}, succeeded=False)
        raise
    _record(action, changing, succeeded=True)
