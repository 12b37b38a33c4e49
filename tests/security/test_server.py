"""Limits of the HTTP server: time, size and number (OWASP API4:2023).

All tests share one server with low limits.
"""

import json
import re
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from select import select
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from conduit_app.server import SPARE_CONNECTIONS
from tests import program
from tests.client import PASSWORD
from tests.postgresql import wait_until
from tests.program import RunningServer, served
from tests.raw_http import raw_connection

pytestmark = pytest.mark.slow

MEBIBYTE = 1_048_576
CONNECTIONS = 30
CONNECTIONS_PER_ADDRESS = 25
REQUESTS = 6
# Of 150,000 bytes each: more than a socket's buffers.
COMMENTS = 40
URL_SIZE, HEADERS_SIZE = 2_000, 8_000
# Two loopback addresses, of which the server trusts the first as a proxy.
PROXY, UNTRUSTED = "127.0.0.2", "127.0.0.3"
SETTINGS = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "a secret of these tests, and of nothing else",
    "HEADER_TIMEOUT": "0.5",
    "BODY_TIMEOUT": "0.5",
    # Longer than a test waits.
    "KEEP_ALIVE_TIMEOUT": "600",
    "MAX_CONNECTIONS": str(CONNECTIONS),
    "MAX_CONNECTIONS_PER_ADDRESS": str(CONNECTIONS_PER_ADDRESS),
    "MAX_REQUESTS": str(REQUESTS),
    "MAX_URL_SIZE": str(URL_SIZE),
    "MAX_HEADERS_SIZE": str(HEADERS_SIZE),
    "TRUSTED_PROXIES": PROXY,
    "LOGIN_LIMIT": "2 per hour",
}
ESTABLISHED = "01"
GET = b"GET /api/tags HTTP/1.1\r\nHost: conduit\r\n\r\n"
CLOSING_GET = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
POST = b"POST /api/users HTTP/1.1\r\nHost: conduit\r\nContent-Type: application/json\r\n"

Response = tuple[int, dict[str, str], Any]


@pytest.fixture(scope="module")
def conduit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Return a server with low limits, shared by the tests of this file."""
    folder = tmp_path_factory.mktemp("served")
    assert program.conduit(folder, "migrate", **SETTINGS).returncode == 0
    with served(folder, **SETTINGS) as conduit:
        yield conduit


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Return a server that waits for incomplete requests for longer than a test takes."""
    folder = tmp_path_factory.mktemp("patient")
    settings = SETTINGS | {"HEADER_TIMEOUT": "60", "BODY_TIMEOUT": "60"}
    assert program.conduit(folder, "migrate", **settings).returncode == 0
    with served(folder, **settings) as conduit:
        yield conduit


@pytest.fixture(autouse=True)
def check_server(conduit: RunningServer) -> Iterator[None]:
    """Fail a test after which the server is down, or that logs a failure."""
    before = len(conduit.log)
    yield
    with conduit.client() as client:
        assert client.get("/health/live").status_code == 200
    assert "failed" not in conduit.log[before:]
    assert "Traceback" not in conduit.log[before:]


@contextmanager
def connection(conduit: RunningServer, source: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.create_connection(conduit.address, 10, source_address=(source, 0)) as opened:
        yield opened


def read_response(connection: socket.socket) -> Response:
    """Read until the server closes the connection; return status, headers and body."""
    received = b""
    while part := connection.recv(65_536):
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, json.loads(body)


def send(conduit: RunningServer, request: bytes) -> Response:
    """Send only this, and wait until the server closes the connection."""
    with connection(conduit) as opened:
        opened.sendall(request)
        return read_response(opened)


def is_open_on_server(client: tuple[str, int]) -> bool:
    """Return whether the server's side of the connection is open (Linux)."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()
    _, port = client
    return any(line.split()[2].endswith(f":{port:04X}") and line.split()[3] == ESTABLISHED for line in lines)


def log_in(client: httpx2.Client, email: str, **headers: str) -> httpx2.Response:
    body = {"user": {"email": email, "password": "wrong horse battery"}}
    return client.post("/api/users/login", json=body, headers=headers)


class TestTime:
    """Slowloris (CWE-400): stalled connections are closed."""

    @pytest.mark.parametrize(
        "request_",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"GET /api/tags HTTP/1.1\r\n", id="half of the headers"),
            pytest.param(POST + b"Content-Length: 100\r\n\r\n", id="no body"),
            pytest.param(POST + b"Content-Length: 100\r\n\r\n{", id="half of a body"),
            pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{", id="half of a chunk"),
        ],
    )
    def test_stalled_request_gets_408(self, conduit: RunningServer, request_: bytes) -> None:
        status, _, body = send(conduit, request_)
        assert (status, body) == (408, {"errors": {"request": ["timed out"]}})

    @pytest.mark.parametrize(
        "head",
        [b"GET /api/tags HTTP/1.1\r\nX: ", POST + b"Content-Length: 1000\r\n\r\n"],
        ids=["head", "body"],
    )
    def test_slow_sending_does_not_extend_the_timeout(self, conduit: RunningServer, head: bytes) -> None:
        with connection(conduit) as opened:
            opened.sendall(head)
            opened.settimeout(0.05)
            for _ in range(200):
                opened.sendall(b"x")
                try:
                    assert b" 408 " in opened.recv(1_000)
                except TimeoutError:
                    continue
                return
        pytest.fail("the connection was not closed in ten seconds")

    def test_client_that_does_not_read_is_disconnected(self, conduit: RunningServer) -> None:
        """Slow read (CWE-400): unread responses would stay in memory."""
        with conduit.client() as client:
            user = {"username": "writer", "email": "writer@example.com", "password": PASSWORD}
            token = client.post("/api/users", json={"user": user}).json()["user"]["token"]
            headers = {"Authorization": f"Token {token}"}
            article = {"title": "Long", "description": "Much is said about it", "body": "Discuss."}
            client.post("/api/articles", json={"article": article}, headers=headers)
            for _ in range(COMMENTS):
                comment = {"comment": {"body": "\u2014" * 50_000}}
                client.post("/api/articles/long/comments", json=comment, headers=headers)
        with connection(conduit) as opened:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            # A megabyte each: more than the buffers of the sockets.
            opened.sendall(10 * b"GET /api/articles/long/comments HTTP/1.1\r\nHost: conduit\r\n\r\n")
            client_address = opened.getsockname()
            wait_until(lambda: not is_open_on_server(client_address), "the connection was not closed")

    def test_connection_is_reused_within_the_timeout(self, conduit: RunningServer) -> None:
        request = b"GET /api/tags HTTP/1.1\r\nHost: conduit\r\n"
        with connection(conduit) as opened:
            opened.sendall(request + b"\r\n")
            assert b" 200 " in opened.recv(65_536)
            opened.sendall(request)
            opened.sendall(b"Connection: close\r\n\r\n")
            status, _, body = read_response(opened)
        assert (status, body) == (200, {"tags": []})


class TestSize:
    """RFC 9110, 15.5.14 and 15.5.15; RFC 6585, 5."""

    def test_long_url_gets_414(self, conduit: RunningServer) -> None:
        status, _, body = send(conduit, b"GET /" + b"a" * URL_SIZE + b" HTTP/1.1\r\nHost: conduit\r\n\r\n")
        assert (status, body) == (414, {"errors": {"url": ["is too long"]}})

    def test_rejected_request_has_an_id_and_a_log_line(self, conduit: RunningServer) -> None:
        forged = b"X-Request-ID: forged\r\n"
        status, headers, _ = send(conduit, b"GET /" + b"a" * URL_SIZE + b" HTTP/1.1\r\n" + forged + b"\r\n")
        line = json.loads(conduit.wait_for_log(re.compile(f".*{headers['x-request-id']}.*"))[0])
        fields = {name: line[name] for name in ("event", "level", "request_id", "status")}
        assert fields == {
            "event": "rejected",
            "level": "info",
            "request_id": headers["x-request-id"],
            "status": status,
        }

    @pytest.mark.parametrize("end", [b"\r\n\r\n", b""], ids=["one line", "a line without an end"])
    def test_large_header_gets_431(self, conduit: RunningServer, end: bytes) -> None:
        line = b"Authorization: Token " + b"a" * (HEADERS_SIZE + URL_SIZE)
        status, _, body = send(conduit, b"GET /api/user HTTP/1.1\r\nHost: conduit\r\n" + line + end)
        assert (status, body) == (431, {"errors": {"headers": ["are too large"]}})

    def test_many_small_headers_get_431(self, conduit: RunningServer) -> None:
        lines = b"".join(b"X-%d: a\r\n" % number for number in range(2_000))
        assert send(conduit, b"GET /api/tags HTTP/1.1\r\n" + lines + b"\r\n")[0] == 431

    def test_endless_body_is_rejected_in_constant_memory(self, conduit: RunningServer) -> None:
        before = conduit.memory()
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        with connection(conduit) as opened:
            opened.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
            try:
                for _ in range(64 * MEBIBYTE // 65_536):
                    opened.sendall(chunk)
            except OSError:
                # The server has closed the connection.
                return
            finally:
                assert conduit.memory() - before < 16 * MEBIBYTE

    def test_bytes_after_the_body_are_not_another_request(self, conduit: RunningServer) -> None:
        """Request smuggling (CWE-444): the remaining bytes are parsed as a request, which is invalid."""
        with raw_connection(conduit.address) as opened:
            opened.send(POST + b'Content-Length: 2\r\n\r\n{}{"user": {}}')
            assert opened.read_response().status == 422
            response = opened.read_response()
            assert (response.status, response.json()) == (400, {"errors": {"request": ["is not valid HTTP"]}})
            assert opened.read_to_end() == b""

    @pytest.mark.parametrize(
        "lengths",
        [
            b"Content-Length: 2\r\nContent-Length: 3\r\n",
            b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        ],
        ids=["two lengths", "length and chunks"],
    )
    def test_conflicting_body_lengths_are_rejected(self, conduit: RunningServer, lengths: bytes) -> None:
        """RFC 9112, 6.3."""
        status, _, body = send(conduit, POST + lengths + b"\r\n{}")
        assert (status, body) == (400, {"errors": {"request": ["is not valid HTTP"]}})

    def test_invalid_http_gets_400(self, conduit: RunningServer) -> None:
        assert send(conduit, b"EHLO conduit\r\n\r\n")[0] == 400


class TestNumber:
    def test_connection_above_the_limit_gets_503_unless_it_is_a_probe(self, conduit: RunningServer) -> None:
        with ExitStack() as stack:
            for _ in range(CONNECTIONS):
                # A trusted proxy may have all connections.
                stack.enter_context(connection(conduit, PROXY))
            status, headers, body = send(conduit, GET)
            for path in (b"/health/live", b"/health/ready"):
                assert send(conduit, GET.replace(b"/api/tags", path))[0] == 200
            # More than are spared for probes, silent.
            for _ in range(SPARE_CONNECTIONS):
                stack.enter_context(connection(conduit, PROXY))
            assert send(conduit, b"")[0] == 503
        assert (status, headers["retry-after"]) == (503, "1")
        assert body == {"errors": {"service": ["is busy, try again"]}}

    @pytest.mark.parametrize("sent", [b"", GET[:10], POST + b"Content-Length: 9\r\n\r\n{"])
    def test_oldest_incomplete_request_of_an_address_gets_503_for_a_new_connection(
        self, patient: RunningServer, sent: bytes
    ) -> None:
        """One client must not keep others out, nor those behind its own address."""
        with ExitStack() as stack:
            opened = [
                stack.enter_context(connection(patient, UNTRUSTED)) for _ in range(CONNECTIONS_PER_ADDRESS)
            ]
            for incomplete in opened:
                incomplete.sendall(sent)
            # Answered after what the others sent was read.
            assert send(patient, CLOSING_GET)[0] == 200
            with connection(patient, UNTRUSTED) as new:
                new.sendall(CLOSING_GET)
                assert read_response(new)[0] == 200
            [rejected], _, _ = select(opened, [], [], 10)
            status, headers, body = read_response(rejected)
            assert (status, headers["retry-after"]) == (503, "1")
            assert body == {"errors": {"service": ["is busy, try again"]}}
            assert send(patient, CLOSING_GET)[0] == 200

    def test_busiest_address_makes_room_at_the_limit_of_all_connections(self, patient: RunningServer) -> None:
        with ExitStack() as stack:
            silent = [
                stack.enter_context(connection(patient, UNTRUSTED)) for _ in range(CONNECTIONS_PER_ADDRESS)
            ]
            # More than fit, in case that a connection of another test was idle.
            for _ in range(CONNECTIONS - CONNECTIONS_PER_ADDRESS + 5):
                stack.enter_context(connection(patient, PROXY))
            with connection(patient, PROXY) as new:
                new.sendall(CLOSING_GET)
                assert read_response(new)[0] == 200
            rejected, _, _ = select(silent, [], [], 10)
            assert {read_response(silent_one)[0] for silent_one in rejected} == {503}

    @pytest.mark.parametrize(
        ("source", "number"), [(PROXY, CONNECTIONS), (UNTRUSTED, CONNECTIONS_PER_ADDRESS)]
    )
    def test_idle_connection_is_closed_for_a_new_one(
        self, conduit: RunningServer, source: str, number: int
    ) -> None:
        """The one that has been idle for the longest time."""
        with ExitStack() as stack:
            idle = [stack.enter_context(raw_connection(conduit.address, source)) for _ in range(number)]
            for opened in idle:
                opened.send(GET)
                assert opened.read_response().status == 200
                if opened is idle[0]:
                    # Those of one millisecond, the resolution of the server's clock, have no order.
                    for _ in range(10):
                        assert send(conduit, CLOSING_GET)[0] == 200
            with connection(conduit, source) as new:
                new.sendall(CLOSING_GET)
                assert read_response(new)[0] == 200
            assert idle[0].read_to_end() == b""
            idle[1].send(GET)
            assert idle[1].read_response().status == 200

    def test_incomplete_requests_do_not_count(self, conduit: RunningServer) -> None:
        with ExitStack() as stack:
            for _ in range(CONNECTIONS_PER_ADDRESS):
                opened = stack.enter_context(connection(conduit, UNTRUSTED))
                opened.sendall(POST + b"Content-Length: 1000\r\n\r\n{")
            assert send(conduit, CLOSING_GET)[0] == 200

    def test_requests_above_the_limit_get_503_with_retry_after(self, conduit: RunningServer) -> None:
        """Forty concurrent logins: memory stays bounded, and excess requests are rejected immediately."""
        before = conduit.memory()
        with conduit.client() as client, ThreadPoolExecutor(20) as threads:
            origin = {"Origin": "https://blog.example"}
            responses = list(
                threads.map(lambda number: log_in(client, f"{number}@a.org", **origin), range(40))
            )
        assert conduit.memory() - before < 64 * MEBIBYTE
        statuses = Counter(response.status_code for response in responses)
        assert statuses.keys() == {401, 503}
        rejected = [response for response in responses if response.status_code == 503]
        assert {response.headers.get("Retry-After") for response in rejected} == {"1"}
        # Like other responses, it has CORS headers and a log line.
        assert {response.headers.get("Access-Control-Allow-Origin") for response in rejected} == {"*"}
        line = json.loads(conduit.wait_for_log(re.compile(f".*{rejected[0].headers['X-Request-ID']}.*"))[0])
        assert (line["event"], line["status"]) == ("request", 503)


class TestForwarded:
    """Forwarded headers count only from trusted proxies."""

    def test_forwarded_header_from_an_untrusted_address_is_ignored(self, conduit: RunningServer) -> None:
        forged = [f"192.0.2.{number}" for number in range(3)]
        statuses = self.log_in_from(conduit, UNTRUSTED, "forged@a.org", forged)
        assert statuses == [401, 401, 429]

    def test_forwarded_header_from_a_trusted_proxy_is_used(self, conduit: RunningServer) -> None:
        addresses = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"]
        statuses = self.log_in_from(conduit, PROXY, "proxied@a.org", addresses)
        assert statuses == [401, 401, 429, 401]

    def test_only_the_last_forwarded_address_is_used(self, conduit: RunningServer) -> None:
        chained = [f"192.0.2.{number}, 198.51.100.7" for number in range(3)]
        statuses = self.log_in_from(conduit, PROXY, "chained@a.org", chained)
        assert statuses == [401, 401, 429]

    @pytest.mark.parametrize(("source", "strict"), [(PROXY, "max-age=31536000"), (UNTRUSTED, None)])
    def test_forwarded_https_gets_hsts(self, conduit: RunningServer, source: str, strict: str | None) -> None:
        """RFC 6797, 7.2: not over plain HTTP."""
        with connection(conduit, source) as opened:
            opened.sendall(
                b"GET /api/tags HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
            )
            assert read_response(opened)[1].get("strict-transport-security") == strict

    def test_trusted_proxy_may_connect_to_an_ipv6_socket(self, tmp_path: Path) -> None:
        """Its IPv4 address is IPv4-mapped there (RFC 4291, 2.5.5.2): ::ffff:127.0.0.2."""
        assert program.conduit(tmp_path, "migrate", **SETTINGS).returncode == 0
        with served(tmp_path, "--host", "::", **SETTINGS) as conduit:
            addresses = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"]
            statuses = self.log_in_from(conduit, PROXY, "mapped@a.org", addresses)
            assert statuses == [401, 401, 429, 429, 401]
            forged = [f"192.0.2.{number}" for number in range(3)]
            statuses = self.log_in_from(conduit, UNTRUSTED, "unmapped@a.org", forged)
            assert statuses == [401, 401, 429]

    def log_in_from(
        self, conduit: RunningServer, source: str, email: str, forwarded_for: Sequence[str]
    ) -> list[int]:
        transport = httpx2.HTTPTransport(local_address=source)
        url = f"http://127.0.0.1:{urlsplit(conduit.url).port}"
        with httpx2.Client(transport=transport, base_url=url, timeout=10) as client:
            return [
                log_in(client, email, **{"X-Forwarded-For": address}).status_code for address in forwarded_for
            ]


class TestHeaders:
    def test_input_cannot_inject_headers(self, conduit: RunningServer) -> None:
        """CRLF injection (CWE-113)."""
        forged = "/api/articles/a%0d%0aX-Forged:%20yes?tag=%0d%0aX-Forged:%20yes"
        status, headers, _ = send(
            conduit,
            f"GET {forged} HTTP/1.1\r\nHost: a\r\nX-Request-ID: a%0d%0aX-Forged: yes\r\n"
            f"Origin: http://a%0d%0aX-Forged: yes\r\nConnection: close\r\n\r\n".encode(),
        )
        assert status == 404
        assert "x-forged" not in headers

    def test_response_has_no_server_header(self, conduit: RunningServer) -> None:
        with conduit.client() as client:
            assert "server" not in client.get("/api/tags").headers


def test_registration_works_after_all_rejections(conduit: RunningServer) -> None:
    user = {"username": "jake", "email": "jake@example.com", "password": PASSWORD}
    with conduit.client() as client:
        assert client.post("/api/users", json={"user": user}).status_code == 201
