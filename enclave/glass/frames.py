"""Websocket messages of a kernel: read in either protocol, and written anew where their own bytes may not go on."""

from __future__ import annotations

import json
import re
import struct
import uuid
from itertools import pairwise
from textwrap import fill
from typing import Any

LINE = 88
"""Characters of a line under a cell: a notebook breaks a longer one within a word."""
FRAME_BYTES = 2 * 1024**2
PROTOCOL = "v1.kernel.websocket.jupyter.org"
_WORD = re.compile(r"[\w.:+-]{1,128}")
_PARTS = ("header", "parent_header", "metadata", "content")
_WITHOUT_BUFFERS = len(("channel", *_PARTS, "end"))  # offsets of a packed message: one for each part, and its end
_SUBSHELL = "subshell_id"  # JupyterLab answers widgets in a thread of their own, so that they work while a cell runs
_HEADER_KEYS = ("msg_id", "username", "session", "date", "msg_type", "version", _SUBSHELL)
# Replies without which a notebook would wait for ever; each is written anew from fixed words.
_REPLIES = frozenset({"execute_reply", "complete_reply", "inspect_reply", "interrupt_reply", "shutdown_reply"})


def head(message: str | bytes) -> dict[str, Any] | None:
    """Return header, parent header and content of a kernel message, in either protocol; None if unreadable."""
    try:
        found = json.loads(message) if isinstance(message, str) else _unpacked(message)
    except (ValueError, struct.error, IndexError):
        return None
    return found if isinstance(found, dict) else None


def notice(message: str | bytes, text: str) -> str | bytes | None:
    """Return a message that shows `text` under the cell that `message` belongs to."""
    found = head(message)
    if found is None:
        return None
    return _written(found, "stream", {"name": "stderr", "text": f"{fill(text, LINE)}\n"}, "iopub", message)


def skeleton(message: str | bytes) -> str | bytes | None:
    """Return what keeps a notebook working when nothing may be shown: state and end, no content."""
    found = head(message)
    if found is None:
        return None
    kind = _header(found.get("header")).get("msg_type", "")
    content = found.get("content")
    content = content if isinstance(content, dict) else {}
    if kind == "status" and content.get("execution_state") in ("busy", "idle", "starting"):
        return _written(found, kind, {"execution_state": content["execution_state"]}, "iopub", message)
    if kind in _REPLIES:
        status = "ok" if content.get("status") == "ok" else "error"
        reply = {"status": status, "execution_count": 0, "payload": [], "user_expressions": {}}
        channel = "control" if "shutdown" in kind or "interrupt" in kind else "shell"
        return _written(found, kind, reply, channel, message)
    return None


def parent(message: str | bytes) -> str:
    """Return the id of the request a message answers; empty when it has none."""
    found = head(message) or {}
    return _header(found.get("parent_header")).get("msg_id", "")


def code(message: str | bytes | None) -> str | None:
    """Return the code a message asks a kernel to run, in either protocol; None where it asks for none."""
    found = (head(message) if message is not None else None) or {}
    content = found.get("content")
    if _header(found.get("header")).get("msg_type") != "execute_request" or not isinstance(content, dict):
        return None
    return str(content.get("code", ""))


def answer(found: dict[str, Any], kind: str, content: dict[str, Any], channel: str, *, packed: bool) -> str | bytes:
    """Write a message of ours that answers the request `found`."""
    asked = _header(found.get("header"))
    return compose(_of_ours(asked, kind), asked, {}, content, channel, packed=packed)


def anew(found: dict[str, Any], content: dict[str, Any], metadata: dict[str, str], *, packed: bool) -> str | bytes:
    """Write a request again from its header's known words and what was judged of it; nothing else goes on."""
    known = _header(found["header"])
    header = {key: known.get(key, "") for key in _HEADER_KEYS if key in known or key != _SUBSHELL}
    return compose(header, {}, metadata, content, found["channel"], packed=packed)


def compose(
    header: dict[str, str],
    parent_header: dict[str, str],
    metadata: dict[str, str],
    content: dict[str, Any],
    channel: str,
    *,
    packed: bool,
) -> str | bytes:
    """Write a message, packed (`PROTOCOL`) or as text."""
    if not packed:
        return json.dumps(
            {
                "header": header,
                "parent_header": parent_header,
                "metadata": metadata,
                "content": content,
                "buffers": [],
                "channel": channel,
                "msg_id": header["msg_id"],
                "msg_type": header["msg_type"],
            }
        )
    parts = [channel.encode(), *(json.dumps(part).encode() for part in (header, parent_header, metadata, content))]
    offsets = [8 * (len(parts) + 2)]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(parts)


def request(message: str | bytes, *, packed: bool) -> dict[str, Any] | None:
    """Return a browser's message with its channel; None where a server might read something else in it.

    It must be of the protocol agreed on, whole, without buffers, and name itself in words.

    Returns
    -------
    dict or None
        `header`, `content` and `metadata` are objects, `channel` is text.
    """
    try:
        found = _strictly_unpacked(message) if isinstance(message, bytes) else json.loads(message)
    except (ValueError, struct.error, RecursionError):
        return None
    if isinstance(message, bytes) is not packed or not isinstance(found, dict) or found.get("buffers"):
        return None
    known = all(isinstance(found.get(part), dict) for part in ("header", "content", "metadata"))
    if not known or not isinstance(found.get("channel"), str):
        return None
    return found if {"msg_id", "msg_type"} <= _header(found["header"]).keys() else None


def _written(
    found: dict[str, Any], kind: str, content: dict[str, Any], channel: str, like: str | bytes
) -> str | bytes:
    """Write a message of ours, in the protocol of the one it stands for."""
    header = _of_ours(_header(found.get("header")), kind)
    parent_header = _header(found.get("parent_header"))
    packed = isinstance(like, bytes) and _is_packed(like)
    return compose(header, parent_header, {}, content, channel, packed=packed)


def _of_ours(origin: dict[str, str], kind: str) -> dict[str, str]:
    return {
        **{key: origin.get(key, "") for key in ("username", "session", "date")},
        "msg_id": uuid.uuid4().hex,
        "msg_type": kind,
        "version": "5.3",
    }


def _strictly_unpacked(message: bytes) -> Any:
    """Unpack a message of five parts that lie one after the other and fill it."""
    count, *offsets = struct.unpack_from("<7Q", message)
    if count != _WITHOUT_BUFFERS or offsets[0] != 8 * (count + 1) or offsets[-1] != len(message):
        raise ValueError("other parts than the five of a message without buffers")
    channel, *parts = (message[start:end] for start, end in pairwise(offsets))
    return {"channel": channel.decode(), **dict(zip(_PARTS, map(json.loads, parts), strict=True))}


def _is_packed(message: bytes) -> bool:
    # The number of offsets is small: as 8 bytes, little end first, all but the first are zero.
    return len(message) > 8 and message[0] != 0 and message[1:8] == bytes(7)


def _unpacked(message: bytes) -> Any:
    if _is_packed(message):
        count = struct.unpack_from("<Q", message)[0]
        offsets = struct.unpack_from(f"<{count}Q", message, 8)
        parts = [message[start:end] for start, end in pairwise(offsets[1:6])]
        return dict(zip(_PARTS, (json.loads(part) for part in parts), strict=True))
    # The older form, for messages with buffers: number of parts, offsets, parts; big end first.
    count = struct.unpack_from("!I", message)[0]
    offsets = struct.unpack_from(f"!{min(count, 2)}I", message, 4)
    return json.loads(message[offsets[0] : offsets[1] if count > 1 else None])


def _header(value: object) -> dict[str, str]:
    """Return a header's known keys, where they are short words: what could carry more is dropped."""
    if not isinstance(value, dict):
        return {}
    return {
        key: value[key] for key in _HEADER_KEYS if isinstance(value.get(key), str) and _WORD.fullmatch(value[key])
    }
