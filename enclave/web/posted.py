"""What a browser sends with a form: its fields, and documents where the form takes any.

Starlette tells the parts of a form apart (RFC 7578, with python-multipart). What comes is held in memory until a room
has sealed it: a file of the system's would lie where nobody wipes it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

LONGEST_FORM = 64 * 1024
LARGEST_DOCUMENT = 20 * 1024**2
"""Bytes of fields, and of what comes with them."""
_MOST_FIELDS = 50
_ENDING = re.compile(r"\.[a-z0-9]{1,5}\Z")
_FIELDS, _PARTS = "application/x-www-form-urlencoded", "multipart/form-data"


@dataclass(frozen=True)
class Sent:
    """A document that came with a form; `ending` is that of the name it had, empty where it had none of a kind."""

    content: bytes
    ending: str


@dataclass(frozen=True)
class Posted:
    """Fields of a form, and the documents that came with it, each by its name."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    documents: dict[str, Sent] = field(default_factory=dict)


async def posted(asked: Request, *, documents: bool) -> Posted:
    """Read a form; its documents only where it takes any.

    Raises
    ------
    HTTPException
        415 for what no form of ours sends, 413 for what is too large, 400 for what is not whole.
    """
    kind = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _PARTS and documents:
        return await _parts(asked)
    if kind != _FIELDS:
        raise HTTPException(415)
    text = b"".join([piece async for piece in _bounded(asked, LONGEST_FORM)]).decode("utf-8", "replace")
    return Posted(parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))


class _Parts(MultiPartParser):
    """Starlette's reader of parts, which writes nothing to disk and refuses what has no end."""

    spool_max_size = LARGEST_DOCUMENT + LONGEST_FORM

    def __init__(self, asked: Request) -> None:
        pieces = self._to_the_end(asked)
        super().__init__(asked.headers, pieces, max_files=1, max_fields=_MOST_FIELDS, max_part_size=LONGEST_FORM)
        self._ended = False

    def on_end(self) -> None:
        self._ended = True

    async def _to_the_end(self, asked: Request) -> AsyncGenerator[bytes, None]:
        async for piece in _bounded(asked, LARGEST_DOCUMENT + LONGEST_FORM):
            yield piece
        if not self._ended:
            raise HTTPException(400)


async def _parts(asked: Request) -> Posted:
    """Give fields and documents; a document that was not chosen is none."""
    try:
        form = await _Parts(asked).parse()
    except MultiPartException:
        raise HTTPException(400) from None
    found = Posted()
    for name, value in form.multi_items():
        if not isinstance(value, UploadFile):
            found.fields.setdefault(name, []).append(value)
        elif content := await value.read():
            ending = _ENDING.search((value.filename or "").lower())
            found.documents[name] = Sent(content, ending[0] if ending else "")
    await form.close()
    return found


async def _bounded(asked: Request, longest: int) -> AsyncGenerator[bytes, None]:
    """Give the body piece by piece; 413 once it is too long."""
    read = 0
    async for piece in asked.stream():
        read += len(piece)
        if read > longest:
            raise HTTPException(413)
        yield piece
