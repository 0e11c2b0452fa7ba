"""What a browser may ask of a sandbox: an allow-list, judged on the path as the server will read it.

Everything that is not named here is closed: /files, nbconvert, terminals, kernelspec resources,
foreign extensions, and every file body that is neither a notebook nor code or text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode

KIB = 1024
MIB = 1024**2
PAGE_BYTES, API_BYTES, LISTING_BYTES, FILE_BYTES = 256 * KIB, 128 * KIB, 512 * KIB, 2 * MIB

TEXT_SUFFIXES = frozenset(
    {".ipynb", ".py", ".md", ".txt", ".r", ".rmd", ".qmd", ".jl", ".sql", ".toml", ".yaml", ".yml", ".sas", ".do"}
)
KERNEL_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
READ = frozenset({"GET", "HEAD"})


class Way(Enum):
    """Where an answer comes from."""

    CLOSED = "closed"  # from nowhere
    LOCAL = "local"  # from our own disk: JupyterLab's files, the same for everybody
    PAGE = "page"  # from the sandbox, HTML or a redirect
    API = "api"  # from the sandbox, JSON
    SOCKET = "socket"  # from the sandbox, a websocket


@dataclass(frozen=True, slots=True)
class Ruling:
    """The answer to one request.

    Attributes
    ----------
    way : Way
    reason : str
        Why it is closed, for the person who asked.
    path, query : str
        Percent-encoded, as they go to the server: exactly what was judged.
    cap_bytes : int
        Largest body that may come back.
    body : bytes, optional
        What is sent in place of the browser's own body; None sends that.
    opens : bool
        A browser is shown what stands in a notebook or another file of text.
    """

    way: Way
    reason: str = ""
    path: str = ""
    query: str = ""
    cap_bytes: int = 0
    body: bytes | None = None
    opens: bool = False


_OPEN: tuple[tuple[frozenset[str], re.Pattern[str], Way, int], ...] = tuple(
    (frozenset(methods.split()), re.compile(pattern), way, cap)
    for methods, pattern, way, cap in (
        ("GET HEAD", r"/?|/lab/?|/lab/(tree|workspaces)/.*|/oauth_callback|/logout", Way.PAGE, PAGE_BYTES),
        ("GET HEAD", r"/static/.+|/lab/extensions/.+|/lab/api/themes/.+", Way.LOCAL, 0),
        (
            "GET HEAD",
            r"/lab/api/(translations.*|build)|/api/nbconvert|/kernelspecs/python3/logo-[a-z0-9-]+\.(png|svg)",
            Way.LOCAL,
            0,
        ),
        ("GET PUT POST DELETE", r"/lab/api/(settings|workspaces)(/.*)?|/api/config/\w+", Way.LOCAL, 0),
        ("GET HEAD", r"/api/?|/api/(me|status|kernelspecs)", Way.API, API_BYTES),
        ("GET HEAD POST", r"/api/(kernels|sessions)", Way.API, API_BYTES),
        ("GET HEAD PATCH DELETE", rf"/api/(kernels|sessions)/{KERNEL_ID}", Way.API, API_BYTES),
        ("POST", rf"/api/kernels/{KERNEL_ID}/(interrupt|restart)", Way.API, API_BYTES),
        ("GET", rf"/api/kernels/{KERNEL_ID}/channels|/api/events/subscribe", Way.SOCKET, 0),
    )
)
_CHECKPOINTS = re.compile(r"/api/contents(/.+)/checkpoints(/[\w.-]{1,64})?")
_CONTENTS = re.compile(r"/api/contents(/.*)?")


def judge(method: str, raw_path: str, raw_query: str, prefix: str) -> Ruling:
    """Decide about one request to a sandbox.

    Parameters
    ----------
    method : str
        HTTP method, upper case.
    raw_path, raw_query : str
        As they stand in the request line.
    prefix : str
        Decoded path of the route, without a final slash, e.g. '/user/ana/dr-0034'.

    Returns
    -------
    Ruling
        Never None, never an exception: what cannot be read is closed.
    """
    path = plain(raw_path)
    if path is None or not (path == prefix or path.startswith(f"{prefix}/")):
        return Ruling(Way.CLOSED, "the address is written in a way the enclave does not follow")
    inner = path.removeprefix(prefix)
    try:
        pairs = parse_qsl(raw_query, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return Ruling(Way.CLOSED, "the query has too many keys")
    # aiohttp takes the first of two equal keys, tornado the last: what is judged must be what is read.
    if len({key for key, _ in pairs}) != len(pairs):
        return Ruling(Way.CLOSED, "a key stands twice in the query")
    sent_path = quote(path, safe="/@~!$&'()*+,:=-._")
    if _CONTENTS.fullmatch(inner):
        return _contents(method, inner, dict(pairs), sent_path)
    for methods, pattern, way, cap in _OPEN:
        if pattern.fullmatch(inner) and method in methods:
            return Ruling(way, path=sent_path, query=urlencode(pairs), cap_bytes=cap)
    return Ruling(Way.CLOSED, "this part of the server is closed: nothing leaves but through a release request")


def plain(raw_path: str) -> str | None:
    """Return the decoded path, or None if two readers could understand it differently."""
    if not raw_path.startswith("/") or re.search(r"%2f|%5c|%00", raw_path, re.IGNORECASE):
        return None
    try:
        path = unquote_to_bytes(raw_path).decode("utf-8")
    except UnicodeDecodeError:
        return None
    if re.search(r"[\x00-\x1f\x7f\\%;?#]|//", path) or any(part in (".", "..") for part in path.split("/")):
        return None
    return path


def _contents(method: str, inner: str, query: dict[str, str], sent_path: str) -> Ruling:
    """Judge the contents API: file bodies are notebooks, code and text; everything else is only named."""
    if _CHECKPOINTS.fullmatch(inner):
        return Ruling(Way.API, path=sent_path, cap_bytes=API_BYTES)
    if query.get("format", "text") not in ("text", "json"):
        return Ruling(Way.CLOSED, "files are shown as text only")
    kept = {key: value for key, value in query.items() if key in ("content", "type", "format", "hash")}
    # JupyterLab adds these: the time as a key without a value (against caches), and its own bookkeeping.
    if any(key not in (*kept, "contentProviderId") and not key.isdigit() for key in query):
        return Ruling(Way.CLOSED, "the query has a key the enclave does not know")
    suffix = PurePosixPath(inner).suffix.lower()
    if method not in READ:
        # What comes back describes the file; the body travels inwards.
        return Ruling(Way.API, path=sent_path, query=urlencode(kept), cap_bytes=API_BYTES)
    if suffix in TEXT_SUFFIXES:
        opens = method == "GET" and kept.get("content", "1") != "0"
        return Ruling(Way.API, path=sent_path, query=urlencode(kept), cap_bytes=FILE_BYTES, opens=opens)
    if kept.get("content", "1") == "0":
        return Ruling(Way.API, path=sent_path, query=urlencode(kept), cap_bytes=API_BYTES)
    if suffix or kept.get("type", "directory") != "directory":
        return Ruling(Way.CLOSED, "only notebooks, code and text open in the browser; read data in a notebook")
    # A name without a suffix may be a file: asked for as a folder, the server refuses if it is one.
    return Ruling(Way.API, path=sent_path, query=urlencode({**kept, "type": "directory"}), cap_bytes=LISTING_BYTES)
