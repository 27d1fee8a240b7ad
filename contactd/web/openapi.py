"""The description of the HTTP interface (OpenAPI 3.1), made from the rows of operation.py; for interface.py."""

import importlib.metadata
from collections.abc import Iterable
from typing import Any

from contactd.web.answers import SCHEMAS, ref
from contactd.web.kinds import Kind, Schema
from contactd.web.operation import BASE, Operation

_WHY = {
    400: "the body cannot be read",
    401: "no token that is known",
    403: "the token lacks the scope",
    404: "what it names is not there",
    408: "the body came too slowly",
    409: "it contradicts how things stand",
    413: "the body is too large",
    415: "the body is of another type",
    422: "it was read, and something in it is wrong",
    500: "contactd failed; its log says how",
    503: "nothing was kept; send the same again later",
}
_LONGEST_KEY = 200


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """Describe these operations."""
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(BASE + one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "contactd", "version": importlib.metadata.version("contactd")},
        "paths": paths,
        "webhooks": {"event": {"post": _event()}},
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "Made by `contactd tokens add`."}
            },
        },
    }


def _event() -> dict[str, Any]:
    """Describe what [[webhooks]] are told; signed as Standard Webhooks 1.0.0 says."""
    headers = ("webhook-id", "webhook-timestamp", "webhook-signature")
    text: Schema = {"type": "string"}
    return {
        "operationId": "event",
        "summary": "Something happened that [[webhooks]] asks to be told of; sent until it is taken, for a day",
        "parameters": [{"name": name, "in": "header", "required": True, "schema": text} for name in headers],
        "requestBody": {"required": True, "content": {"application/json": {"schema": ref("Event")}}},
        "responses": {"2XX": {"description": "taken; the id may come again"}},
    }


def _operation(one: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.what,
        "tags": [one.family],
        "description": f"Needs a token with the scope `{one.scope}`.",
        "security": [{"token": [one.scope]}],
        "parameters": [
            *(_parameter("path", name, kind) for name, kind in one.places.items()),
            *(_parameter("query", name, kind) for name, kind in one.query.kinds.items()),
            *([_once()] if one.once else []),
        ],
        "responses": _responses(one),
    }
    bodies = {"application/json": one.body.schema()} if one.body is not None else one.types
    if bodies:
        content = {name: {"schema": schema} for name, schema in bodies.items()}
        told["requestBody"] = {"content": content, "required": one.take is not None}
    return told


def _parameter(where: str, name: str, kind: Kind) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path" or kind.needed, "schema": kind.schema()}


def _once() -> dict[str, Any]:
    what = "The same request again within a week is answered as the first time and does nothing."
    schema: Schema = {"type": "string", "maxLength": _LONGEST_KEY, "pattern": "^[ -~]*$"}
    return {"name": "Idempotency-Key", "in": "header", "description": what, "schema": schema}


def _responses(one: Operation) -> dict[str, Any]:
    statuses = {401, 403, 422, 500, 503}
    statuses |= {404} if one.finds else set()
    statuses |= {400, 409, 413} if one.method == "POST" else set()
    statuses |= {408, 415} if one.take is not None else set()
    answers = {str(status): _answer(_WHY[status], ref("Error")) for status in sorted(statuses)}
    if one.types and one.answer == ref("Taken"):  # every row was rejected, and each is told
        answers["422"] = _answer(_WHY[422], {"anyOf": [ref("Error"), one.answer]})
    return {"200": _answer("done", one.answer), **answers}


def _answer(why: str, schema: Schema) -> dict[str, Any]:
    return {"description": why, "content": {"application/json": {"schema": schema}}}
