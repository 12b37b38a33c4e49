"""Domain errors. `modules.kernel.api.errors` maps them to HTTP."""

from collections.abc import Mapping


class DomainError(Exception):
    """A violated rule: a subject and its problem.

    A concrete error sets both as class attributes, or passes them when they vary.
    """

    subject: str = "request"
    problem: str = "was refused"

    def __init__(self, subject: str | None = None, problem: str | None = None) -> None:
        self.subject = subject or self.subject
        self.problem = problem or self.problem
        super().__init__(f"{self.subject} {self.problem}")

    @property
    def problems(self) -> Mapping[str, str]:
        """The problem of each subject; most errors have one."""
        return {self.subject: self.problem}


class Invalid(DomainError):
    """A value violates a rule, regardless of stored data."""

    problem = "is invalid"


class Unauthenticated(DomainError):
    """The caller is not authenticated."""


class Forbidden(DomainError):
    """The authenticated caller may not do this."""

    problem = "forbidden"


class NotFound(DomainError):
    """The requested thing does not exist."""

    problem = "not found"


class Conflict(DomainError):
    """The request is valid, but conflicts with stored data."""

    problem = "has already been taken"


class Stale(DomainError):
    """The caller's version of the thing is out of date."""

    problem = "has been modified since you read it"


class RateLimited(DomainError):
    """The caller exceeded a rate limit, and may retry after `retry_after_seconds`."""

    problem = "too many requests, try again later"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class Unavailable(DomainError):
    """The request cannot be served now, for a temporary reason."""

    subject = "service"
    problem = "is busy, try again"


class ReadOnly(Unavailable):
    """The site is read-only for maintenance. A retry after `retry_after_seconds` may succeed."""

    subject, problem = "site", "is read-only for maintenance"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class ConcurrencyConflict(Unavailable):
    """A concurrent transaction conflicted: this one was rolled back, and a retry may succeed.

    The whole use case must be run again, as `ModuleRouter` does with requests.
    """
