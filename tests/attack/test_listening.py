"""The sockets through which sessions ask: whose question it is, how long and how often, and what else they reach.

Source: ExA 2.h; DSA I.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from demo import hub_client
from enclave.egress import Listening
from enclave.errors import Fault, refuse
from p20kit.asking import Given

Answer = Callable[[str, str, bytes], Given]


def echo(project: str, person: str, content: bytes) -> Given:
    """Say whose question it was, and how long."""
    return Given(id=project, sha256=person, left=len(content), columns={})


@contextmanager
def listening(sessions: Path, answer: Answer = echo, *names: str, **limits: float) -> Iterator[Listening]:
    """Listen for these sessions in a thread, until the end."""
    for name in names:
        (sessions / name / "ask").mkdir(parents=True)
    service, over = Listening(sessions, answer, **limits), threading.Event()
    service.round(0)

    def run() -> None:
        while not over.is_set():
            service.round(0.05)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield service
    finally:
        over.set()
        thread.join()
        service.close()


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    return tmp_path / ("a long way to the folder of the " * 3) / "sessions"


def asked(sessions: Path, name: str, content: bytes = b"{}") -> Any:
    with calling(sessions, name) as hub:
        hub.sendall(content)
        hub.shutdown(socket.SHUT_WR)
        return heard(hub)


def calling(sessions: Path, name: str) -> socket.socket:
    hub = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    hub.settimeout(60)
    try:
        # a path may be longer than a socket's address
        at = os.open(sessions / name / "ask", os.O_PATH)
        try:
            hub.connect(f"/proc/self/fd/{at}/ask.sock")
        finally:
            os.close(at)
    except OSError:
        hub.close()
        raise
    return hub


def answers(sessions: Path, name: str) -> bool:
    try:
        calling(sessions, name).close()
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    except BlockingIOError:  # somebody listens, and is busy with those who called before
        return True
    return True


def heard(hub: socket.socket) -> Any:
    parts = []
    while part := hub.recv(2**16):
        parts.append(part)
    return json.loads(b"".join(parts)) if parts else None


def test_whose_question_it_is_follows_from_the_socket(sessions: Path) -> None:
    """Whatever it says of itself."""
    body = b'{"person": "grace", "project": "DR-0035"}'
    with listening(sessions, echo, "dr-0034-wren", "dr-0035-of-dol-a"):
        first, second = asked(sessions, "dr-0034-wren", body), asked(sessions, "dr-0035-of-dol-a", body)
    assert (first["answer"]["id"], first["answer"]["sha256"]) == ("DR-0034", "wren")
    assert (second["answer"]["id"], second["answer"]["sha256"]) == ("DR-0035", "of-dol-a")


def test_a_session_that_comes_is_heard_and_one_that_goes_is_not(sessions: Path) -> None:
    with listening(sessions, echo, "dr-0034-wren"):
        (sessions / "dr-0034-ines" / "ask").mkdir(parents=True)
        hub_client.until(lambda: answers(sessions, "dr-0034-ines"))
        assert asked(sessions, "dr-0034-ines")["answer"]["sha256"] == "ines"
        (sessions / "dr-0034-wren").replace(sessions.parent / "gone")
        hub_client.until(lambda: not answers(sessions.parent, "gone"))


def test_no_more_is_read_than_a_question_may_hold(sessions: Path) -> None:
    with listening(sessions, echo, "dr-0034-wren"), calling(sessions, "dr-0034-wren") as hub:
        hub.sendall(b" " * (2**16 + 1))
        assert heard(hub)["answer"]["left"] == 2**16 + 1
    with listening(sessions, echo, "dr-0034-ines"), calling(sessions, "dr-0034-ines") as hub:
        try:
            hub.sendall(b" " * 2**22)
        except BrokenPipeError:
            return
        raise AssertionError("four megabytes were taken")


def test_one_that_says_nothing_keeps_nobody_else_waiting(sessions: Path) -> None:
    with (
        listening(sessions, echo, "dr-0034-wren", "dr-0034-ines"),
        calling(sessions, "dr-0034-wren") as silent,
    ):
        assert asked(sessions, "dr-0034-ines")["answer"]["sha256"] == "ines"
        silent.close()


def test_one_question_of_a_session_at_a_time_and_its_end_ends_it(sessions: Path, tmp_path: Path) -> None:
    begun = tmp_path / "begun"

    def endless(project: str, person: str, content: bytes) -> Given:
        with begun.open("ab") as file:
            file.write(content + str(os.getpid()).encode())
        signal.pause()
        return echo(project, person, content)

    with (
        listening(sessions, endless, "dr-0034-wren"),
        calling(sessions, "dr-0034-wren") as first,
        calling(sessions, "dr-0034-wren") as second,
    ):
        for hub in (first, second):
            hub.sendall(b"?")
            hub.shutdown(socket.SHUT_WR)
        hub_client.until(lambda: begun.exists() and bool(begun.read_bytes()[1:]))
        answering = int(begun.read_bytes()[1:])
        (sessions / "dr-0034-wren").replace(sessions.parent / "gone")
        assert heard(first) is None
        hub_client.until(lambda: not Path("/proc", str(answering)).exists())
    assert begun.read_bytes().count(b"?") == 1


def test_an_answer_that_takes_too_long_is_ended_and_the_next_question_is_heard(sessions: Path) -> None:
    def endless(project: str, person: str, content: bytes) -> Given:
        signal.pause()
        return echo(project, person, content)

    with listening(sessions, endless, "dr-0034-wren", answering=0.0):
        assert [asked(sessions, "dr-0034-wren", b"") for _ in range(2)] == [None, None]


def test_a_session_that_was_opened_again_is_heard_again(sessions: Path) -> None:
    """In no time, under the same name: the socket of the one before is gone with it."""
    (sessions / "dr-0034-wren" / "ask").mkdir(parents=True)
    service = Listening(sessions, echo)
    service.round(0)
    shutil.rmtree(sessions / "dr-0034-wren")
    (sessions / "dr-0034-wren" / "ask").mkdir(parents=True)
    service.round(0)
    assert answers(sessions, "dr-0034-wren")
    service.close()


def test_no_question_outlives_who_listens(sessions: Path, tmp_path: Path) -> None:
    (sessions / "dr-0034-wren" / "ask").mkdir(parents=True)
    begun = tmp_path / "begun"

    def endless(project: str, person: str, content: bytes) -> Given:
        begun.write_text(str(os.getpid()))
        signal.pause()
        return echo(project, person, content)

    service = get_context("fork").Process(target=Listening(sessions, endless).run)
    service.start()
    hub_client.until((sessions / "dr-0034-wren" / "ask" / "ask.sock").exists)
    with calling(sessions, "dr-0034-wren") as hub:
        hub.shutdown(socket.SHUT_WR)
        hub_client.until(lambda: begun.exists() and bool(begun.read_text()))
        service.kill()
        service.join()
        hub_client.until(lambda: not Path("/proc", begun.read_text()).exists())
        assert heard(hub) is None


def _refused(project: str, person: str, content: bytes) -> Given:
    raise refuse("the question is refused", "questions", "DSA VI.D.2", "all are asked", "Stop.")


def _fault(project: str, person: str, content: bytes) -> Given:
    raise Fault("Zephyrantha Quillfeather earned 1,234.56")


def _bug(project: str, person: str, content: bytes) -> Given:
    raise KeyError("Zephyrantha Quillfeather earned 1,234.56")


@pytest.mark.parametrize("wrong", [_fault, _bug])
def test_what_goes_wrong_says_nothing(sessions: Path, wrong: Answer) -> None:
    with listening(sessions, wrong, "dr-0034-wren"):
        said = asked(sessions, "dr-0034-wren")
    assert said == {
        "answer": None, "findings": [],
        "refused": "the hub could not answer; ask again, and tell the hub's staff if it stays so",
    }  # fmt: skip


def test_a_refusal_comes_with_its_reasons(sessions: Path) -> None:
    with listening(sessions, _refused, "dr-0034-wren"):
        said = asked(sessions, "dr-0034-wren")
    assert [finding["rule"] for finding in said["findings"]] == ["questions"] and said["answer"] is None
