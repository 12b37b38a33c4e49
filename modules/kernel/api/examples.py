"""OpenAPI examples of requests and responses, read from the `examples.json` beside each router."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

Json = dict[str, Any]

OperationExamples = Mapping[str, Any]
"""The examples of one operation: its request body by `request`, its responses by status."""

REQUEST = "request"
EXAMPLES = "conduit.examples"
"""The attribute of an endpoint that holds the examples of its router."""

Examples = Mapping[str, OperationExamples]
"""The examples of a router's operations, by operation id."""


# Cached: a process that makes several applications reads each file once.
@cache
def load_examples(file: str) -> Examples:
    """Return the examples in the `examples.json` beside this file: `load_examples(__file__)`."""
    examples: Examples = json.loads(Path(file).with_name("examples.json").read_text(encoding="utf-8"))
    return examples


def attach_examples(endpoint: Callable[..., Any], examples: Examples) -> None:
    """Attach the examples of its router to an endpoint."""
    endpoint.__dict__[EXAMPLES] = examples


def install_examples(application: FastAPI) -> None:
    """Add the endpoints' examples to the application's OpenAPI document.

    FastAPI's own `example` would drop nulls. Generating the document raises `LookupError` when a router
    has examples of an operation that it does not have.
    """
    generate = application.openapi

    def openapi() -> Json:
        if application.openapi_schema is None:
            document = generate()
            # Stored only when complete, so that a failure is raised again by the next call.
            application.openapi_schema = None
            _add_examples(document, application)
            application.openapi_schema = document
        return application.openapi_schema

    application.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend it


def _add_examples(document: Json, application: FastAPI) -> None:
    declared: set[str] = set()
    used: set[str] = set()
    for route in iter_route_contexts(application.routes):
        examples: Examples = getattr(route.endpoint, EXAMPLES, {})
        declared.update(examples)
        if not examples or route.operation_id not in examples:
            continue
        used.add(route.operation_id)
        if not route.include_in_schema:
            continue
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            bodies = {REQUEST: operation.get("requestBody", {}), **operation["responses"]}
            for name, example in examples[route.operation_id].items():
                bodies[name]["content"]["application/json"]["example"] = example
    if unknown := declared - used:
        raise LookupError(f"examples of unknown operations: {', '.join(sorted(unknown))}")
