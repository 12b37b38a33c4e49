"""The servers of a run, each on a copy of the data set, and started when first needed."""

import secrets
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import typer
from sqlalchemy import make_url

from benchmarks.databases import Databases
from benchmarks.dataset import Dataset, Size, prepare
from benchmarks.measure import Server, serving

UNCACHED, CACHED, COMMIT_DELAY = "uncached", "cached", "commit_delay"
# Limits that a benchmark would exceed.
LIMITS = {
    "CONDUIT_STORAGE_LIMIT": "1000000000000 per hour",
    "CONDUIT_MAX_CONNECTIONS_PER_ADDRESS": "2000",
}


class Site:
    """The data set on one engine, and the servers on copies of it."""

    def __init__(self, databases: Databases, folder: Path, size: Size, core: int, stack: ExitStack) -> None:
        self.databases = databases
        self._size = size
        self._core = core
        self._stack = stack
        self._log = folder / "servers.log"
        self._secret = secrets.token_urlsafe(48)
        self.servers: dict[str, Server] = {}
        """Conduit's servers by variant, in the order of their start."""

    @cached_property
    def dataset(self) -> Dataset:
        """The data set, created at first use."""
        typer.echo(f"filling {self.databases.version}", err=True)
        return prepare(self.databases.create("filled"), self._secret, self._size)

    def conduit(self, variant: str) -> Server:
        """Return Conduit without or with its response cache, or on PostgreSQL with `commit_delay`."""
        if variant not in self.servers:
            environment = LIMITS | {
                "CONDUIT_DATABASE_URL": self._copy(variant),
                "CONDUIT_SECRET_KEY": self._secret,
                # As in production.
                "CONDUIT_LOG_FORMAT": "json",
                "CONDUIT_DATABASE_ISOLATES_MODULES": "false",
            }
            if variant != CACHED:
                environment["CONDUIT_RESPONSE_CACHE_SIZE"] = "0"
            arguments = ["-m", "conduit_app.cli", "serve", "--port", "PORT"]
            self.servers[variant] = self._serve(arguments, environment)
        return self.servers[variant]

    @cached_property
    def baselines(self) -> Server:
        """The server of the baselines, on a copy of the data set in SQLite."""
        listing = self._log.with_name("listing.json")
        listing.write_bytes(self.dataset.listing)
        environment = {
            "BENCH_DATABASE": str(make_url(self._copy("baselines")).database),
            "BENCH_LISTING": str(listing),
        }
        application = "benchmarks.baselines:application"
        return self._serve(["-m", "uvicorn", application, "--port", "PORT", "--no-access-log"], environment)

    def _copy(self, name: str) -> str:
        _ = self.dataset
        return self.databases.create(name, "filled", commit_delay=name == COMMIT_DELAY)

    def _serve(self, arguments: list[str], environment: dict[str, str]) -> Server:
        return self._stack.enter_context(serving(arguments, environment, self._log, self._core))
