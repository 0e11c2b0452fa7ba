"""Agencies that cannot seal send with gpg or openssl, as the steward's guide says; the real programs, both sides."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from enclave import intake
from enclave.errors import EnclaveError, Invalid, Refused
from enclave.vault.agreed import CMS, OPENPGP, AgreedKey, certificate_of, openpgp_of
from tests.intake.office import WAYS, Office, blocks, function
from tests.world import Installation

SDE = "SDE.0034.04_11_2022.matching"
MANIFEST = f"{SDE}.manifest.json"
ANOTHER = """
gpg --quick-generate-key Other rsa3072 sign,encr 2y
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 9 -subj /CN=SDE -keyout Other.key -out Other.crt
"""


@dataclass
class Sending:
    """A hub with keys for both ways, and an agency that can do both."""

    world: Any
    office: Office
    key: dict[str, AgreedKey]

    def agree(self, way: str) -> None:
        """Let the hub register the agency's key of one way."""
        with self.world.store.transaction() as tx:
            intake.register_key(tx, self.key[way], "hub-staff-1", WAYS[way])

    def write(self, rows: list[list[str]]) -> None:
        """Write a file, plain."""
        (self.office.folder / SDE).write_text("".join("\t".join(row) + "\n" for row in rows), newline="")

    def state(self, way: str, **said: str) -> None:
        """Write the manifest of an encrypted file, plain."""
        digest = self.office.run(f"sha256sum {SDE}.{way}").split()[0]
        manifest = {"name": SDE, "sha256": digest, "as_of": "2022-04-11", "consent": "obtained"}
        manifest |= {"limitations": "Two schools reported late.", **said}
        (self.office.folder / MANIFEST).write_text(json.dumps(manifest))

    def encrypt(self, way: str, change: tuple[str, str] = ("", ""), **said: str) -> None:
        """Encrypt the file as the guide says, with something changed; then its manifest as the guide says."""
        script = function(way)
        assert change[0] in script
        self.office.run(f"{script.replace(*change) if change[0] else script}\nencrypt {SDE}")
        self.state(way, **said)
        self.office.run(f"{script}\nencrypt {MANIFEST}")

    def sent(self, way: str) -> Path:
        """Bring both encrypted files to the hub, and give the one to receive."""
        folder = self.world.root / f"sent{len(list(self.world.root.glob('sent*')))}"
        folder.mkdir()
        for name in (SDE, MANIFEST):
            shutil.copyfile(self.office.folder / f"{name}.{way}", folder / f"{name}.{way}")
        return folder / f"{SDE}.{way}"


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, Path]]:
    """Make the keys of the agency, as the guide says, once; the hub's come from the first world."""
    office = Office(tmp_path_factory.mktemp("o"))
    yield office, tmp_path_factory.mktemp("keys")
    office.close()


@pytest.fixture
def runtime() -> Iterator[Path]:
    """Give a folder in memory that every account can pass through: sandboxes run as one of their own."""
    folder = Path(tempfile.mkdtemp(prefix="enclave-test-", dir="/dev/shm"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def sending(world: Any, prepared: tuple[Office, Path], runtime: Path) -> Sending:
    office, kept = prepared
    world.settings = world.settings.model_copy(update={"runtime": runtime})
    world.settings.keys.mkdir(exist_ok=True)
    for path in kept.iterdir():
        shutil.copy(path, world.settings.keys)
    first = not any(kept.iterdir())
    for way, public in (("gpg", "DOL-HUB.asc"), ("p7m", "DOL-HUB.crt")):
        own = intake.own_key(world.store, world.settings, WAYS[way], "hub-staff-1")
        (office.folder / public).write_text(own.text)
    if first:
        for path in world.settings.keys.glob("DOL-HUB.*"):
            shutil.copy(path, kept)
        for block in blocks().values():
            office.run(block.partition("encrypt() {")[0])
        office.run(ANOTHER)
    key = {
        way: intake.read_agreed_key(world.settings, office.folder / name, "SDE")
        for way, name in (("gpg", "SDE.asc"), ("p7m", "SDE.crt"))
    }
    assert key["gpg"] is not None and key["p7m"] is not None
    return Sending(world, office, {way: found for way, found in key.items() if found})


@pytest.mark.parametrize("way", WAYS)
def test_a_file_sent_as_the_guide_says_is_held_as_a_sealed_one_is(sending: Sending, way: str) -> None:
    world = sending.world
    sending.agree(way)
    sending.write(world.people("SDE", 300))
    before, digest, after = re.split(r"^(sha256sum .*\n)", blocks()[way], flags=re.MULTILINE)
    sending.office.run(function(way) + "\n" + before.partition("\n}\n")[2] + digest)
    sending.state(way)
    sending.office.run(f"{function(way)}\n{after}")
    held = world.receive(sending.sent(way))

    assert (held.source, held.contents, held.rows) == ("SDE", "matching", 300)
    assert held.key_id == f"match-DR-0034.{held.id}"
    assert (held.as_of, held.consent) == (date(2022, 4, 11), "obtained")
    assert held.limitations == "Two schools reported late."
    assert held.elements == ("SASID", "FirstName", "MiddleName", "LastName", "DOB", "Gender")
    assert left(world) == []
    with world.store.view() as view:
        (entry,) = view.entries(action="intake.receive")
    assert entry["details"]["algorithm"] == WAYS[way]
    assert entry["details"]["sender_key"] == sending.key[way].fingerprint
    assert "replayed" in [f.rule for f in world.turned_away(sending.sent(way), Refused).findings]


def left(world: Any) -> list[str]:
    """Give what lies in the runtime folder besides locks, which are empty."""
    return [path.name for path in world.settings.runtime.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_what_is_read_out_is_compared_with_either_key(sending: Sending) -> None:
    told = sending.office.run("openssl x509 -in SDE.crt -noout -fingerprint -sha256").strip().partition("=")[2]
    listed = sending.office.run("gpg --fingerprint SDE").splitlines()[1].strip()
    with sending.world.store.transaction() as tx:
        assert intake.register_key(tx, sending.key["p7m"], "hub-staff-1", CMS, told).algorithm == CMS
        assert intake.register_key(tx, sending.key["gpg"], "hub-staff-1", OPENPGP, listed).algorithm == OPENPGP
        with pytest.raises(Refused, match="read out"):
            intake.register_key(tx, sending.key["gpg"], "hub-staff-1", OPENPGP, told)
        with pytest.raises(Refused, match="algorithm"):
            intake.register_key(tx, sending.key["gpg"], "hub-staff-1", CMS)


def test_the_hubs_own_keys_are_made_once_and_stay_on_the_volume_of_keys(sending: Sending) -> None:
    world = sending.world
    for algorithm in (OPENPGP, CMS):
        first, again = (intake.own_key(world.store, world.settings, algorithm, "hub-staff-1") for _ in range(2))
        assert first == again
        assert "PRIVATE" not in first.text
    for name in ("DOL-HUB.openpgp", "DOL-HUB.cms.pem"):
        assert (world.settings.keys / name).stat().st_mode & 0o777 == 0o400
    with world.store.view() as view:
        made = [entry["details"]["algorithm"] for entry in view.entries(action="intake.own-key")]
    assert made == [OPENPGP, CMS]


def test_by_command_the_hub_makes_its_keys_and_registers_those_of_an_agency(sending: Sending, tmp_path: Path) -> None:
    made, folder = Installation(tmp_path / "installation"), sending.office.folder
    made.root.mkdir()
    try:
        for arguments in (("init", "--demo"), ("today", "2022-04-11"), ("agreement", "register", "DR-0034")):
            made.run(*arguments)
        contact = ("--name", "Invented", "--position", "Staff", "--organization", "Office")
        reached = ("--email", "a@example.org", "--telephone", "555-0100")
        for person, role in (("olga", "opm"), ("hubert", "hub-staff")):
            made.run("people", "enlist", "DR-0034", person, role, *contact, *reached, who="olga")
        for way, name, public in (("openpgp", "SDE.asc", "DOL-HUB.asc"), ("cms", "SDE.crt", "DOL-HUB.crt")):
            own = made.run("intake", "own-key", way, "--out", tmp_path / "public", "--json").body
            assert (tmp_path / "public" / public).read_text().startswith("-----BEGIN ")
            assert own == made.run("intake", "own-key", way, "--out", tmp_path / "public", "--json").body
            key = sending.key["gpg" if way == "openpgp" else "p7m"]
            register = ("intake", "key", folder / name, "--agency", "SDE", "--fingerprint")
            made.run(*register, "00 11", who="hubert", code=3)
            known = made.run(*register, key.fingerprint.upper(), "--json", who="hubert").body
            assert (known["algorithm"], known["fingerprint"]) == (key.algorithm, key.fingerprint)
    finally:
        made.close()


@pytest.mark.parametrize("way", WAYS)
def test_an_agency_sends_with_the_algorithm_it_agreed_to(sending: Sending, way: str) -> None:
    world = sending.world
    sending.write(world.people("SDE", 20))
    sending.encrypt(way)
    refused = world.turned_away(sending.sent(way), Refused)
    assert [(f.rule, f.clause) for f in refused.findings] == [("algorithm", "EM XIV.A")]
    sending.agree(way)
    sealed = world.seal(world.write(SDE, world.people("SDE", 20)))
    refused = world.turned_away(sealed, Refused)
    assert [(f.rule, f.clause) for f in refused.findings] == [("algorithm", "EM XIV.A")]
    assert world.receive(sending.sent(way)).rows == 20


@pytest.mark.parametrize("way", WAYS)
def test_a_file_waits_for_the_hubs_own_key_and_leaves_the_inbox_with_its_manifest(sending: Sending, way: str) -> None:
    world = sending.world
    sending.agree(way)
    sending.write(world.people("SDE", 20))
    sending.encrypt(way)
    inbox = world.settings.home / "inbox" / "SDE"
    shutil.copytree(sending.sent(way).parent, inbox)
    here = {path.name for path in inbox.iterdir()}
    keys = world.settings.keys
    own = (openpgp_of if way == "gpg" else certificate_of)(keys, "DOL-HUB")
    away = own.rename(world.root / "unmounted")
    with pytest.raises(Refused) as refused:
        world.receive(inbox / f"{SDE}.{way}")
    assert refused.value.findings[0].rule.endswith("own-key")
    assert {path.name for path in inbox.iterdir()} == here and len(here) == 2
    away.rename(own)
    assert world.receive(inbox / f"{SDE}.{way}").rows == 20
    assert not here & {path.name for path in inbox.iterdir()}


OTHERWISE: dict[str, tuple[str, tuple[str, str], str]] = {
    "signed by another": ("gpg", ("--local-user SDE", "--local-user Other"), "openpgp-signature"),
    "not signed": ("gpg", ("--sign ", ""), "openpgp-unsigned"),
    "signed twice": ("gpg", ("--local-user SDE", "--local-user SDE --local-user Other"), "openpgp-signature"),
    "encrypted to others": ("gpg", ("--recipient DOL-HUB", "--recipient Other"), "openpgp-recipient"),
    "encrypted to a passphrase": (
        "gpg", ("--recipient DOL-HUB --sign --encrypt", "--passphrase x --symmetric"), "openpgp-form",
    ),
    "not encrypted": ("gpg", ("--encrypt ", ""), "openpgp-form"),
    "with AES-128": ("gpg", ("AES256", "AES128"), "openpgp-algorithm"),
    "with CAST5": ("gpg", ("AES256", "CAST5"), "openpgp-algorithm"),
    "open to change": ("gpg", ("gpg ", "gpg --rfc2440 "), "openpgp-form"),
    "armoured": ("gpg", ("gpg ", "gpg --armor "), "openpgp-form"),
    "with SHA-1": ("gpg", ("SHA256", "SHA1"), "openpgp-signature"),
    "compressed": ("gpg", ("--compress-algo none", "--compress-algo bzip2"), "openpgp-unsigned"),
    "signed with another certificate of the name": (
        "p7m", ("SDE.crt -inkey SDE.key", "Other.crt -inkey Other.key"), "cms-signature",
    ),
    "signed by two certificates": (
        "p7m", ("-inkey SDE.key", "-inkey SDE.key -signer Other.crt -inkey Other.key"), "cms-unsigned",
    ),
    "with CBC": ("p7m", ("-aes-256-gcm", "-aes-256-cbc"), "cms-form"),
    "with AES-128-GCM": ("p7m", ("-aes-256-gcm", "-aes-128-gcm"), "cms-form"),
    "encrypted without a signature": ("p7m", ("-in $1.signed", "-in $1"), "cms-unsigned"),
    "signed, not encrypted": ("p7m", ("-out $1.p7m", "-out $1.no; cp $1.signed $1.p7m"), "cms-form"),
    "encrypted to another certificate": ("p7m", ("-recip DOL-HUB.crt", "-recip SDE.crt"), "cms-decryption"),
    "signed with SHA-1": ("p7m", ("-md sha256", "-md sha1"), "cms-unsigned"),
    "in PEM": ("p7m", ("-outform DER -in $1.signed", "-outform PEM -in $1.signed"), "cms-form"),
}  # fmt: skip
"""What stands in place of what in the guide's commands, and the rule by which it is refused."""


@pytest.mark.parametrize("how", OTHERWISE)
def test_what_is_encrypted_otherwise_is_refused_and_nothing_is_left(sending: Sending, how: str) -> None:
    way, change, rule = OTHERWISE[how]
    sending.agree(way)
    rows = sending.world.people("SDE", 20)
    sending.write(rows * 2_000 if how == "compressed" else rows)
    sending.encrypt(way, change)
    refused = sending.world.turned_away(sending.sent(way), Refused)
    assert [f.rule for f in refused.findings] == [rule]
    assert all(f.next and f.clause for f in refused.findings)
    assert left(sending.world) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_file_and_a_manifest_that_were_not_sent_together(sending: Sending, way: str) -> None:
    world = sending.world
    sending.agree(way)
    sending.write(world.people("SDE", 20))
    sending.encrypt(way)
    manifest = (sending.office.folder / f"{MANIFEST}.{way}").read_bytes()
    sending.write(world.people("SDE", 20))
    sending.encrypt(way)
    (sending.office.folder / f"{MANIFEST}.{way}").write_bytes(manifest)
    refused = world.turned_away(sending.sent(way), Refused)
    assert [f.rule for f in refused.findings] == ["manifest-of-another"]
    sending.encrypt(way, name="SDE.0035.04_11_2022.matching")
    refused = world.turned_away(sending.sent(way), Refused)
    assert [f.rule for f in refused.findings] == ["manifest-of-another"]
    sending.encrypt(way, consent="perhaps", FirstName="x")
    wrong = world.turned_away(sending.sent(way), Invalid)
    assert [f.rule for f in wrong.findings] == ["manifest"]
    assert "a key of another name, consent" in wrong.findings[0].what
    alone = sending.sent(way)
    alone.with_name(f"{MANIFEST}.{way}").unlink()
    assert [f.rule for f in world.turned_away(alone, Invalid).findings] == ["manifest"]


@pytest.mark.parametrize("way", WAYS)
def test_its_content_is_checked_as_that_of_a_sealed_file(sending: Sending, way: str) -> None:
    world = sending.world
    sending.agree(way)
    rows = world.people("SDE", 20)
    rows.append(rows[-1])
    sending.write(rows)
    sending.encrypt(way)
    refused = world.turned_away(sending.sent(way), Refused)
    assert "one-record-per-individual" in [f.rule for f in refused.findings]
    sending.write(world.people("SDE", 20))
    sending.encrypt(way, as_of="2022-05-01")
    assert "as-of" in [f.rule for f in world.turned_away(sending.sent(way), EnclaveError).findings]


def test_a_key_that_has_expired_opens_nothing(sending: Sending) -> None:
    world, office = sending.world, sending.office
    old = "gpg --faked-system-time 20200102T000000"
    office.run(f"{old} --quick-generate-key Old rsa3072 default 1y; {old} --armor --export Old > Old.asc")
    with pytest.raises(Invalid, match="in force"):
        intake.read_agreed_key(world.settings, office.folder / "Old.asc", "SDE")
    # it was registered while it was in force
    fingerprint = office.run("gpg --with-colons --list-keys Old | grep -m1 ^fpr").split(":")[9].lower()
    sending.key["gpg"] = AgreedKey("SDE", OPENPGP, fingerprint, (office.folder / "Old.asc").read_text())
    sending.agree("gpg")
    sending.write(world.people("SDE", 20))
    then = "gpg --faked-system-time 20200202T000000 --ignore-time-conflict "
    script = function("gpg").replace("gpg ", then, 1).replace("--local-user SDE", "--local-user Old")
    office.run(f"{script}\nencrypt {SDE}")
    sending.state("gpg")
    office.run(f"{script}\nencrypt {MANIFEST}")
    refused = world.turned_away(sending.sent("gpg"), Refused)
    assert [f.rule for f in refused.findings] == ["openpgp-expired"]
    sending.agree("p7m")
    sending.encrypt("p7m")
    admission = world.admission()  # nobody is admitted so long after
    world.today[0] = date(2040, 1, 1)
    refused = world.turned_away(sending.sent("p7m"), Refused, admission)
    assert "cms-expired" in [f.rule for f in refused.findings]


def mutant(draw: random.Random, honest: bytes, other: bytes, first: int) -> bytes:
    """Flip, cut, add, or go over to another file, at a place not before the first."""
    changed = bytearray(honest)
    place = draw.randrange(first, len(changed))
    match draw.randrange(6):
        case 0 | 1 | 2:
            changed[place] ^= 1 << draw.randrange(8)
        case 3:
            del changed[place:]
        case 4:
            changed[place:place] = draw.randbytes(draw.randrange(1, 9))
        case _:
            changed[place:] = other[place:]
    return bytes(changed)


@pytest.mark.parametrize("way", WAYS)
def test_mutants_are_refused_with_a_reason(sending: Sending, way: str) -> None:
    """Every byte of the file; of its manifest what is encrypted, which is its second half and more."""
    world = sending.world
    sending.agree(way)
    sending.write(world.people("SDE", 3))
    sending.encrypt(way)
    sent, draw = sending.sent(way), random.Random(7)
    files = (sent, sent.with_name(f"{MANIFEST}.{way}"))
    honest = [path.read_bytes() for path in files]
    before, rules = world.kept(), set()
    for n in range(int(os.environ.get("MUTANTS", "40"))):
        which = n % 2
        changed = mutant(draw, honest[which], honest[not which], which * len(honest[which]) // 2)
        if changed == honest[which]:
            continue
        files[which].write_bytes(changed)
        with pytest.raises((Refused, Invalid)) as caught:
            world.receive(sent)
        files[which].write_bytes(honest[which])
        assert caught.value.findings and all(f.rule and f.next for f in caught.value.findings)
        rules |= {f.rule for f in caught.value.findings}
    assert world.kept() == before
    assert left(world) == []
    assert len(rules) > 1, rules
    assert world.receive(sent).rows == 3


@pytest.mark.parametrize("way", WAYS)
def test_mutants_that_the_agency_itself_would_state_are_refused(sending: Sending, way: str) -> None:
    """What gpg and openssl are shown themselves: nothing before them has found the file altered."""
    world = sending.world
    sending.agree(way)
    sending.write(world.people("SDE", 3))
    sending.encrypt(way)
    sent, draw = sending.sent(way), random.Random(7)
    honest = sent.read_bytes()
    for _ in range(int(os.environ.get("MUTANTS", "40")) // 6):
        changed = mutant(draw, honest, bytes(len(honest)), len(honest) // 2)
        (sending.office.folder / f"{SDE}.{way}").write_bytes(changed)
        sending.state(way)
        sending.office.run(f"{function(way)}\nencrypt {MANIFEST}")
        refused = world.turned_away(sending.sent(way), Refused)
        assert {f.rule.partition("-")[0] for f in refused.findings} <= {"openpgp", "cms"}
        assert left(world) == []
