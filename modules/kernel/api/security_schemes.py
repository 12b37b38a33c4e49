"""Authentication in the OpenAPI document."""

from typing import Any

from fastapi import FastAPI
from fastapi.security import APIKeyHeader, HTTPBearer

Json = dict[str, Any]

TOKEN = APIKeyHeader(
    name="Authorization",
    scheme_name="Token",
    description="`Token <jwt>`, with the token of a `user` response. `Bearer <jwt>` is accepted too.",
)
BEARER = HTTPBearer(
    scheme_name="Bearer", bearerFormat="JWT", description="The token of a `user` response, without a prefix."
)
OPTIONAL = "optional"
"""The scheme that optional authentication declares: FastAPI declares none as an alternative to another."""


def install_security_schemes(application: FastAPI) -> None:
    """Add the scheme `Bearer` and, for optional authentication, the empty one to the OpenAPI document.

    Programs generated from it would otherwise not send the token where it is optional.
    """
    generate = application.openapi

    def openapi() -> Json:
        document = generate()
        _add_alternatives(document)
        return document

    application.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend it


def _add_alternatives(document: Json) -> None:
    schemes: Json = document.get("components", {}).get("securitySchemes", {})
    if not schemes:
        return
    schemes.pop(OPTIONAL, None)
    for scheme in (TOKEN, BEARER):
        schemes[scheme.scheme_name] = scheme.model.model_dump(mode="json", by_alias=True, exclude_none=True)
    # An operation with either scheme: its token may be sent as both.
    alternatives: list[Json] = [{scheme.scheme_name: []} for scheme in (TOKEN, BEARER)]
    for path in document["paths"].values():
        for operation in path.values():
            security = operation.get("security")
            if security == [{TOKEN.scheme_name: []}]:
                operation["security"] = alternatives
            elif security == [{OPTIONAL: []}]:
                operation["security"] = [{}, *alternatives]
