"""What a browser may send to a server on which one approved notebook runs and nothing else.

Where identifiers are open, only what the Data Governing Board approved may run. So there the glass judges what goes
inwards too, and nothing of a browser's own bytes does: every request and every message is held against a short list
and written anew from what was judged. Code goes to the kernel only if it is, character for character, a code cell of
the notebook; in one cell of some, numbers may be others (`numbers`). What is not on the list is refused.

Source: EM VII.B.1.c.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from textwrap import fill
from typing import Any

from enclave.glass import frames
from enclave.glass.numbers import with_numbers
from enclave.glass.rules import KERNEL_ID, READ, Ruling, Way
from enclave.terms import ApprovedNotebook

FOLDER = "templates"
"""Where a server shows the notebooks it was given."""

LONGEST = 256 * 1024
"""Bytes of one message: several times what a notebook's longest cell needs."""

OTHER_CODE = "code that is not the approved notebook's"
OTHER_KIND = "a kind of message the notebook does not need"
OTHER_MESSAGE = "a message the notebook does not send"
UNREADABLE = "a message that cannot be read"
OTHER_FILE = "a file that is not the approved notebook"
OTHER_PART = "a part of the server that is closed"
_LONGEST_ANSWER = 256
_OPEN = re.compile(
    rf"GET /api/?|GET /api/(me|status|kernelspecs|kernels|sessions)|GET /api/(kernels|sessions)/{KERNEL_ID}"
    rf"|GET /api/kernels/{KERNEL_ID}/channels|GET /api/events/subscribe"
    rf"|DELETE /api/(kernels|sessions)/{KERNEL_ID}|POST /api/kernels/{KERNEL_ID}/(interrupt|restart)"
    rf"|POST /api/sessions|PATCH /api/sessions/{KERNEL_ID}|GET /api/contents/?|GET /api/contents/{FOLDER}"
)
_MARK = re.compile(rf"{FOLDER}/{KERNEL_ID}")
_SESSION = re.compile(r"session_id=[\w-]{1,64}")
_COMM = re.compile(r"[0-9a-f-]{32,36}")
_WIDGETS, _CONTROL = "jupyter.widget", "jupyter.widget.control"
_VERSION = {"version": "1.0.0"}  # of the control protocol, by which a page that was loaded again finds its widgets
_CLICKS = ({"event": "click"}, {"event": "submit"})


def narrowed(method: str, inner: str, body: bytes, ruling: Ruling, notebook: ApprovedNotebook) -> Ruling:
    """Narrow what may be asked of any server to what judging with one notebook needs.

    The contents are read-only, of the notebook and the folder it is in; the only kernel is the notebook's own, and
    what it is started with is written here.

    Source: EM VII.B.1.c.

    Parameters
    ----------
    inner : str
        Decoded path below the server's prefix.
    body : bytes
        As the browser sent it, which is read for the place of a session and goes nowhere.
    ruling : Ruling
        Of `rules.judge`, not closed.
    """
    method = "GET" if method in READ else method
    if ruling.way in (Way.LOCAL, Way.PAGE):
        return replace(ruling, body=b"")
    own = f"/api/contents/{FOLDER}/{notebook.name}"
    if method == "GET" and inner in (own, f"{own}/checkpoints"):
        return replace(ruling, body=b"")
    if not _OPEN.fullmatch(f"{method} {inner}"):
        return Ruling(Way.CLOSED, f"here only {notebook.name} is open, to be read and run as it was approved")
    if inner.startswith("/api/contents"):
        return replace(ruling, body=b"")
    query = ruling.query if ruling.way is Way.SOCKET and _SESSION.fullmatch(ruling.query) else ""
    named = method in ("POST", "PATCH") and inner.startswith("/api/sessions")
    return replace(ruling, query=query, body=_session(method, body, notebook) if named else b"")


def closed(inner: str) -> str:
    """Say in one of a few words of ours what a request was for that is closed here."""
    return OTHER_FILE if re.match(r"/(api/contents|files|view|nbconvert)\b", inner) else OTHER_PART


def _session(method: str, body: bytes, notebook: ApprovedNotebook) -> bytes:
    """Name a session for the notebook and start its kernel as the notebook has it, whatever the browser asked for.

    Its own is the mark JupyterLab gives a new session and looks for in the answer, if it is nothing else.
    """
    path = f"{FOLDER}/{notebook.name}"
    with suppress(ValueError, RecursionError):
        asked = json.loads(body)
        own = asked.get("path") if isinstance(asked, dict) else None
        path = own if isinstance(own, str) and _MARK.fullmatch(own) else path
    named = {"path": path, "name": notebook.name, "type": "notebook"}
    return json.dumps(named if method == "PATCH" else {**named, "kernel": {"name": "python3"}}).encode()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one message of a browser.

    Attributes
    ----------
    inwards : str or bytes, optional
        What goes to the kernel; None for nothing.
    back : tuple of str or bytes
        What the browser is told instead.
    refused : str
        What was refused, one of a few words of ours that hold nothing of the message; empty when it went on, and for
        what JupyterLab asks unbidden.
    """

    inwards: str | bytes | None = None
    back: tuple[str | bytes, ...] = ()
    refused: str = ""


def judged(message: str | bytes, notebook: ApprovedNotebook, *, packed: bool) -> Verdict:
    """Judge one message to a kernel.

    Source: EM VII.B.1.c.

    Parameters
    ----------
    packed : bool
        Whether the server took `frames.PROTOCOL`.
    """
    found = frames.request(message, packed=packed) if len(message) <= LONGEST else None
    if found is None:
        return Verdict(refused=UNREADABLE)
    kind, content = found["header"]["msg_type"], found["content"]
    write = _INWARDS.get((found["channel"], kind))
    if write is None:
        verdict = _refused(found, OTHER_KIND, notebook, packed=packed)
        return replace(verdict, refused="") if _asked_by_the_lab(kind, content) else verdict
    written = write(content, notebook)
    if written is None:
        what = OTHER_CODE if kind == "execute_request" else OTHER_MESSAGE
        return _refused(found, what, notebook, packed=packed)
    metadata = _VERSION if kind == "comm_open" else {}
    return Verdict(inwards=frames.anew(found, written, metadata, packed=packed))


def _asked_by_the_lab(kind: str, content: dict[str, Any]) -> bool:
    """Tell what JupyterLab asks of every kernel it opens, unbidden: refused, and nobody's attempt."""
    return kind == "history_request" or (kind == "debug_request" and content.get("command") == "debugInfo")


def _refused(found: dict[str, Any], what: str, notebook: ApprovedNotebook, *, packed: bool) -> Verdict:
    """Answer under the cell, and end the request as a kernel would."""
    kind: str = found["header"]["msg_type"]
    if not kind.endswith("_request"):
        return Verdict(refused=what)  # a kernel answers none of these
    text = f"{_WHY.get(what, what)}. {_RULE}{_NUMBERS if notebook.numbers else ''}"
    error: dict[str, Any] = {"ename": "Refused", "evalue": text, "traceback": [fill(f"Refused: {text}", frames.LINE)]}
    reply = {**error, "status": "error", "execution_count": None, "user_expressions": {}, "payload": []}
    channel = found["channel"] if found["channel"] in ("shell", "control") else "shell"
    parts = [(f"{kind.removesuffix('_request')}_reply", reply, channel), ("status", _IDLE, "iopub")]
    if kind == "execute_request":
        parts = [("status", _BUSY, "iopub"), ("error", error, "iopub"), *parts]
    back = tuple(frames.answer(found, name, told, where, packed=packed) for name, told, where in parts)
    return Verdict(back=back, refused=what)


_BUSY: dict[str, Any] = {"execution_state": "busy"}
_IDLE: dict[str, Any] = {"execution_state": "idle"}
_RULE = (
    "Identifiers are open here, so only the approved notebook's own cells run, exactly as they stand (EM VII.B.1.c). "
    "This was not sent to the kernel. To work with other code, have the Data Governing Board approve it."
)
_NUMBERS = " A number of its first cell may be another number; nothing else of it."
_WHY = {OTHER_CODE: "This cell is not part of the approved notebook, or was changed"}


def _code(content: dict[str, Any], notebook: ApprovedNotebook) -> dict[str, Any] | None:
    code = content.get("code")
    if not isinstance(code, str) or content.get("user_expressions"):
        return None
    code = code if code in notebook.cells else with_numbers(notebook.numbers, code)
    if code is None:
        return None
    # No notebook that was approved asks for input, and none is run in silence.
    fixed = {"silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
    return {"code": code, "user_expressions": {}, **fixed}


def _nothing(content: dict[str, Any], notebook: ApprovedNotebook) -> dict[str, Any] | None:
    return {}


def _subshell(content: dict[str, Any], notebook: ApprovedNotebook) -> dict[str, Any] | None:
    id = content.get("subshell_id")
    return {"subshell_id": id} if isinstance(id, str) and _COMM.fullmatch(id) else None


def _widgets(content: dict[str, Any], notebook: ApprovedNotebook) -> dict[str, Any] | None:
    return {"target_name": _WIDGETS}


def _opened(content: dict[str, Any], notebook: ApprovedNotebook) -> dict[str, Any] | None:
    """Let a page that was loaded again ask for the widgets there are; a browser makes none."""
    comm = _comm(content)
    return {**comm, "target_name": _CONTROL, "data": {}} if comm and content.get("target_name") == _CONTROL else None


def _closed(content: dict[str, Any], notebook: ApprovedNotebook) -> dict[str, Any] | None:
    comm = _comm(content)
    return {**comm, "data": {}} if comm else None


def _told(content: dict[str, Any], notebook: ApprovedNotebook) -> dict[str, Any] | None:
    """Let a value that was entered, a click, and the question for a widget's state through."""
    comm, said = _comm(content), content.get("data")
    if not comm or not isinstance(said, dict):
        return None
    method, state = said.get("method"), said.get("state")
    if method in ("request_state", "request_states"):
        return {**comm, "data": {"method": method}}
    if method == "custom" and said.get("content") in _CLICKS:
        return {**comm, "data": {"method": method, "content": said["content"]}}
    if method != "update" or said.get("buffer_paths") or not isinstance(state, dict) or state.keys() != {"value"}:
        return None
    value = state["value"]
    if not isinstance(value, str) or len(value) > _LONGEST_ANSWER:
        return None
    return {**comm, "data": {"method": method, "state": {"value": value}, "buffer_paths": []}}


def _comm(content: dict[str, Any]) -> dict[str, str]:
    """Return which comm is meant; nothing if it is not named as comms are."""
    id = content.get("comm_id")
    return {"comm_id": id} if isinstance(id, str) and _COMM.fullmatch(id) else {}


_Write = Callable[[dict[str, Any], ApprovedNotebook], dict[str, Any] | None]
_INWARDS: Mapping[tuple[str, str], _Write] = {
    ("shell", "execute_request"): _code,
    ("shell", "kernel_info_request"): _nothing,
    ("control", "kernel_info_request"): _nothing,
    ("control", "create_subshell_request"): _nothing,
    ("control", "delete_subshell_request"): _subshell,
    ("shell", "comm_info_request"): _widgets,
    ("shell", "comm_open"): _opened,
    ("shell", "comm_msg"): _told,
    ("shell", "comm_close"): _closed,
}
"""By channel and kind: what is written to the kernel, from what was asked; None refuses. Whatever is not here is."""
