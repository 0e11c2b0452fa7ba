"""Requests with their columns spelled out where they are used, so that a test can change each by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from p20kit.columns import PARTS, shared


def written(body: Mapping[str, Any], **how: Any) -> bytes:
    """Write a request; `how` is what `json.dumps` takes."""
    return json.dumps(shared(body), **how).encode()


def spelled(content: bytes | str) -> dict[str, Any]:
    """Read a request."""
    body: dict[str, Any] = json.loads(content)
    columns = [
        column["amounts"] if "amounts" in column else [None if n < 0 else column["texts"][n] for n in column["at"]]
        for column in body.pop("columns")
    ]
    for part in (*body["tables"], *body["models"]):
        for name in PARTS:
            if name in part:
                part[name] = {column: list(columns[number]) for column, number in part[name].items()}
    return body
