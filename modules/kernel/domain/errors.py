"""What can be wrong, said without HTTP. `modules.kernel.api.errors` says it with HTTP."""

from collections.abc import Mapping


class DomainError(Exception):
    """A rule that was not met: which subject, and what the problem with it is.

    A concrete error names both as class attributes, or passes them when they vary.
    """

    subject: str = "request"
    problem: str = "was refused"

    def __init__(self, subject: str | None = None, problem: str | None = None) -> None:
        self.subject = subject or self.subject
        self.problem = problem or self.problem
        super().__init__(f"{self.subject} {self.problem}")

    @property
    def problems(self) -> Mapping[str, str]:
        """Every subject with its problem; most errors have one."""
        return {self.subject: self.problem}


class Invalid(DomainError):
    """A value breaks a rule of its own, whatever else there is."""

    problem = "is invalid"


class Unauthenticated(DomainError):
    """Who is asking is not known, or not believed."""


class Forbidden(DomainError):
    """Who is asking is known, and may not do this."""

    problem = "forbidden"


class NotFound(DomainError):
    """The thing asked for does not exist."""

    problem = "not found"


class Conflict(DomainError):
    """The request is sound by itself and collides with what already exists."""

    problem = "has already been taken"


class Stale(DomainError):
    """What the caller knows of the thing is not what it is now."""

    problem = "has changed since"


class RateLimited(DomainError):
    """This was asked for too often, and may be asked for again after so many seconds."""

    problem = "was asked for too often, try again later"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class Unavailable(DomainError):
    """Conduit cannot serve this now, and will be able to again."""

    subject = "service"
    problem = "is busy, try again"


class ConcurrencyConflict(Unavailable):
    """Others did the same at the same moment: all of this was undone, and doing it again may work.

    Whoever runs whole use cases does so: `ModuleRouter` for requests.
    """
