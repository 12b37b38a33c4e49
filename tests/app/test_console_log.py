"""The log lines of requests on a terminal."""

import re

import jwt
import pytest

from conduit_app.observability.console_log import WIDTH, request_line, shown_url

LINE = {
    "event": "request",
    "method": "GET",
    "url": "/api/articles/how-to-train",
    "route": "/api/articles/{slug}",
    "module": "articles",
    "status": 404,
    "milliseconds": 7.1,
    "user_id": 7,
    "username": "anna",
    "request_id": "ab12cd34" * 4,
}
ESCAPE = re.compile(r"\x1b\[\d+m")
JWT = jwt.encode({"sub": "1"}, "secret" * 8, algorithm="HS256")


def test_line_has_what_a_developer_looks_for() -> None:
    assert request_line(LINE, colors=False) == (
        "GET /api/articles/how-to-train → 404  7.1 ms  articles  anna  req=ab12cd34"
    )


@pytest.mark.parametrize(
    ("status", "color"),
    [(200, "32"), (204, "32"), (304, "36"), (404, "33"), (500, "31"), (503, "31"), (0, "31")],
)
def test_status_has_a_color(status: int, color: str) -> None:
    line = request_line(LINE | {"status": status}, colors=True)
    assert f"→ \x1b[{color}m{status or '-'}\x1b[0m " in line
    assert ESCAPE.sub("", line) == request_line(LINE | {"status": status}, colors=False)


def test_other_fields_are_shown() -> None:
    line = request_line(
        LINE | {"idempotent_replay": True, "trace_id": "0af76519" * 4, "span_id": "0af76519" * 2},
        colors=False,
    )
    assert line.endswith("  anna  req=ab12cd34  idempotent_replay=True  trace_id=0af76519")


def test_unknown_caller_has_an_id_and_an_anonymous_one_nothing() -> None:
    known = {name: value for name, value in LINE.items() if name != "username"}
    assert "  articles  user 7  req=" in request_line(known, colors=False)
    del known["user_id"]
    assert "  articles  req=" in request_line(known, colors=False)


@pytest.mark.parametrize("username", ["a" * 64, "龍" * 64])
@pytest.mark.parametrize("request_id", ["f" * 32, "client-" * 9])
def test_line_fits_120_columns(username: str, request_id: str) -> None:
    largest = {
        "method": "M" * 100,
        "url": f"/{'a' * 4_000}?{'b' * 4_000}",
        "module": "notifications",
        "milliseconds": 123_456.7,
        "username": username,
        "request_id": request_id,
        "idempotent_replay": True,
    }
    line = request_line(LINE | largest, colors=False)
    assert len(line) + line.count("龍") <= WIDTH
    assert "/aaaaaaaaaaaaaaaaaa… → 404 " in line
    assert "  req=" in line


@pytest.mark.parametrize(
    ("path", "query", "shown"),
    [
        ("/api/articles", "tag=a+b&limit=5", "/api/articles?tag=a+b&limit=5"),
        ("/api/user", "token=open-sesame", "/api/user?token=…"),
        ("/api/user", "a=1;access%5Ftoken=sesame", "/api/user?a=1&access%5Ftoken=…"),
        ("/api/user", "user%5Bpassword%5D=sesame&x", "/api/user?user%5Bpassword%5D=…&x"),
        ("/api/user", "api_key=sesame&monkey=1&keyword=1", "/api/user?api_key=…&monkey=…&keyword=1"),
        ("/api/user", "code=sesame&q=code", "/api/user?code=…&q=code"),
        ("/api/user", f"q={JWT}", "/api/user?q=…"),
        ("/api/user", JWT.replace(".", "%2E"), "/api/user?…"),
        (f"/api/user/{JWT}/x", "", "/api/user/…/x"),
        (
            "/api/articles",
            "cursor=AAYAAAAAAAAAAQAAAAAAAAABc2lnbmF0dXJlLW9mLWN1cnNvcg",
            "/api/articles?cursor=…",
        ),
        ("/%0A%1B[2J", "%0Ab", "/%0A%1B[2J?%0Ab"),
    ],
)
def test_url_has_no_secret(path: str, query: str, shown: str) -> None:
    assert shown_url(path.encode(), query.encode()) == shown


def test_url_that_is_not_ascii_cannot_control_the_terminal() -> None:
    assert shown_url(b"/\xc2\x9b", b"\xff") == r"/\xc2\x9b?\xff"
