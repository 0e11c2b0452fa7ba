"""What an agency sends: the day that is set, what it sees of it, and whose keys the hub holds its files to."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from enclave import intake
from enclave.destruction import take_back
from enclave.errors import Refused
from enclave.intake import Transmission
from enclave.ledger import Receipt, verify_receipt
from enclave.terms import Action
from enclave.vault import new_keys
from enclave.vault.agreed import CMS, OPENPGP
from tests.intake.office import Office, blocks
from tests.web.browser import Browser
from tests.web.keyboard import Sit
from tests.web.world import PROJECT, World

KEY_FILE = "The file with its public keys, its OpenPGP key (.asc) or its certificate (.crt)"
FILE = {"file": "SDE matching", "by": "2022-04-20"}


def send_keys(browser: Browser, text: str, heard: str, owner: str = "SDE") -> int:
    answer = browser.http.post(
        f"{browser.base}projects/{PROJECT}/intake/keys",
        data={"csrf": browser.csrf(), "owner": owner, "fingerprint": heard},
        files={"keys": ("SDE.public.json", text)}, timeout=60, allow_redirects=False,
    )  # fmt: skip
    return answer.status_code


def known(world: World, owner: str) -> str:
    with world.enclave.store.view() as view:
        key = intake.sender_key(view, owner)
    return key.fingerprint if key else ""


def test_the_day_of_a_file_is_the_groups_to_set_and_its_agency_reads_it(own_pages: str, world: World):
    olga, sam = Browser(own_pages, "olga"), Browser(own_pages, "sam")
    for person in ("sam", "hubert", "wren", "audrey"):
        assert Browser(own_pages, person).send("/intake/schedule", **FILE).status_code == 403, person
    for wrong, status in (({"file": "SDE shoes"}, 403), ({"by": "soon"}, 422), ({"by": "2022-04-10"}, 422)):
        assert olga.send("/intake/schedule", **{**FILE, **wrong}).status_code == status, wrong
    with world.enclave.store.view() as view:
        assert view.find(Transmission) == []
    assert olga.send("/intake/schedule", **FILE).status_code == 303
    assert "SDE is to send its matching file by 2022-04-20" in olga.of("/intake").text
    world.enclave.go_round()
    assert "A day is set for a file of your agency" in sam.see("messages").text


def test_an_agency_sees_what_is_awaited_of_it_and_nothing_of_another(own_pages: str, world: World):
    def sending(person: str) -> list[tuple[str, bool]]:
        model = Browser(own_pages, person).see("agency", format="json").json()
        return [(f"{each['source']} {each['contents']}", each["late"]) for each in model["sending"]]

    Browser(own_pages, "olga").send("/intake/schedule", **FILE)
    assert sending("sam") == sending("dora") == []
    with world.enclave.store.view() as view:
        (held,) = [h for h in intake.holdings(view, PROJECT) if (h.source, h.contents) == ("SDE", "matching")]
    enclave, admission = world.enclave, world.admission("hubert", Action.RECEIVE)
    take_back(enclave.store, enclave.keystore, enclave.settings, admission, held.id)
    assert (sending("sam"), sending("dora")) == ([("SDE matching", False)], [])
    world.on(date(2022, 4, 21))
    assert sending("sam") == [("SDE matching", True)]
    page = Browser(own_pages, "sam").see("agency").text
    assert known(world, "SDE") in page and known(world, "DOL") not in page


def test_who_sends_is_told_what_became_of_it_and_who_receives_what_waits(own_pages: str, world: World):
    """The file is none: its agency reads why, with the entry's receipt, and nobody else's steward does."""
    name, enclave = "SDE.0034.04_18_2022.matching.sealed", world.enclave
    inbox = enclave.settings.home / "inbox" / "SDE"
    inbox.mkdir(parents=True)
    (inbox / name).write_bytes(b"no sealed file")
    hubert, sam, dora = (Browser(own_pages, person) for person in ("hubert", "sam", "dora"))
    assert [each["file"] for each in hubert.of("/intake", format="json").json()["waiting"]] == [name]
    assert Browser(own_pages, "olga").of("/intake", format="json").json()["waiting"] == []
    enclave.go_round()
    assert "A file has arrived and waits to be received" in hubert.see("messages").text
    with pytest.raises(Refused) as caught:
        intake.receive(
            enclave.store, enclave.keystore, enclave.settings, enclave.hub_keys, inbox / name,
            world.admission("hubert", Action.RECEIVE),
        )  # fmt: skip
    enclave.go_round()
    assert hubert.of("/intake", format="json").json()["waiting"] == []
    assert "A file of your agency was turned away" in sam.see("messages").text
    assert "A file of your agency was turned away" not in dora.see("messages").text
    (away, *received) = sam.see("agency", format="json").json()["answers"]
    assert (away["file"], away["findings"]) == (name, [finding.as_dict() for finding in caught.value.findings])
    assert received and not any(each["findings"] for each in received)
    assert name not in dora.see("agency").text
    assert caught.value.findings[0].what[1:] in sam.see("agency").text
    receipt = Receipt.model_validate_json(sam.of(f"/ledger/receipts/{away['entry']}").text)
    assert verify_receipt(receipt, enclave.ledger_key.verifier)["action"] == "intake.refuse"


def test_keys_are_taken_from_the_hubs_staff_and_only_with_the_fingerprint_that_was_heard(
    own_pages: str, world: World
):  # fmt: skip
    before, keys, hubert = known(world, "SDE"), new_keys("SDE").public, Browser(own_pages, "hubert")
    for person in ("sam", "olga", "wren", "audrey"):
        assert send_keys(Browser(own_pages, person), keys.to_text(), keys.fingerprint) == 403, person
    assert send_keys(hubert, keys.to_text(), new_keys("SDE").public.fingerprint) == 403
    assert send_keys(hubert, keys.to_text(), "") == send_keys(hubert, keys.to_text(), keys.fingerprint[:-1]) == 403
    assert send_keys(hubert, "no keys", keys.fingerprint) == 422
    other = new_keys("OPM").public
    for owner in ("SDE", "OPM"):
        assert send_keys(hubert, other.to_text(), other.fingerprint, owner) == 403
    assert known(world, "SDE") == before and known(world, "OPM") == ""
    spoken = " ".join(keys.fingerprint[n : n + 4] for n in range(0, 64, 4)).upper()
    assert send_keys(hubert, keys.to_text(), spoken) == 303
    assert known(world, "SDE") == keys.fingerprint
    (line,) = Browser(own_pages, "sam").see("agency", format="json").json()["keys"]
    assert line["fingerprint"] == keys.fingerprint


def test_an_agency_that_cannot_seal_has_its_own_key_or_certificate_entered(
    own_pages: str, world: World, tmp_path: Path
):  # fmt: skip
    hubert, office = Browser(own_pages, "hubert"), Office(tmp_path / "o")
    for algorithm, public in ((OPENPGP, "DOL-HUB.asc"), (CMS, "DOL-HUB.crt")):
        own = intake.own_key(world.enclave.store, world.enclave.settings, algorithm, "hubert")
        (office.folder / public).write_text(own.text)
    for block in blocks().values():
        office.run(block.partition("encrypt() {")[0])
    said = office.run("gpg --with-colons --fingerprint SDE").splitlines()
    printed = {
        "SDE.asc": next(line.split(":")[9] for line in said if line.startswith("fpr")),
        "SDE.crt": office.run("openssl x509 -in SDE.crt -noout -fingerprint -sha256").strip().partition("=")[2],
    }
    office.close()
    for name, algorithm in (("SDE.asc", OPENPGP), ("SDE.crt", CMS)):
        text, heard = (office.folder / name).read_text(), printed[name]
        assert send_keys(hubert, text, heard[::-1]) == send_keys(hubert, text, heard, "OPM") == 403
        assert send_keys(hubert, text[:200], heard) == 422
        assert send_keys(hubert, text, heard) == 303
        (line,) = [each for each in hubert.of("/intake", format="json").json()["senders"] if each["source"] == "SDE"]
        assert line["algorithm"] == algorithm and line["fingerprint"] == heard.replace(":", "").lower()


def test_a_day_is_set_and_keys_are_entered_by_keyboard(sit: Sit, own_pages: str, world: World, tmp_path: Path):
    olga, hubert = sit(own_pages, "olga"), sit(own_pages, "hubert")
    olga.page.goto(f"{own_pages}projects/{PROJECT}/intake")
    olga.unfold("Set the day by which a file is to be sent")
    olga.look_round()
    olga.pick("File", "SDE matching")
    olga.to("textbox", "To be sent by").fill("2022-04-20")
    olga.press("Set the day")
    assert olga.said() == "SDE is to send its matching file by 2022-04-20. It is told."
    keys, file = new_keys("SDE").public, tmp_path / "SDE.public.json"
    file.write_text(keys.to_text(), "utf-8")
    hubert.page.goto(f"{own_pages}projects/{PROJECT}/intake")
    hubert.unfold("Enter the public keys of a party")
    hubert.look_round()
    hubert.pick("Party", "SDE")
    hubert.attach(KEY_FILE, file)
    hubert.write("The fingerprint, as it was read out", keys.fingerprint[:-1])
    assert "fingerprint" in hubert.be_refused("Enter the keys") and known(world, "SDE") != keys.fingerprint
    hubert.page.goto(f"{own_pages}projects/{PROJECT}/intake")
    hubert.unfold("Enter the public keys of a party")
    hubert.pick("Party", "SDE")
    hubert.attach(KEY_FILE, file)
    hubert.write("The fingerprint, as it was read out", keys.fingerprint)
    hubert.press("Enter the keys")
    hubert.look_round()
    assert known(world, "SDE") == keys.fingerprint
