"""What comes back at the end: the copy of the published work, and the signed certificate of destruction."""

from __future__ import annotations

from pathlib import Path

from enclave.destruction import Destruction
from enclave.publication import Publication
from tests.conftest import At
from tests.journey.stages import request_of
from tests.world import PROJECT


def test_the_copy_of_the_published_work_is_filed_by_command(at: At, tmp_path: Path) -> None:
    made = at("published")
    paper = tmp_path / "paper.txt"
    paper.write_text("Findings.", "utf-8")
    said = made.run("publication", "final-copy", request_of(made), paper, "--json", who="wes", code=3)
    assert said.rules == ["acknowledgement"]
    paper.write_text(f"Findings. {made.policy().agreement.acknowledgement}", "utf-8")
    made.run("publication", "final-copy", request_of(made), paper, "--json", who="wren", code=3)
    made.run("publication", "final-copy", request_of(made), paper, who="wes")
    with made.enclave.store.view() as view:
        (filed,) = view.find(Publication)
    assert filed.final_copy is not None
    kept = made.home / "final-copies" / filed.folder / filed.final_copy.name
    assert kept.read_bytes() == paper.read_bytes()


def test_the_signed_certificate_is_recorded_by_command(at: At) -> None:
    made, key = at("destroyed"), f"{PROJECT}/project/1"
    made.run("destruction", "attest", key, "Director of Research", "--json", who="wren", code=3)
    made.run("destruction", "attest", f"{PROJECT}/project/9", "Director", "--json", who="wes", code=3)
    made.run("destruction", "attest", key, "Director of Research", who="wes")
    with made.enclave.store.view() as view:
        filed = view.get(Destruction, key)
    assert filed is not None
    assert (filed.signed_by, filed.signed_on) == ("Director of Research", made.enclave.today())
