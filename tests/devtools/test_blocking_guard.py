"""The pytest plugin fails the test that blocks the event loop, and no other."""

import re

import pytest

pytest_plugins = ["pytester"]

# A package that is checked by its name.
PLUGIN = """
import asyncio
import hashlib
import socket
import subprocess
import time
import urllib.request
from threading import Thread


def compute():
    # About 300 ms of CPU time, in parts that no signal is needed to interrupt.
    until = time.thread_time() + 0.2
    while time.thread_time() < until:
        hashlib.sha256(b"x" * 10_000)


async def wait():
    time.sleep(0.001)


async def connect():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


async def download():
    urllib.request.urlopen("http://localhost.invalid/")


async def run_program():
    subprocess.run(["true"])


async def in_thread():
    await asyncio.to_thread(time.sleep, 0.001)
    await asyncio.to_thread(compute)


async def run_program_asynchronously():
    await (await asyncio.create_subprocess_exec("true")).wait()


async def connect_asynchronously():
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.close()
    server.close()


async def sleep_asynchronously():
    await asyncio.sleep(0)


def synchronous():
    time.sleep(0.001)
    compute()
"""
TESTS = """
import pytest
import conduit_notes
from contextlib import suppress


@pytest.mark.parametrize("name", [
    "wait", "connect", "download", "run_program", "in_thread", "run_program_asynchronously",
    "connect_asynchronously", "sleep_asynchronously",
])
async def test_call(name):
    with suppress(OSError):
        await getattr(conduit_notes, name)()


def test_synchronous():
    conduit_notes.synchronous()


@pytest.mark.blocks_event_loop("shown by this test")
async def test_allowed():
    await conduit_notes.wait()
"""
REQUESTS = """
import asyncio
import httpx2
import pytest
import conduit_notes
from fastapi import FastAPI

app = FastAPI()


@app.get("/api/slow")
async def slow():
    conduit_notes.compute()


@app.get("/api/halves")
async def halves():
    await asyncio.sleep(0)
    return await asyncio.to_thread(conduit_notes.compute)


@app.get("/page")
async def page():
    conduit_notes.compute()


@pytest.mark.parametrize("path", ["/api/slow", "/api/halves", "/page"])
async def test_get(path):
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get(path)).status_code == 200


async def test_cancelled_request_is_cancelled():
    task = asyncio.ensure_future(test_get("/api/halves"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_computation_of_the_test():
    conduit_notes.compute()
"""


HANDLERS = """
import conduit_notes
import pytest
from conduit_devtools.testkit import boot_module
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.events import DeliveryMode
from modules.kernel.module import Module, Subscription
from modules.users.contracts import UserDeleted


async def compute(event):
    conduit_notes.compute()


async def prepare(event):
    async def compute():
        conduit_notes.compute()

    return compute


@pytest.mark.parametrize(("handler", "delivery"), [
    (compute, DeliveryMode.IN_TRANSACTION),
    (compute, DeliveryMode.AFTER_COMMIT),
    (prepare, DeliveryMode.PREPARED_AFTER_COMMIT),
])
async def test_event(handler, delivery):
    subscription = Subscription(UserDeleted, lambda container: handler, delivery)
    module = Module(name="notes", container=ModuleContainer, subscriptions=[subscription])
    async with boot_module(module, {}) as notes:
        await notes.publish(UserDeleted(1))
"""


def failures(pytester: pytest.Pytester, tests: str) -> tuple[set[str], str]:
    """Run tests with the plugin in another process; return the failed ones, and the output."""
    pytester.makepyfile(conduit_notes=PLUGIN, test_it=tests)
    result = pytester.runpytest_subprocess(
        "-p", "conduit_devtools.pytest_plugin", "-o", "asyncio_mode=auto", "--strict-markers", "-q"
    )
    assert "error" not in result.outlines[-1]
    failed = (line.split()[1] for line in result.outlines if line.startswith("FAILED "))
    return {name.removeprefix("test_it.py::") for name in failed}, result.stdout.str()


def test_calls_that_wait_are_reported_with_their_place(pytester: pytest.Pytester) -> None:
    failed, output = failures(pytester, TESTS)
    assert failed == {f"test_call[{name}]" for name in ("wait", "connect", "download", "run_program")}
    line = PLUGIN.strip().splitlines().index("    time.sleep(0.001)") + 1
    assert (
        f"the event loop was blocked: time.sleep in wait ({pytester.path}/conduit_notes.py:{line})" in output
    )


def test_computation_in_a_request_is_reported(pytester: pytest.Pytester) -> None:
    failed, output = failures(pytester, REQUESTS)
    assert failed == {"test_get[/api/slow]"}
    assert re.search(
        r"the event loop was blocked: GET /api/slow computed for \d{3} ms without an await", output
    )


def test_computation_in_a_handler_is_reported(pytester: pytest.Pytester) -> None:
    failed, output = failures(pytester, HANDLERS)
    assert len(failed) == 3
    reported = "^the event loop was blocked: the handler of UserDeleted in notes computed for"
    assert len(re.findall(reported, output, re.MULTILINE)) == 3
