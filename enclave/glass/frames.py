"""Websocket messages of a kernel that are too large, or come after the day's bytes are used up."""

from __future__ import annotations

import json
import re
import struct
import uuid
from itertools import pairwise
from typing import Any

FRAME_BYTES = 2 * 1024**2
PROTOCOL = "v1.kernel.websocket.jupyter.org"
_WORD = re.compile(r"[\w.:+-]{1,128}")
_HEADER_KEYS = ("msg_id", "username", "session", "date", "msg_type", "version")
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
    return _written(found, "stream", {"name": "stderr", "text": f"{text}\n"}, "iopub", message)


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


def _written(
    found: dict[str, Any], kind: str, content: dict[str, Any], channel: str, like: str | bytes
) -> str | bytes:
    """Write a message of ours, in the protocol of the one it stands for."""
    origin = _header(found.get("header"))
    header = {
        **{key: origin.get(key, "") for key in ("username", "session", "date")},
        "msg_id": uuid.uuid4().hex,
        "msg_type": kind,
        "version": "5.3",
    }
    parent_header = _header(found.get("parent_header"))
    if isinstance(like, bytes) and _is_packed(like):
        parts = [channel.encode(), *(json.dumps(part).encode() for part in (header, parent_header, {}, content))]
        offsets = [8 * (len(parts) + 2)]
        for part in parts:
            offsets.append(offsets[-1] + len(part))
        return struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(parts)
    return json.dumps(
        {
            "header": header,
            "parent_header": parent_header,
            "metadata": {},
            "content": content,
            "buffers": [],
            "channel": channel,
            "msg_id": header["msg_id"],
            "msg_type": kind,
        }
    )


def _is_packed(message: bytes) -> bool:
    # The number of offsets is small: as 8 bytes, little end first, all but the first are zero.
    return len(message) > 8 and message[0] != 0 and message[1:8] == bytes(7)


def _unpacked(message: bytes) -> Any:
    if _is_packed(message):
        count = struct.unpack_from("<Q", message)[0]
        offsets = struct.unpack_from(f"<{count}Q", message, 8)
        parts = [message[start:end] for start, end in pairwise(offsets[1:6])]
        names = ("header", "parent_header", "metadata", "content")
        return dict(zip(names, (json.loads(part) for part in parts), strict=True))
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
