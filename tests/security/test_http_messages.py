"""Messages that are incomplete, invalid or ambiguous, sent to a server as bytes (RFC 9110, RFC 9112)."""

import json
import re
from collections.abc import Iterator

import pytest

from conduit_app.server import MAX_PIPELINED
from tests import program
from tests.client import PASSWORD
from tests.program import RunningServer, served
from tests.raw_http import RawResponse, raw_connection

MEBIBYTE = 1_048_576
HEADERS_SIZE = 8_000
# A loopback address that the server trusts as a proxy.
PROXY = "127.0.0.2"
SETTINGS = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "a secret of these tests, and of nothing else",
    "HEADER_TIMEOUT": "1",
    "BODY_TIMEOUT": "1",
    "KEEP_ALIVE_TIMEOUT": "3",
    "MAX_URL_SIZE": "2000",
    "MAX_HEADERS_SIZE": str(HEADERS_SIZE),
    "TRUSTED_PROXIES": PROXY,
    "LOGIN_LIMIT": "2 per hour",
}
GET = b"GET /api/tags HTTP/1.1\r\nHost: conduit\r\n\r\n"
POST = b"POST /api/users HTTP/1.1\r\nHost: conduit\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
NOT_HTTP = {"request": ["is not valid HTTP"]}
TRAILERS_TOO_LARGE = (431, {"errors": {"trailers": ["are too large"]}})
# By name: the request, the status and the errors.
INVALID = {
    "no method": (b"\x00\r\n\r\n", 400, NOT_HTTP),
    "unknown method": (b"EHLO conduit\r\n\r\n", 400, NOT_HTTP),
    "folded header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400, NOT_HTTP),
    "no path": (b"GET http://conduit HTTP/1.1\r\nHost: conduit\r\n\r\n", 400, NOT_HTTP),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400, {"host": ["is missing"]}),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, {"host": ["must not be repeated"]}),
    "two hosts on 1.0": (
        b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
        400,
        {"host": ["must not be repeated"]},
    ),
    "list of hosts": (b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, {"host": ["is not valid"]}),
    "user in the host": (b"GET / HTTP/1.1\r\nHost: jake@a\r\n\r\n", 400, {"host": ["is not valid"]}),
    "HTTP/2.0": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, {"version": ["is not supported"]}),
    "no version": (b"GET /\r\n\r\n", 505, {"version": ["is not supported"]}),
    "CONNECT": (
        b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
        501,
        {"method": ["is not implemented"]},
    ),
    "gzip, chunked": (
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        501,
        {"transfer-encoding": ["must be chunked"]},
    ),
    "gzip and chunked": (
        POST + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        501,
        {"transfer-encoding": ["must be chunked"]},
    ),
    "gzip": (
        POST + b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
        400,
        {"transfer-encoding": ["is not valid"]},
    ),
    "chunked twice": (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, NOT_HTTP),
    "chunked on 1.0": (
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        {"transfer-encoding": ["is not valid"]},
    ),
    "upgrade with a body": (
        POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n" % len(GET) + GET,
        501,
        {"upgrade": ["is not supported"]},
    ),
    "chunk without a size": (CHUNKED + b"x\r\n", 400, NOT_HTTP),
    "half a head": (b"GET /api/tags HTTP/1.1\r\nHost: con", 408, {"request": ["timed out"]}),
    "half a body": (POST + b"Content-Length: 9\r\n\r\n{", 408, {"request": ["timed out"]}),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def conduit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Return a server with low limits, shared by the tests of this file."""
    folder = tmp_path_factory.mktemp("served")
    assert program.conduit(folder, "migrate", **SETTINGS).returncode == 0
    with served(folder, **SETTINGS) as conduit:
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


def send(conduit: RunningServer, request: bytes, source: str = "127.0.0.1") -> RawResponse:
    """Return the response to this request, on a connection of its own."""
    with raw_connection(conduit.address, source) as connection:
        connection.send(request)
        return connection.read_response()


class TestInvalidRequest:
    @pytest.mark.parametrize(("request_", "status", "errors"), INVALID.values(), ids=INVALID.keys())
    def test_invalid_request_is_rejected(
        self, conduit: RunningServer, request_: bytes, status: int, errors: dict[str, list[str]]
    ) -> None:
        with raw_connection(conduit.address) as connection:
            connection.send(request_)
            response = connection.read_response()
            assert (response.status, response.json()) == (status, {"errors": errors})
            assert response.headers["connection"] == "close"

    @pytest.mark.parametrize(("request_", "status", "errors"), INVALID.values(), ids=INVALID.keys())
    def test_earlier_requests_get_their_responses_first(
        self, conduit: RunningServer, request_: bytes, status: int, errors: dict[str, list[str]]
    ) -> None:
        with raw_connection(conduit.address) as connection:
            connection.send(GET + GET + request_)
            accepted = [connection.read_response() for _ in range(2)]
            assert [(response.status, response.json()) for response in accepted] == [(200, {"tags": []})] * 2
            rejected = connection.read_response()
            assert (rejected.status, rejected.json()) == (status, {"errors": errors})

    def test_empty_lines_without_a_request_get_431(self, conduit: RunningServer) -> None:
        response = send(conduit, b"\r\n" * HEADERS_SIZE)
        assert (response.status, response.json()) == (431, {"errors": {"headers": ["are too large"]}})

    @pytest.mark.parametrize(
        "head",
        [
            b"GET /api/tags HTTP/1.0\r\n",
            b"GET /api/tags HTTP/1.1\r\nHost:\r\n",
            b"GET /api/tags HTTP/1.1\r\nHost: [::1]:8000\r\n",
            b"GET http://conduit/api/tags HTTP/1.1\r\nHost: conduit\r\n",
            b"GET /api/tags HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n",
            b"GET /api/tags HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\nConnection: close\r\n",
        ],
        ids=["1.0 without a host", "empty host", "IPv6", "absolute form", "upgrade", "chunked"],
    )
    def test_unusual_valid_request_is_accepted(self, conduit: RunningServer, head: bytes) -> None:
        body = b"0\r\n\r\n" if b"CHUNKED" in head else b""
        response = send(conduit, head + b"\r\n" + body)
        assert (response.status, response.json()) == (200, {"tags": []})

    def test_excess_of_pipelined_requests_gets_503(self, conduit: RunningServer) -> None:
        """Each takes more memory than its bytes: a connection has no more than `MAX_PIPELINED` of them."""
        number = 10 * MAX_PIPELINED
        with raw_connection(conduit.address) as connection:
            connection.send(GET * number)
            statuses = [connection.read_response().status]
            while statuses[-1] == 200:
                statuses.append(connection.read_response().status)
        assert statuses[-1] == 503
        assert MAX_PIPELINED < len(statuses) < number


@pytest.mark.parametrize("path", ["/api/tags", "/health/live", "/docs", "/openapi.json", "/nowhere"])
def test_head_leaves_the_connection_usable(conduit: RunningServer, path: str) -> None:
    request = f" {path} HTTP/1.1\r\nHost: conduit\r\n\r\n".encode()
    with raw_connection(conduit.address) as connection:
        for _ in range(2):
            connection.send(b"HEAD" + request + b"GET" + request)
            head, get = connection.read_response("HEAD"), connection.read_response()
            assert head.status == get.status
            assert head.headers["content-length"] == get.headers["content-length"]
            assert head.headers.get("etag") == get.headers.get("etag")


class TestTrailers:
    def test_authorization_trailer_is_discarded(self, conduit: RunningServer) -> None:
        user = {"username": "jake", "email": "jake@example.com", "password": PASSWORD}
        with conduit.client() as client:
            token = client.post("/api/users", json={"user": user}).json()["user"]["token"]
        head = b"GET /api/user HTTP/1.1\r\nHost: conduit\r\nTransfer-Encoding: chunked\r\n\r\n"
        response = send(conduit, head + f"0\r\nAuthorization: Token {token}\r\n\r\n".encode())
        assert (response.status, response.json()) == (401, {"errors": {"token": ["is missing"]}})

    def test_forwarded_trailer_does_not_evade_the_login_limit(self, conduit: RunningServer) -> None:
        """A proxy sets the header, and passes the client's trailers on."""
        body = json.dumps({"user": {"email": "a@a.org", "password": "wrong horse battery"}}).encode()
        head = CHUNKED.replace(b"/api/users", b"/api/users/login").replace(
            b"\r\n\r\n", b"\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
        )
        statuses = [
            send(
                conduit,
                head + b"%x\r\n%s\r\n0\r\nX-Forwarded-For: 192.0.2.%d\r\n\r\n" % (len(body), body, number),
                PROXY,
            ).status
            for number in range(2, 5)
        ]
        assert statuses == [401, 401, 429]

    def test_trailers_are_logged(self, conduit: RunningServer) -> None:
        send(conduit, CHUNKED + b"0\r\nX-One: 1\r\nX-Two: 22\r\n\r\n")
        line = json.loads(conduit.wait_for_log(re.compile('.*"count": ?2[,}].*'))[0])
        assert (line["event"], line["count"], line["size"]) == ("trailers discarded", 2, 13)

    def test_request_after_trailers_has_its_own_headers(self, conduit: RunningServer) -> None:
        with raw_connection(conduit.address) as connection:
            connection.send(CHUNKED + b"0\r\nX-Request-ID: trailer\r\n\r\n")
            assert connection.read_response().headers["x-request-id"] != "trailer"
            connection.send(GET.replace(b"\r\n\r\n", b"\r\nX-Request-ID: header\r\n\r\n"))
            assert connection.read_response().headers["x-request-id"] == "header"

    @pytest.mark.parametrize(
        "trailers",
        [b"".join(b"X-%d: a\r\n" % number for number in range(2_000)), b"X: " + b"a" * 2 * HEADERS_SIZE],
        ids=["many", "one"],
    )
    def test_large_trailers_get_431(self, conduit: RunningServer, trailers: bytes) -> None:
        response = send(conduit, CHUNKED + b"2\r\n{}\r\n0\r\n" + trailers + b"\r\n\r\n")
        assert (response.status, response.json()) == TRAILERS_TOO_LARGE

    @pytest.mark.parametrize(
        ("start", "rest"),
        [(b"0\r\nX: a", b"a"), (b"0\r\n", b"X"), (b"2;a", b"a"), (b"0", b"0")],
        ids=["value", "name", "chunk extension", "chunk size"],
    )
    def test_large_part_without_an_end_gets_431(
        self, conduit: RunningServer, start: bytes, rest: bytes
    ) -> None:
        with raw_connection(conduit.address) as connection:
            connection.send(CHUNKED.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n") + start)
            # When this has been received, the server has read the start.
            assert connection.read_response().status == 100
            connection.send(rest * 2 * HEADERS_SIZE)
            response = connection.read_response()
        assert (response.status, response.json()) == TRAILERS_TOO_LARGE

    def test_endless_trailers_are_rejected_in_constant_memory(self, conduit: RunningServer) -> None:
        before = conduit.memory()
        with raw_connection(conduit.address) as connection:
            connection.send(CHUNKED + b"0\r\n")
            try:
                for _ in range(64):
                    connection.send(b"X: y\r\n" * (MEBIBYTE // 6))
            except OSError:
                # The server has closed the connection.
                return
            finally:
                assert conduit.memory() - before < 16 * MEBIBYTE
        pytest.fail("the server accepted 64 MiB of trailers")


class TestIdleConnection:
    """Bytes outside of a request do not keep a connection open (CWE-400)."""

    def test_nothing_after_a_response(self, conduit: RunningServer) -> None:
        with raw_connection(conduit.address) as connection:
            connection.send(GET)
            assert connection.read_response().status == 200
            assert connection.read_to_end() == b""

    @pytest.mark.parametrize("data", [b"\r\n", b"\n", b"\r\n\r\n\r\n"])
    def test_empty_lines_after_a_response(self, conduit: RunningServer, data: bytes) -> None:
        with raw_connection(conduit.address) as connection:
            connection.send(GET)
            assert connection.read_response().status == 200
            connection.send(data)
            assert connection.read_to_end() == b""

    def test_body_after_the_response(self, conduit: RunningServer) -> None:
        with raw_connection(conduit.address) as connection:
            connection.send(b"POST /api/users HTTP/1.1\r\nHost: a\r\nContent-Length: 7000000\r\n\r\n")
            assert connection.read_response().status == 413
            connection.send(b"x" * 7_000_000)
            assert connection.read_to_end() == b""

    def test_half_a_head_after_a_response_gets_408(self, conduit: RunningServer) -> None:
        with raw_connection(conduit.address) as connection:
            connection.send(GET)
            assert connection.read_response().status == 200
            connection.send(b"\r\nGET /api/tags")
            assert connection.read_response().status == 408
            assert connection.read_to_end() == b""
