"""What is posted of a running server, as the glass looks it up at every request."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from enclave.terms import ApprovedNotebook
from hub_config import posted
from tests.hub.small_broker import SmallSession

SERVER = "ana/dr-0034"
SESSION = SmallSession("ana-dr-0034", "DR-0034", "ana", ())
NOTEBOOK = ApprovedNotebook("match_review.ipynb", frozenset({"1 + 1"}))


def test_each_request_goes_by_what_stands_now(tmp_path: Path) -> None:
    """Whatever was read before: a server that starts again may be another kind, one that stopped is closed."""
    read = posted.reader(tmp_path)
    assert read(SERVER) is None
    posted.write(tmp_path, SERVER, SESSION, date.today())
    free = read(SERVER)
    assert free is not None and free == read(SERVER) and free.only is None
    posted.write(tmp_path, SERVER, replace(SESSION, only=NOTEBOOK), date.today())
    held = read(SERVER)
    assert held is not None and held.only == NOTEBOOK and "only match_review.ipynb runs here" in held.banner
    assert read("ben/dr-0034") is None
    posted.remove(tmp_path, SERVER)
    assert read(SERVER) is None


def test_what_cannot_be_read_closes_the_server(tmp_path: Path) -> None:
    read = posted.reader(tmp_path)
    posted.write(tmp_path, SERVER, SESSION, date.today())
    assert read(SERVER) is not None
    (file,) = tmp_path.iterdir()
    file.write_text('{"only": null}', "utf-8")
    assert read(SERVER) is None
