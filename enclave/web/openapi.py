"""What each page and form takes and gives, as OpenAPI 3.1, read off the types of the functions that make them."""

from __future__ import annotations

import re
import typing
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from enclave.errors import Finding
from enclave.web.ledger import SEARCHED
from enclave.web.visit import Act, Page, Show

_REFS = "#/components/schemas/{model}"
_PART = re.compile(r"{(\w+)}")
_ASKED = dict.fromkeys(("/ledger", "/projects/{project}/ledger"), tuple(SEARCHED))
_PROBLEMS = {
    "401": "Nobody is signed in.",
    "403": "Refused, with every reason, its clause and the next step.",
    "404": "There is no such page.",
    "422": "Malformed or not complete, with every finding.",
}
_ERROR = {
    "type": "object",
    "required": ["error", "findings"],
    "additionalProperties": False,
    "properties": {
        "error": {"type": "string"},
        "findings": {"type": "array", "items": {"$ref": "#/components/schemas/Finding"}},
    },
}


def described(
    pages: Mapping[str, Show], forms: Mapping[str, Act], documents: Collection[str], prefix: str
) -> dict[str, Any]:
    """Give the OpenAPI document of pages and forms under a prefix; `documents` are forms with which one may come.

    Objects are closed: a field that is not described is not given.
    """
    shown = {path: model for path, show in pages.items() if (model := model_of(show)) is not None}
    adapters: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]]
    adapters = [(path, "serialization", TypeAdapter(model)) for path, model in (*shown.items(), ("", Finding))]
    refs, schemas = TypeAdapter.json_schemas(adapters, ref_template=_REFS)
    paths: dict[str, Any] = {}
    standing = Counter([*pages.values(), *forms.values()])
    for path, show in pages.items():
        paths[path] = {"get": _operation(path, show, _page(refs.get((path, "serialization"))), standing[show])}
    for path, act in forms.items():
        done = {"303": {"description": "Done; the page it leads to says what."}}
        paths.setdefault(path, {})["post"] = _operation(path, act, done, standing[act]) | {
            "requestBody": _form("multipart/form-data" if path in documents else "application/x-www-form-urlencoded")
        }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "P20 WIN enclave, pages",
            "version": "1",
            "description": "Each page is JSON too with `?format=json`, for whoever is signed in through JupyterHub.",
        },
        "servers": [{"url": prefix.rstrip("/") or "/"}],
        "paths": paths,
        "components": {
            "schemas": {**{name: _closed(schema) for name, schema in schemas["$defs"].items()}, "Error": _ERROR},
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "enclave-session"}},
        },
        "security": [{"session": []}],
    }


def model_of(show: Callable[..., Any]) -> type | None:
    """Give the dataclass a page shows, from its function's type; None for one that gives a document."""
    given = typing.get_type_hints(show)["return"]
    for kind in typing.get_args(given) if typing.get_origin(given) is not Page else (given,):
        if typing.get_origin(kind) is Page:
            found: type = typing.get_args(kind)[0]
            return found
    return None


def _form(kind: str) -> dict[str, Any]:
    token = {"type": "string", "description": "Out of one's own page."}
    fields = {
        "type": "object", "required": ["csrf"], "properties": {"csrf": token},
        "additionalProperties": {"type": "string"},
    }  # fmt: skip
    return {"required": True, "content": {kind: {"schema": fields}}}


def _operation(path: str, made_by: Callable[..., Any], answers: Mapping[str, Any], standing: int) -> dict[str, Any]:
    """Describe what stands at an address; its name has the address where the function stands at several."""
    name = f"{made_by.__module__.rpartition('.')[2]}.{made_by.__name__}"
    wants_json = {"name": "format", "in": "query", "schema": {"enum": ["json"]}}
    asked = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _ASKED.get(path, ())]
    parts = [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in _PART.findall(path)]
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    problems = {status: {"description": what, "content": content} for status, what in _PROBLEMS.items()}
    return {
        "operationId": name if standing == 1 else f"{name}:{path}",
        "summary": (made_by.__doc__ or "").partition("\n")[0],
        "parameters": [*parts, wants_json, *asked],
        "responses": {**answers, **problems},
    }


def _page(model: Mapping[str, Any] | None) -> dict[str, Any]:
    if model is None:
        return {"200": {"description": "A document, as it was made.", "content": {"*/*": {}}}}
    content = {"application/json": {"schema": dict(model)}, "text/html": {"schema": {"type": "string"}}}
    return {"200": {"description": "What the page shows.", "content": content}}


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "additionalProperties": False} if "properties" in schema else schema
