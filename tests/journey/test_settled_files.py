"""A file is received by who may, replaced by a better one, and answered with a receipt that holds without the hub."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from enclave.intake import Holding
from tests.conftest import At
from tests.journey.stages import FIRST
from tests.world import command, rows_of, write_rows


@pytest.mark.parametrize("person", ["operator", "wren", "olga"])
def test_who_is_not_of_the_hubs_staff_may_not_receive_withdraw_or_enter_keys(at: At, tmp_path: Path, person: str):
    made = at("begun")
    sealed = made.seal(write_rows(tmp_path / "DOL.0034.04_11_2022.matching",
                                  rows_of(made.agencies / "DOL.0034.04_11_2022.matching")), out=tmp_path)  # fmt: skip
    (held,) = made.run("intake", "board", made.project, "--json").body[:1]
    keys = made.agencies / "keys" / "SDE.public.json"
    for deed, rule in (
        (("receive", sealed, made.project), "role"), (("intake", "withdraw", made.project, held["id"]), "role"),
        (("intake", "key", keys), "spokesman"),
    ):  # fmt: skip
        said = made.run(*deed, "--json", who=person, code=3)
        assert {rule, "not-listed"} & set(said.rules), deed
    with made.enclave.store.view() as view:
        assert [each.id for each in view.find(Holding)] == [held["id"]]


def test_a_better_file_takes_the_place_of_one_that_is_held(at: At, tmp_path: Path) -> None:
    made, name = at("begun"), f"{FIRST}.sealed"
    inbox = made.home / "inbox" / "SDE"
    inbox.mkdir(parents=True)
    sealed = made.seal(write_rows(tmp_path / FIRST, rows_of(made.agencies / FIRST)[:-1]), out=tmp_path)
    better = Path(shutil.copyfile(sealed, inbox / name))
    (line,) = made.run("intake", "waiting", "--json").body
    assert (line["of"], line["file"], line["path"]) == ("SDE", name, str(better))
    assert made.run("receive", better, made.project, "--json", who="hubert", code=3).rules == ["already-held"]
    assert better.exists()
    (held,) = made.run("intake", "board", made.project, "--json").body[:1]
    made.run("intake", "withdraw", made.project, held["id"], who="hubert")
    made.run("intake", "withdraw", made.project, held["id"], "--json", who="hubert", code=4)
    received = made.run("receive", better, made.project, "--json", who="hubert").body
    assert made.run("intake", "waiting", "--json").body == []
    key, receipt = tmp_path / "ledger.key", tmp_path / "receipt.json"
    key.write_text(made.enclave.ledger_key.verifier.line, "utf-8")
    made.run("intake", "receipt", name, receipt)
    made.run("intake", "receipt", "nothing.sealed", receipt, "--json", code=4)
    for proof in (receipt, inbox / f"{name}.receipt.json"):
        entry = command("ledger", "verify-receipt", proof, "--key", key, "--json").body
        assert (entry["seq"], entry["object"]) == (received["entry"], received["id"])
