"""What a browser sends with a form: its fields, and documents where the form takes any.

A part of a form is told apart by the boundary its sender named (RFC 7578); the standard library reads its head.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request

LONGEST_FORM = 64 * 1024
LARGEST_DOCUMENT = 20 * 1024**2
"""Bytes of fields, and of what comes with them."""
_MOST_FIELDS = 50
_FIELDS, _PARTS = "application/x-www-form-urlencoded", "multipart/form-data"


@dataclass(frozen=True)
class Posted:
    """Fields of a form, and the documents that came with it, each by its name."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)


async def posted(asked: Request, *, documents: bool) -> Posted:
    """Read a form; its documents only where it takes any.

    Raises
    ------
    HTTPException
        415 for what no form of ours sends, 413 for what is too large, 400 for what is not whole.
    """
    head = Message()
    head["Content-Type"] = asked.headers.get("content-type", "")
    kind = head.get_content_type()
    if kind != _FIELDS and not (documents and kind == _PARTS):
        raise HTTPException(415)
    longest = LONGEST_FORM + (LARGEST_DOCUMENT if kind == _PARTS else 0)
    body = bytearray()
    async for part in asked.stream():
        body += part
        if len(body) > longest:
            raise HTTPException(413)
    if kind == _FIELDS:
        text = body.decode("utf-8", "replace")
        return Posted(parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    return _read(bytes(body), str(head.get_boundary("")).encode())


def _read(body: bytes, boundary: bytes) -> Posted:
    found = Posted()
    for name, is_document, content in _parts(body, boundary):
        if is_document:
            found.documents[name] = content
        else:
            found.fields.setdefault(name, []).append(content.decode("utf-8", "replace"))
    return found


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[str, bool, bytes]]:
    """Give name, whether it is a document, and content of each part; a document that was not chosen is none."""
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if not boundary or not pieces[-1].startswith(b"--") or len(pieces) > _MOST_FIELDS + 2:
        raise HTTPException(400)
    for piece in pieces[1:-1]:
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        said = BytesHeaderParser().parsebytes(head)
        name, file = (said.get_param(each, header="content-disposition") for each in ("name", "filename"))
        if not isinstance(name, str):
            raise HTTPException(400)
        if file is None or content:
            yield name, file is not None, content
