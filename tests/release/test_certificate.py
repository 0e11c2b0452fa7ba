"""Exhibit F says what was swept, what it does not reach and until when, and proves itself; as page, PDF and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from enclave.destruction import (
    Certificate,
    Destruction,
    Form,
    destroy,
    destroy_match_data,
    issued,
    read_certificate,
)
from enclave.errors import EnclaveError, Refused
from enclave.ledger import Receipt, verify_receipt
from enclave.settings import Backups, KeyServer, defaults, load
from enclave.terms import Action
from enclave.vault import Header, new_keys, seal_file
from tests.pdf import beyond
from tests.release.world import PROJECT, World
from tests.world import command

MATCH, WHOLE = f"{PROJECT}-match-1", f"{PROJECT}-project-1"
FORMS = ("html", "json", "pdf")


def destroyed(world: World, verb: Callable[..., Certificate] = destroy) -> Certificate:
    return verb(world.store, world.keystore, world.settings, world.admission("opm", Action.DESTROY))


def kept(world: World, name: str) -> Path:
    return world.settings.home / "certificates" / name


def a_transmittal(world: World, contents: str) -> None:
    """Leave a file in the inbox, sealed by an agency to the hub."""
    sender, plain = new_keys("SDE"), world.settings.home / "plain"
    plain.write_text("GenericID\nSDE-AAAAAAAAAAAAAAAA\n")
    header = Header(
        id=contents, source="SDE", source_key=sender.public.fingerprint, destination="DOL-HUB",
        destination_key=world.hub_keys.public.fingerprint, project=PROJECT, name="x", contents=contents,
        elements=(), rows=1, as_of=date(2022, 4, 11), created=datetime(2022, 4, 11, 12),
    )  # fmt: skip
    inbox = world.settings.home / "inbox" / "SDE"
    inbox.mkdir(parents=True, exist_ok=True)
    seal_file(plain, inbox / contents, header, sender, world.hub_keys.public)
    plain.unlink()


@pytest.mark.parametrize(("verb", "name"), [(destroy, WHOLE), (destroy_match_data, MATCH)])
def test_its_receipt_proves_the_destruction_offline_and_nothing_once_a_byte_is_changed(
    world: World, tmp_path: Path, verb: Callable[..., Certificate], name: str
):
    world.held()
    destroyed(world, verb)
    certificate = read_certificate(kept(world, f"{name}.json"))
    entry = verify_receipt(certificate.ledger_proof, world.ledger_key.verifier)
    assert (entry["action"], entry["object"].replace("/", "-")) == ("destruction.prove", name)
    details = entry["details"]
    assert details["keys"] == [proof.key_id for proof in certificate.proofs] and details["opened"] == 0
    assert details["samples"] == [proof.file_sha256 for proof in certificate.proofs]
    assert details["swept"] == [f"{each.place}: {each.count}" for each in certificate.swept]
    line, file = world.ledger_key.verifier.line, kept(world, f"{name}.json")
    said = command("ledger", "verify-receipt", file, "--key", line, "--json")
    assert said.code == 0 and json.loads(said.text)["action"] == "destruction.prove"
    receipt, other = certificate.ledger_proof, tmp_path / "changed.json"
    for field, before in (("entry", receipt.entry), ("proof", receipt.proof[0]), ("checkpoint", receipt.checkpoint)):
        changed = before.replace('"opened":0', '"opened":1') if field == "entry" else _flipped(before)
        assert changed != before
        values = {**receipt.model_dump(), field: (changed, *receipt.proof[1:]) if field == "proof" else changed}
        with pytest.raises(Refused):
            verify_receipt(Receipt.model_validate(values), world.ledger_key.verifier)
        other.write_text(json.dumps({**json.loads(file.read_text()), "ledger_proof": values}))
        assert command("ledger", "verify-receipt", other, "--key", line, "--json").code == 3


def _flipped(text: str) -> str:
    """Change one digit or letter in the middle."""
    at = len(text) // 2
    return f"{text[:at]}{'1' if text[at] != '1' else '2'}{text[at + 1 :]}"


def test_every_place_that_is_swept_is_named_with_what_was_there(world: World):
    world.publish(world.reviewed())
    world.held()
    a_transmittal(world, "matching")
    a_transmittal(world, "analytical")
    for path in ("sessions/dr-0034-rae/data/a.parquet", "reviews/dr-0034-hub/pairs", "match-dr-0034.json"):
        left = world.settings.runtime / path
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_bytes(b"CANARY")
    assert swept(destroyed(world, destroy_match_data)) == {
        "Keys: the key-encrypting key, and the data key wrapped under it": 2,
        "Sealed files that agencies sent for matching": 1, "Sealed links of match runs": 1,
        "Sealed answers of clerical reviewers": 0, "Agencies' transmittals, as they were sent, in the inbox": 1,
        "Desks and workbenches of the hub's staff, in memory": 1,
    }  # fmt: skip
    world.held()
    found = swept(destroyed(world))
    assert {place: count for place, count in found.items() if count} == {
        "Keys: the key-encrypting key, and the data key wrapped under it": 3,
        "Sealed files that agencies sent for matching": 1, "Sealed links of match runs": 1,
        "Agencies' transmittals, as they were sent, in the inbox": 1, "Sealed Resultant Data": 1,
        "Sealed folders of Users": 1, "Results that the gate had cleared, as it wrote them": 2,
        "Open sessions of Users, in memory": 1,
        "Working files of intake, matching, cutting and the gate, in memory": 1,
    }  # fmt: skip
    assert {"Sealed files that agencies sent for analysis", "Sealed memory of what was released"} <= found.keys()


def swept(certificate: Certificate) -> dict[str, int]:
    """Give the count of each place, whose files are all that were deleted."""
    keys, *files = certificate.swept
    assert sum(each.count for each in files) == certificate.files_deleted
    return {each.place: each.count for each in (keys, *files)}


def until(certificate: Certificate) -> dict[str, str]:
    return {each.what: each.until for each in certificate.outside}


def test_it_says_until_when_backups_keep_what_it_does_not_reach(world: World):
    world.publish(world.reviewed())
    world.held()
    stated = until(destroyed(world, destroy_match_data))
    assert stated["Backups of the home and of the registry"] == stated["Backups of the keys' volume"] == "not stated"
    assert stated["Resultant Data and derived data"] == "2022-08-31"
    service = KeyServer(address="https://vault.example.gov:8200", token=Path("token"))
    world.settings = world.settings.model_copy(update={"backups": Backups(home=35, keys=0), "key_service": service})
    stated = until(destroyed(world))
    assert stated["Backups of the home and of the registry"] == "2022-07-20"  # 35 days after the 15th of June
    assert stated["Snapshots of the key service"] == "2022-06-15"
    assert stated["Released packages: out-0147"] == "no end"
    assert not {"Backups of the keys' volume", "Resultant Data and derived data"} & stated.keys()
    assert "2022-07-20" in kept(world, f"{WHOLE}.html").read_text()
    assert "not stated" in kept(world, f"{MATCH}.html").read_text()


def test_how_long_backups_are_kept_is_a_setting(tmp_path: Path):
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in defaults(tmp_path).items())
    setting = tmp_path / "enclave.toml"
    setting.write_text(lines)
    assert load(tmp_path).backups == Backups(home=None, keys=None)
    setting.write_text(f"{lines}\n[backups]\nhome = 35\nkeys = 7\n")
    assert load(tmp_path).backups == Backups(home=35, keys=7)
    setting.write_text(f"{lines}\n[backups]\nhome = -1\n")
    with pytest.raises(EnclaveError):
        load(tmp_path)
    with pytest.raises(ValidationError):
        Backups.model_validate({"days": 35})


@pytest.mark.parametrize(("verb", "name"), [(destroy, WHOLE), (destroy_match_data, MATCH)])
def test_the_pdf_has_the_words_of_the_page_and_no_others(world: World, verb: Callable[..., Certificate], name: str):
    world.held()
    destroyed(world, verb)
    printed, page = kept(world, f"{name}.pdf").read_bytes(), kept(world, f"{name}.html").read_text()
    rest = beyond(printed, page, "P20 WIN Data Destruction Certificate, 2022-06-01")
    assert rest == "1.2.3.4.5.", "the numbers of the fields, which a browser gives"
    assert b"/Lang (en)" in printed and b"/Title (P20 WIN Data Destruction Certificate: Manufacturing" in printed
    assert b"/Helvetica" not in printed, "a typeface that is not embedded"


def test_page_and_pdf_come_from_the_json_to_the_byte(world: World):
    world.held()
    given = destroyed(world)
    again = read_certificate(kept(world, f"{WHOLE}.json"))
    assert again == given
    assert again.to_json().encode() == kept(world, f"{WHOLE}.json").read_bytes()
    assert again.to_html().encode() == kept(world, f"{WHOLE}.html").read_bytes()
    assert again.to_pdf() == kept(world, f"{WHOLE}.pdf").read_bytes()


def test_what_was_issued_is_given_again_by_command_and_what_was_altered_is_not(world: World, tmp_path: Path):
    world.held()
    destroyed(world, destroy_match_data)
    destroyed(world)
    values = {
        **defaults(world.settings.home),
        "keys": str(world.settings.keys),
        "runtime": str(world.settings.runtime),
        "database": world.settings.database,
    }
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in values.items())
    (world.settings.home / "enclave.toml").write_text(lines)
    given = (
        "--home",
        world.settings.home,
        "destruction",
        "certificate",
        PROJECT,
        "--out",
        tmp_path / "out",
        "--json",
    )
    said = command(*given)
    assert said.code == 0, said.text
    names = [f"{name}.{form}" for name in (MATCH, WHOLE) for form in FORMS]
    assert sorted(json.loads(said.text)) == sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert all((tmp_path / "out" / name).read_bytes() == kept(world, name).read_bytes() for name in names)
    with world.store.view() as view:
        done = {each.name: each for each in view.find(Destruction)}
        (entry,) = (e for e in view.entries(action="destruction.done") if e["object"].endswith("/project/1"))
    assert {f"certificate_{form}_sha256": done[WHOLE].issued[form] for form in Form}.items() <= entry[
        "details"
    ].items()
    altered = kept(world, f"{WHOLE}.html")
    altered.write_bytes(altered.read_bytes().replace(b"WestEd", b"EastEd"))
    with pytest.raises(Refused):
        issued(world.settings, done[WHOLE], Form.PAGE)
    assert command(*given).code == 3
    kept(world, f"{MATCH}.pdf").unlink()
    with pytest.raises(Refused):
        issued(world.settings, done[MATCH], Form.PRINT)
