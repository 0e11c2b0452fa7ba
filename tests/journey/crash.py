"""A process that does one step for each line it reads and is killed, by SIGKILL, at a given point of it.

``python -m tests.journey.crash`` reads ``{"home", "arguments", "who", "point"}``, answers ``{"reached", "killed"}``:
the labels that were reached, the last of which is where the process died. It imports everything once and forks for
each step, so that what dies is always a fresh process.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from enclave import egress, terms
from enclave.app import open_enclave
from enclave.cli import main


def step(home: Path, arguments: list[str], who: str) -> None:
    """Do one step: a command, or what the hub does when a server starts, asks or stops."""
    if arguments[0] == "session":
        broker = open_enclave(home).broker()
        if arguments[1] == "open":
            broker.admit(who, arguments[2])
        else:
            broker.release(arguments[2])
        return
    if arguments[0] == "answer":
        enclave, content = open_enclave(home), Path(arguments[2]).read_bytes()
        egress.answer(enclave.store, enclave.keystore, enclave.settings, arguments[1], who, content)
        return
    sys.argv = ["enclave", "--home", str(home), "--as", who, *arguments]
    main()


def listen(point: int, told: int) -> None:
    """Tell of every point reached, and die at the one of this number; a negative number is never reached."""
    left = [point]

    def reached(label: str) -> None:
        os.write(told, f"{label}\n".encode())
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    terms.listen(reached)


def serve(order: dict[str, Any]) -> dict[str, Any]:
    """Fork, do the step, and say how far it came."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.close(reading)
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            listen(order["point"], writing)
            step(Path(order["home"]), order["arguments"], order["who"])
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as told:
        labels = told.read().split()
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return {"reached": labels, "killed": killed, "code": None if killed else os.waitstatus_to_exitcode(status)}


def run() -> None:
    """Answer every line."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(serve(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    run()
