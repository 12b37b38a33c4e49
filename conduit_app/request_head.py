"""The rules for a request's head that the parser does not check (RFC 9112)."""

import re
from collections.abc import Sequence
from http import HTTPStatus

Rejection = tuple[HTTPStatus, dict[str, list[str]]]
"""The status and the errors of a request that does not reach the application."""

VERSIONS = ("1.0", "1.1")
# RFC 3986, 3.2.2 and 3.2.3: an IP literal, or a name or IPv4 address, and a port.
HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?")


def head_rejection(
    version: str, method: bytes, headers: Sequence[tuple[bytes, bytes]], *, upgrades: bool
) -> Rejection | None:
    """Return why a head is rejected, or None.

    `upgrades` says whether the parser takes what follows the head for another protocol.
    """
    if version not in VERSIONS:
        return HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, {"version": ["is not supported"]}
    if method == b"CONNECT":
        # RFC 9110, 9.1: a method that the server does not implement.
        return HTTPStatus.NOT_IMPLEMENTED, {"method": ["is not implemented"]}
    hosts, codings, has_body = [], [], False
    for name, value in headers:
        if name == b"host":
            hosts.append(value)
        elif name == b"transfer-encoding":
            codings.append(value)
        elif name == b"content-length":
            has_body = True
    if (rejection := _host_rejection(version, hosts)) is not None:
        return rejection
    if codings and (rejection := _coding_rejection(version, codings)) is not None:
        return rejection
    if upgrades and (codings or has_body):
        # Request smuggling (CWE-444): the parser would not read the body, but parse it as another request.
        return HTTPStatus.NOT_IMPLEMENTED, {"upgrade": ["is not supported"]}
    return None


def _host_rejection(version: str, hosts: Sequence[bytes]) -> Rejection | None:
    # RFC 9112, 3.2: required since HTTP/1.1, and never more than one.
    if not hosts and version == "1.0":
        return None
    if not hosts:
        return HTTPStatus.BAD_REQUEST, {"host": ["is missing"]}
    if len(hosts) > 1:
        return HTTPStatus.BAD_REQUEST, {"host": ["must not be repeated"]}
    return None if HOST.fullmatch(hosts[0]) else (HTTPStatus.BAD_REQUEST, {"host": ["is not valid"]})


def _coding_rejection(version: str, codings: Sequence[bytes]) -> Rejection | None:
    # RFC 9112, 6.1: chunked is the only coding implemented, and unknown to HTTP/1.0.
    names = [name.strip().lower() for name in b",".join(codings).split(b",")]
    if version == "1.0" or names[-1] != b"chunked":
        return HTTPStatus.BAD_REQUEST, {"transfer-encoding": ["is not valid"]}
    if names != [b"chunked"]:
        return HTTPStatus.NOT_IMPLEMENTED, {"transfer-encoding": ["must be chunked"]}
    return None
