"""Messages to a kernel where one approved notebook may run: what an attacker would try, and what becomes of it."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest

from enclave.glass.approved import LONGEST, Verdict, judged
from enclave.terms import ApprovedNotebook

CODE = "sample = draw(job)\nDesk(sample)"
NOTEBOOK = ApprovedNotebook("match_review.ipynb", frozenset({CODE, "import pandas"}))
COMM = "0123456789abcdef0123456789abcdef"
OWN = "open('/job/inputs/SDE.parquet')"
Message = dict[str, Any]


def message(kind: str, content: object, channel: str = "shell", **header: object) -> Message:
    named = {"msg_id": "m1", "msg_type": kind, "session": "s", "username": "", "date": "", "version": "5.4"}
    return {
        "header": {**named, **header},
        "parent_header": {},
        "metadata": {},
        "content": content,
        "channel": channel,
    }


def run(code: object = CODE, **more: object) -> Message:
    return message("execute_request", {"code": code, "silent": False, "store_history": True, **more})


def packed(told: Message, buffers: Iterable[bytes] = ()) -> bytes:
    """Write a message as JupyterLab does."""
    named = (json.dumps(told[part]).encode() for part in ("header", "parent_header", "metadata", "content"))
    parts = [told["channel"].encode(), *named, *buffers]
    offsets = [8 * (len(parts) + 2)]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(parts)


def unpacked(frame: str | bytes | None) -> Message:
    if not isinstance(frame, bytes):
        return dict(json.loads(frame or "null"))
    (count,) = struct.unpack_from("<Q", frame)
    at = struct.unpack_from(f"<{count}Q", frame, 8)
    channel, *parts = (frame[start:end] for start, end in pairwise(at))
    names = ("header", "parent_header", "metadata", "content")
    return {"channel": channel.decode(), **dict(zip(names, map(json.loads, parts), strict=True))}


def said(told: Message) -> tuple[Verdict, Verdict]:
    """Judge a message in both protocols."""
    return judged(json.dumps(told), NOTEBOOK, packed=False), judged(packed(told), NOTEBOOK, packed=True)


def test_an_approved_cell_goes_on_and_nothing_else_of_what_was_sent() -> None:
    told = run(silent=True, store_history=False, allow_stdin=True, user_expressions={}, smuggled=OWN)
    told["header"]["smuggled"] = told["metadata"]["smuggled"] = told["smuggled"] = OWN
    told["parent_header"] = {"msg_id": OWN}
    fixed = {"silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
    for verdict in said(told):
        assert verdict.inwards is not None and not verdict.back and not verdict.refused
        gone = unpacked(verdict.inwards)
        assert gone["content"] == {"code": CODE, "user_expressions": {}, **fixed}
        assert gone["header"]["msg_type"] == "execute_request" and gone["channel"] == "shell"
        assert OWN not in json.dumps(gone) and gone["parent_header"] == gone["metadata"] == {}


UPDATE = {"comm_id": COMM, "data": {"method": "update", "state": {"value": "m"}, "buffer_paths": []}}


@pytest.mark.parametrize(
    ("told", "content"),
    [
        (message("kernel_info_request", {"x": 1}), {}),
        (message("kernel_info_request", {}, "control"), {}),
        (message("create_subshell_request", {"x": 1}, "control"), {}),
        (message("delete_subshell_request", {"subshell_id": COMM, "x": 1}, "control"), {"subshell_id": COMM}),
        (message("comm_info_request", {"target_name": "other"}), {"target_name": "jupyter.widget"}),
        (message("comm_msg", UPDATE), UPDATE),
        (
            message("comm_msg", {"comm_id": COMM, "data": {"method": "custom", "content": {"event": "click"}}}),
            {"comm_id": COMM, "data": {"method": "custom", "content": {"event": "click"}}},
        ),
        (
            message("comm_msg", {"comm_id": COMM, "data": {"method": "request_state", "state": {"x": 1}}}),
            {"comm_id": COMM, "data": {"method": "request_state"}},
        ),
        (
            message("comm_open", {"comm_id": COMM, "target_name": "jupyter.widget.control", "data": {"x": 1}}),
            {"comm_id": COMM, "target_name": "jupyter.widget.control", "data": {}},
        ),
        (message("comm_close", {"comm_id": COMM, "data": {"x": 1}}), {"comm_id": COMM, "data": {}}),
    ],
)
def test_what_the_desk_needs_goes_on_as_it_is_written_here(told: Message, content: Message) -> None:
    for verdict in said(told):
        assert unpacked(verdict.inwards)["content"] == content and not verdict.refused


def test_a_widget_is_answered_in_its_own_thread() -> None:
    for verdict in said(message("comm_msg", UPDATE, subshell_id=COMM)):
        assert unpacked(verdict.inwards)["header"]["subshell_id"] == COMM
    for verdict in said(message("comm_msg", UPDATE)):
        assert "subshell_id" not in unpacked(verdict.inwards)["header"]


OTHER_CODE = {
    "own code": run(OWN),
    "a cell with more": run(f"{CODE}\n{OWN}"),
    "a cell with a space more": run(f"{CODE} "),
    "a cell with another line end": run(CODE.replace("\n", "\r\n")),
    "two cells in one": run(f"{CODE}\nimport pandas"),
    "a part of a cell": run("Desk(sample)"),
    "a magic": run("%run /job/out/x.py"),
    "a shell command": run("!cat /job/inputs/SDE.parquet"),
    "no code": run(""),
    "a list of code": run([CODE]),
    "nothing": run(None),
    "an expression beside": run(user_expressions={"x": OWN}),
    "a magic in an expression beside": run(user_expressions={"x": "%run x"}),
    "an expression beside as text": run(user_expressions=OWN),
    "a question for help": message("execute_request", {"code": "sample?"}),
    "a cell on the control channel": message("execute_request", {"code": CODE}, "control"),
}
OTHER_KINDS = {
    "complete": message("complete_request", {"code": f"{OWN}.", "cursor_pos": 4}),
    "inspect": message("inspect_request", {"code": "sample", "cursor_pos": 3, "detail_level": 1}),
    "debug": message("debug_request", {"command": "evaluate", "arguments": {"expression": OWN}}, "control"),
    "debug on the shell": message("debug_request", {"command": "evaluate"}),
    "history": message("history_request", {"hist_access_type": "tail", "n": 9}),
    "is it complete": message("is_complete_request", {"code": OWN}),
    "usage": message("usage_request", {}, "control"),
    "a subshell on the shell": message("create_subshell_request", {}),
    "the end of a thread that is none": message("delete_subshell_request", {"subshell_id": "main"}, "control"),
    "shutdown": message("shutdown_request", {"restart": True}, "control"),
    "interrupt": message("interrupt_request", {}, "control"),
    "connect": message("connect_request", {}),
    "an unknown kind": message("apply_request", {"code": CODE}),
}
UNANSWERED = {
    "an answer to input": message("input_reply", {"value": OWN}, "stdin"),
    "a widget of the browser's making": message(
        "comm_open", {"comm_id": COMM, "target_name": "jupyter.widget", "data": {"state": {"_model_name": "X"}}}
    ),
    "a comm of another kind": message("comm_open", {"comm_id": COMM, "target_name": "matplotlib", "data": {}}),
    "a module to be loaded": message(
        "comm_open", {"comm_id": COMM, "target_name": "x", "target_module": "os", "data": {}}
    ),
    "a comm named as none is": message("comm_msg", {**UPDATE, "comm_id": "../x"}),
    "another trait": message(
        "comm_msg", {"comm_id": COMM, "data": {"method": "update", "state": {"_view_name": "x"}}}
    ),
    "a trait beside": message(
        "comm_msg", {"comm_id": COMM, "data": {"method": "update", "state": {"value": "m", "comm": "x"}}}
    ),
    "a long value": message(
        "comm_msg", {"comm_id": COMM, "data": {"method": "update", "state": {"value": "m" * 999}}}
    ),
    "a value that is no text": message(
        "comm_msg", {"comm_id": COMM, "data": {"method": "update", "state": {"value": {"x": 1}}}}
    ),
    "paths of buffers": message(
        "comm_msg",
        {"comm_id": COMM, "data": {**UPDATE["data"], "buffer_paths": [["value"]]}},  # type: ignore[dict-item]
    ),
    "another event": message(
        "comm_msg", {"comm_id": COMM, "data": {"method": "custom", "content": {"event": "upload"}}}
    ),
    "another method": message("comm_msg", {"comm_id": COMM, "data": {"method": "backbone"}}),
    "no data": message("comm_msg", {"comm_id": COMM, "data": None}),
    "a kernel's own message": message("status", {"execution_state": "idle"}, "iopub"),
    "a reply": message("execute_reply", {"status": "ok"}),
}


@pytest.mark.parametrize("name", OTHER_CODE)
def test_other_code_is_answered_under_the_cell_and_goes_nowhere(name: str) -> None:
    for verdict in said(OTHER_CODE[name]):
        assert verdict.inwards is None and verdict.refused
        answered = [unpacked(frame) for frame in verdict.back]
        kinds = [each["header"]["msg_type"] for each in answered]
        assert kinds == ["status", "error", "execute_reply", "status"]
        assert "EM VII.B.1.c" in answered[1]["content"]["evalue"] and answered[2]["content"]["status"] == "error"
        assert {each["parent_header"]["msg_id"] for each in answered} == {"m1"}
        assert answered[-1]["content"] == {"execution_state": "idle"} and OWN not in json.dumps(answered)


@pytest.mark.parametrize("name", OTHER_KINDS)
def test_a_request_the_notebook_does_not_need_is_ended_with_an_error(name: str) -> None:
    for verdict in said(OTHER_KINDS[name]):
        reply, status = (unpacked(frame) for frame in verdict.back)
        assert verdict.inwards is None and reply["content"]["status"] == "error"
        asked = OTHER_KINDS[name]["header"]["msg_type"].removesuffix("_request")
        assert reply["header"]["msg_type"] == f"{asked}_reply" and reply["channel"] == OTHER_KINDS[name]["channel"]
        assert status["content"] == {"execution_state": "idle"}


@pytest.mark.parametrize("name", UNANSWERED)
def test_a_message_no_kernel_answers_is_dropped(name: str) -> None:
    for verdict in said(UNANSWERED[name]):
        assert verdict.inwards is None and verdict.back == () and verdict.refused


TEXT = json.dumps(run())
FRAME = packed(run())


def moved(frame: bytes, number: int, by: int) -> bytes:
    """Change one of a frame's eight-byte numbers."""
    (old,) = struct.unpack_from("<Q", frame, 8 * number)
    return frame[: 8 * number] + struct.pack("<Q", old + by) + frame[8 * number + 8 :]


OLDER = json.dumps(run(OWN)).encode()
UNREADABLE: dict[str, tuple[str | bytes, bool]] = {
    "packed where text was agreed on": (FRAME, False),
    "text where packed was agreed on": (TEXT, True),
    "the older form with buffers": (struct.pack("!2I", 1, 8) + OLDER, False),
    "the older form, two parts": (struct.pack("!3I", 2, 12, 12 + len(OLDER)) + OLDER + b"x", True),
    "buffers": (packed(run(), [b"x"]), True),
    "an empty buffer": (packed(run(), [b""]), True),
    "buffers as text": (json.dumps({**run(), "buffers": ["x"]}), False),
    "a part missing": (packed({**run()})[:40], True),
    "bytes after the end": (FRAME + b"x", True),
    "bytes between": (moved(FRAME, 1, -8), True),
    "parts that overlap": (moved(FRAME, 3, 10**6), True),
    "an offset before the start": (moved(FRAME, 2, -(10**9) % 2**63), True),
    "no parts": (struct.pack("<Q", 0), True),
    "empty": ("", False),
    "empty bytes": (b"", True),
    "a list": ("[]", False),
    "deep": ("[" * 100_000, False),
    "a number": ("1", False),
    "no header": (json.dumps({**run(), "header": None}), False),
    "no kind": (json.dumps(run() | {"header": {"msg_id": "m1"}}), False),
    "the kind outside alone": (
        json.dumps(run() | {"header": {"msg_id": "m1"}, "msg_type": "execute_request"}),
        False,
    ),
    "a kind that is no word": (json.dumps(message("execute_request\n", {"code": CODE})), False),
    "a kind that is no text": (json.dumps(message(["execute_request"], {"code": CODE})), False),  # type: ignore[arg-type]
    "no id": (json.dumps(message("execute_request", {"code": CODE}, msg_id="")), False),
    "content that is none": (json.dumps({**run(), "content": CODE}), False),
    "no channel": (json.dumps({k: v for k, v in run().items() if k != "channel"}), False),
    "too long": (json.dumps(run("x" * LONGEST)), False),
    "not unicode": (FRAME[:-2] + b"\xff}", True),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_two_readers_might_read_differently_is_dropped(name: str) -> None:
    frame, agreed = UNREADABLE[name]
    verdict = judged(frame, NOTEBOOK, packed=agreed)
    assert verdict.inwards is None and verdict.back == () and verdict.refused


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace('"code": ', f'"code": {json.dumps(OWN)}, "code": '),
        TEXT.replace('"content": ', f'"content": {{"code": {json.dumps(OWN)}}}, "content": '),
        TEXT.replace('"header": ', '"header": {"msg_type": "debug_request"}, "header": ', 1),
        json.dumps({**run(), "msg_type": "debug_request", "msg_id": OWN}),
    ],
)
def test_of_keys_that_stand_twice_only_what_was_judged_goes_on(text: str) -> None:
    verdict = judged(text, NOTEBOOK, packed=False)
    assert isinstance(verdict.inwards, str) and OWN not in verdict.inwards and "debug" not in verdict.inwards
    assert unpacked(verdict.inwards)["content"]["code"] == CODE
    turned = (
        text.replace(json.dumps(CODE), '"held"').replace(json.dumps(OWN), json.dumps(CODE)).replace("held", "own")
    )
    assert judged(turned, NOTEBOOK, packed=False).inwards is None
