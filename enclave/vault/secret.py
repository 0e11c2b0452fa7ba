"""The secret that agencies share to encode identifiers; the hub never has it.

Source: EM IX; DSA III.G.1.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from enclave.errors import invalid
from enclave.terms import project_id
from enclave.vault.once import write_once

_MARK = "p20win-encoding-secret"
_BYTES = 32


@dataclass(frozen=True)
class EncodingSecret:
    """256 random bits for the encodings of one project."""

    project: str
    value: bytes = field(repr=False)


def new_secret(project: str) -> EncodingSecret:
    """Draw the secret of a project: at random, for a word that can be guessed protects nothing."""
    return EncodingSecret(project_id(project), secrets.token_bytes(_BYTES))


def write_secret(secret: EncodingSecret, folder: Path) -> Path:
    """Write ``DR-0034.encoding-secret.json`` (mode 0400); never over another.

    Raises
    ------
    Invalid
        If there is one of this project already.
    """
    path = folder / f"{secret.project}.encoding-secret.json"
    body = {_MARK: 1, "project": secret.project, "secret": secret.value.hex()}
    try:
        write_once(path, json.dumps(body, indent=1).encode())
    except FileExistsError as error:
        raise invalid(
            path.name, "secret-exists", "EM IX", "there is a secret of this project here already",
            "Use it, or choose another folder; files of two secrets cannot be matched.",
        ) from error  # fmt: skip
    return path


def read_secret(path: Path) -> EncodingSecret:
    """Read a secret.

    Raises
    ------
    Invalid
        If it is no secret made by `enclave pprl-secret`: one somebody thought of can be guessed.
    """
    try:
        body = json.loads(path.read_text("utf-8"))
        value = bytes.fromhex(body["secret"])
        if body[_MARK] == 1 and len(value) == _BYTES:
            return EncodingSecret(project_id(body["project"]), value)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise invalid(
        path.name, "secret-file", "EM IX", "no secret of the expected kind",
        "One agency makes it with `enclave pprl-secret` and hands it to the others, never to the hub.",
    )  # fmt: skip
