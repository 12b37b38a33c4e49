"""Examples of what is sent and answered: in `examples.json`, beside the router whose document shows them."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

Json = dict[str, Any]

OperationExamples = Mapping[str, Any]
"""What one operation is sent, by `request`, and what it answers, by status."""

REQUEST = "request"
EXAMPLES = "conduit.examples"
"""Where an endpoint has the examples of its router."""

Examples = Mapping[str, OperationExamples]
"""The bodies of a router's operations, by operation id."""


# Cached: a process that makes several applications reads each file once.
@cache
def load_examples(file: str) -> Examples:
    """Return what `examples.json` in the folder of this file holds, by operation id: `(__file__)`."""
    examples: Examples = json.loads(Path(file).with_name("examples.json").read_text(encoding="utf-8"))
    return examples


def attach_examples(endpoint: Callable[..., Any], examples: Examples) -> None:
    """Give an endpoint the examples of its router: the document shows those of its operation."""
    endpoint.__dict__[EXAMPLES] = examples


def install_examples(application: FastAPI) -> None:
    """Let the document of the application show the examples that its endpoints have.

    Not by FastAPI's own `example`: it takes whatever is null out of the document. Making the document
    raises `LookupError` when a router has examples of an operation that it does not have.
    """
    plain = application.openapi

    def openapi() -> Json:
        if application.openapi_schema is None:
            document = plain()
            # Kept when it is whole: whoever asks after a failure is told of it too.
            application.openapi_schema = None
            _show(document, application)
            application.openapi_schema = document
        return application.openapi_schema

    application.openapi = openapi  # type: ignore[method-assign] # this is how FastAPI wants it done


def _show(document: Json, application: FastAPI) -> None:
    given: set[str] = set()
    taken: set[str] = set()
    for route in iter_route_contexts(application.routes):
        examples: Examples = getattr(route.endpoint, EXAMPLES, {})
        given.update(examples)
        if not examples or route.operation_id not in examples:
            continue
        taken.add(route.operation_id)
        if not route.include_in_schema:
            continue
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            bodies = {REQUEST: operation.get("requestBody", {}), **operation["responses"]}
            for name, example in examples[route.operation_id].items():
                bodies[name]["content"]["application/json"]["example"] = example
    if unknown := given - taken:
        raise LookupError(f"examples of operations that are not there: {', '.join(sorted(unknown))}")
