"""The manifest: everything the application knows of a module."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fastapi import APIRouter

from modules.kernel.container import ModuleContainer
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.domain.events import (
    CallingHandler,
    DeliveryLimits,
    DeliveryMode,
    Event,
    EventHandler,
    PreparingHandler,
)
from modules.kernel.domain.metrics import Counter, Histogram
from modules.kernel.domain.personal_data import PersonalDataSource
from modules.kernel.domain.visibility import AudienceSource
from modules.kernel.infrastructure.persistence.schema import Schema
from modules.kernel.infrastructure.settings import ModuleSettings
from modules.kernel.infrastructure.tables import SCHEMA


@dataclass(frozen=True, slots=True)
class Subscription:
    """A handler for one event, called inside the publisher's transaction or after its commit.

    `handler` returns the handler from the subscriber's container. After the commit it runs in a
    transaction of its own, which also deletes the delivery: its writes take effect once. With
    `PREPARED_AFTER_COMMIT` it is a `PreparingHandler`, and its effect runs in that transaction. With
    `CALLED_AFTER_COMMIT` it is a `CallingHandler`, which has no transaction.
    """

    event: type[Event]
    handler: Callable[[Any], EventHandler[Any] | PreparingHandler[Any] | CallingHandler[Any]]
    delivery: DeliveryMode = DeliveryMode.IN_TRANSACTION


@dataclass(frozen=True, slots=True)
class Job:
    """A periodic job of a module: `MODULE/NAME` in `conduit jobs`.

    `run` is called with the module's container, in no transaction, at the first start and then `every` so
    often, in one process at a time of all machines. It does a part of the work that takes seconds, and
    returns whether more is left: then it is called again at once, perhaps in another process. What it has
    done it stores itself. An error, and a run of more than four minutes, is logged, and the job is called
    again after `every`.
    """

    name: str
    every: timedelta
    run: Callable[[Any], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a module for operators: `conduit MODULE NAME`.

    `help` describes it. `run` is called with the module's container, on a migrated database, and returns the
    text to print. Its other parameters are those of the command line: arguments, or options if they have a
    default. `Annotated[str, "Username."]` describes one; `example` has the arguments of the example.
    """

    name: str
    help: str
    run: Callable[..., Awaitable[str]]
    example: str = ""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A gauge of this process in `/metrics`: `conduit_MODULE_NAME`.

    `read` is called with the module's container at each scrape, and must be fast. The numbers of several
    processes are added up.
    """

    name: str
    help: str
    read: Callable[[Any], float]


@dataclass(frozen=True, slots=True)
class AsyncGauge:
    """A gauge that is read from the database, and the same in all processes: `conduit_MODULE_NAME`.

    `read` is called with the module's container at each scrape, and is abandoned after two seconds.
    """

    name: str
    help: str
    read: Callable[[Any], Coroutine[Any, Any, float]]


@dataclass(frozen=True, slots=True)
class CounterMetric:
    """A counter in `/metrics`: `conduit_MODULE_NAME_total`.

    `counter` returns the counter from the module's container, of which it is a singleton.
    """

    name: str
    help: str
    counter: Callable[[Any], Counter]


@dataclass(frozen=True, slots=True)
class HistogramMetric:
    """A histogram in `/metrics`: `conduit_MODULE_NAME_bucket`, `…_sum` and `…_count`.

    `histogram` returns the histogram from the module's container, of which it is a singleton. `buckets` are
    the upper bounds, by default of a duration in seconds.
    """

    name: str
    help: str
    histogram: Callable[[Any], Histogram]
    buckets: Sequence[float] = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """The manifest of a module: `MODULE` in its `module.py`.

    name: its folder, the prefix of its tables and its name in settings.
    owner: the team that owns it, as in CODEOWNERS; named in the log when one of its routes fails.
    container: its dependency-injector container; the application fills the slots.
    needs: container slot to the contract that another module must offer for it.
    offers: contract to the name of the provider that implements it.
    routers: functions that create its routers from its container; they are mounted under /api.
    tags: the descriptions of the tags of its routes in the OpenAPI document.
    subscriptions: its handlers of other modules' events.
    deliveries: the limits of those after the commit; default: those of `DeliveryLimits`.
    publishes: the events it publishes.
    schema: its tables and migrations, if any.
    settings: its settings class, if any; read from the environment with the prefix CONDUIT_.
    personal_data: returns, from its container, the function that exports a user's data.
    audiences: returns, from its container, the function that returns a user's audiences, for the articles
        that it restricts.
    checks: returns, from its container, its consistency checks, in the order of their repair.
    demo: fills its part of a demonstration database, after the modules it needs.
    jobs: its periodic jobs.
    commands: its commands for operators, under the module's name; each use is in the audit trail.
    gauges, counters, histograms: its metrics.
    after_restore: runs, with its container, after the database was restored from a backup.
    unauthenticated: operations that change something and need no token, such as POST /api/users: the reason.
    built_with: for a plugin, the version of each module's contract that it uses: the module's name to 1.2,
        which accepts 1.2 and later, but not 2.0.
    """

    name: str
    container: type[ModuleContainer]
    owner: str = ""
    needs: Mapping[str, type] = field(default_factory=dict)
    offers: Mapping[type, str] = field(default_factory=dict)
    routers: Sequence[Callable[[Any], APIRouter]] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    subscriptions: Sequence[Subscription] = ()
    deliveries: DeliveryLimits | None = None
    publishes: Sequence[type[Event]] = ()
    schema: Schema | None = None
    settings: type[ModuleSettings] | None = None
    personal_data: Callable[[Any], PersonalDataSource] | None = None
    audiences: Callable[[Any], AudienceSource] | None = None
    checks: Callable[[Any], Sequence[ConsistencyCheck]] | None = None
    demo: Callable[[Any, Demo], Awaitable[None]] | None = None
    jobs: Sequence[Job] = ()
    commands: Sequence[Command] = ()
    gauges: Sequence[Gauge | AsyncGauge] = ()
    counters: Sequence[CounterMetric] = ()
    histograms: Sequence[HistogramMetric] = ()
    after_restore: Callable[[Any], Awaitable[None]] | None = None
    unauthenticated: Mapping[str, str] = field(default_factory=dict)
    built_with: Mapping[str, str] = field(default_factory=dict)

    @property
    def package(self) -> str:
        """The Python package in which the module's container is defined."""
        return self.container.__module__.rpartition(".")[0]


# The kernel is not a module and is not discovered. It has a manifest because it has tables to migrate.
KERNEL = Module(name="kernel", owner="@conduit/architecture", container=ModuleContainer, schema=SCHEMA)
