"""What a session leaves behind, and what a second delivery does to the first.

Source: DSA I; DSA VI.H.
"""

from __future__ import annotations

import os

from enclave.resultant import delivery_of
from tests.conftest import At


def test_a_session_ends_however_much_it_wrote(at: At) -> None:
    made = at("delivered")
    broker = made.enclave.broker()
    home = broker.admit("wren", "DR-0034").folder / "home"
    (home / "aaa").write_bytes(b"")
    os.truncate(home / "aaa", 3 * 1024**3)
    (home / "outbox" / "out-1").mkdir()
    (home / "outbox" / "out-1" / "request.json").write_text("{}")
    (home / "notes.py").write_text("1")
    broker.release("dr-0034-wren")
    assert not home.exists()
    with made.enclave.store.view() as view:
        (*_, entry) = view.entries(action="session.close")
    assert entry["details"] == {"files_over_limit": 1}
    home = broker.admit("wren", "DR-0034").folder / "home"
    left = sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())
    assert left == ["notes.py", "outbox/out-1/request.json"]
    broker.release("dr-0034-wren")


def test_a_second_delivery_takes_the_place_of_the_first(at: At) -> None:
    made = at("delivered")
    made.run("resultant", "cut", "DR-0034", who="hubert")
    with made.enclave.store.view() as view:
        delivered = {table.path for table in delivery_of(view, "DR-0034").tables}
    sealed = made.enclave.settings.sealed
    assert {str(path.relative_to(sealed)) for path in sealed.rglob("*.resultant")} == delivered
    broker = made.enclave.broker()
    assert len(list((broker.admit("grace", "DR-0034").folder / "project" / "data").iterdir())) == len(delivered)
    broker.release("dr-0034-grace")
