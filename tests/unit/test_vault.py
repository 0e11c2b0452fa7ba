"""What is sealed opens for its recipient, unaltered, from its sender, in its place; or not at all.

Source: EM XV.D; DSA II.I; DSA VI.H.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from enclave.errors import EnclaveError, Invalid, Refused
from enclave.vault import (
    Header,
    Keystore,
    KeyVolume,
    NoteVerifier,
    PrivateKeys,
    PublicKeys,
    Seal,
    new_keys,
    read_header,
    read_private,
    read_public,
    seal_file,
    unseal_file,
)
from enclave.vault.keys import write_keys

SDE, HUB = new_keys("SDE"), new_keys("DOL-HUB")


def header(**changed: Any) -> Header:
    given_ = {
        "id": "3f1c2b9a-0000-4000-8000-000000000001", "source": "SDE", "source_key": SDE.public.fingerprint,
        "destination": "DOL-HUB", "destination_key": HUB.public.fingerprint, "project": "DR-0034",
        "name": "SDE.0034.04_11_2022.matching", "contents": "matching", "elements": ("SASID",), "rows": 2,
        "as_of": date(2022, 4, 11), "created": datetime(2022, 4, 11, tzinfo=UTC),
    }  # fmt: skip
    return Header(**{**given_, **changed})


def sealed(folder: Path, content: bytes = b"GenericID\tSASID\n", sender: PrivateKeys = SDE, **changed: Any) -> Path:
    plain = folder / "plain"
    plain.write_bytes(content)
    return seal_file(plain, folder / "sealed", header(**changed), sender, HUB.public)


def accepted(path: Path, target: Path) -> bool:
    """Try to open a file; only a refusal may come of it, and then no plaintext."""
    try:
        unseal_file(path, target, HUB, SDE.public)
    except Refused as refusal:
        assert refusal.findings[0].clause == "EM XV.D"
        assert not target.exists()
        return False
    target.unlink()
    return True


@pytest.mark.parametrize("size", [0, 1, 1000, 1 << 20, (1 << 20) + 1, (2 << 20) + 17])
def test_a_file_of_any_size_opens_as_it_was(tmp_path: Path, size: int) -> None:
    content = random.Random(size).randbytes(size)
    path = sealed(tmp_path, content)
    assert unseal_file(path, tmp_path / "opened", HUB, SDE.public) == header() == read_header(path)
    assert (tmp_path / "opened").read_bytes() == content
    assert (tmp_path / "opened").stat().st_mode & 0o777 == 0o600
    assert content[:50] not in path.read_bytes() or size < 50


def test_no_single_byte_may_change(tmp_path: Path) -> None:
    whole = sealed(tmp_path).read_bytes()
    mutant, target, draw = tmp_path / "mutant", tmp_path / "opened", random.Random(34)
    opened = 0
    for place in range(len(whole)):
        for change in (1, 0x20, 0x80, 0xFF, draw.randrange(1, 256)):
            mutant.write_bytes(whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :])
            opened += accepted(mutant, target)
    assert len(whole) * 5 > 4_000 and opened == 0


def test_nothing_may_be_cut_added_or_moved(tmp_path: Path) -> None:
    whole = sealed(tmp_path).read_bytes()
    mutant, target = tmp_path / "mutant", tmp_path / "opened"
    forged = [whole[:n] for n in range(0, len(whole), 7)] + [whole[n:] for n in range(1, len(whole), 31)]
    forged += [whole + b"\0", b"\0" + whole, whole + whole, whole[:-1]]
    for content in forged:
        mutant.write_bytes(content)
        assert not accepted(mutant, target)


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=400))
def test_anything_else_is_refused_and_not_a_fault(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "x").write_bytes(b"SLDSEAL1" + content)
    assert not accepted(folder / "x", folder / "opened")


def test_another_sender_another_hub_another_algorithm(tmp_path: Path) -> None:
    other = new_keys("SDE")
    assert not accepted(sealed(tmp_path, sender=other), tmp_path / "opened")
    assert not accepted(
        sealed(tmp_path, sender=other, source_key=other.public.fingerprint), tmp_path / "opened"
    )  # fmt: skip
    # signed by the sender, in a manifest that names another key: the signature holds, the comparison does not
    assert not accepted(sealed(tmp_path, source_key=other.public.fingerprint), tmp_path / "opened")
    assert not accepted(sealed(tmp_path, destination_key=other.public.fingerprint), tmp_path / "opened")
    assert not accepted(sealed(tmp_path, alg="none"), tmp_path / "opened")
    with pytest.raises(Refused):
        unseal_file(sealed(tmp_path), tmp_path / "opened", other, SDE.public)


def test_keys_are_written_once_and_read_by_their_owner_only(tmp_path: Path) -> None:
    private, public = write_keys(SDE, tmp_path)
    assert private.stat().st_mode & 0o777 == 0o400
    assert read_private(private).public.fingerprint == read_public(public).fingerprint == SDE.public.fingerprint
    with pytest.raises(Invalid):
        write_keys(new_keys("SDE"), tmp_path)
    assert read_private(private).public.fingerprint == SDE.public.fingerprint
    assert sorted(tmp_path.iterdir()) == sorted([private, public])
    attempts: list[Callable[[], object]] = [
        lambda: read_private(public),
        lambda: read_public(private),
        lambda: read_private(tmp_path / "absent"),
        lambda: NoteVerifier.from_line("a+b+c"),
    ]
    for attempt in attempts:
        with pytest.raises(Invalid):
            attempt()


def test_a_damaged_key_file_or_another_curve_is_invalid(tmp_path: Path) -> None:
    private, public = write_keys(SDE, tmp_path)
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    damaged = tmp_path / "damaged.json"
    for text in (
        public.read_text().replace("3059", "3058"),
        public.read_text().replace('"sign": "', '"sign": "zz'),
        PublicKeys("SDE", other, other).to_text(),
        private.read_text().replace("3081", "3082"),
    ):
        damaged.write_text(text)
        for read in (read_public, read_private):
            with pytest.raises(Invalid):
                read(damaged)
    for read in (read_public, read_private):
        with pytest.raises(Invalid):
            read(tmp_path / "absent.json")


def test_a_number_that_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    whole = sealed(tmp_path).read_bytes()
    length = int.from_bytes(whole[8:12], "big")
    head = whole[12 : 12 + length].replace(b'"rows":2', b'"rows":' + str(2**60).encode())
    (tmp_path / "huge").write_bytes(whole[:8] + len(head).to_bytes(4, "big") + head + whole[12 + length :])
    with pytest.raises(Refused):
        read_header(tmp_path / "huge")


def key_volume(folder: Path) -> KeyVolume:
    """Give a volume that is known by the hub's own keys, which lie on it."""
    write_keys(new_keys("DOL-HUB"), folder / "keys")
    return KeyVolume(folder / "keys")


@pytest.fixture
def keystore(tmp_path: Path) -> Keystore:
    made = Keystore(key_volume(tmp_path), tmp_path / "wraps", new_keys("DOL-HUB"))
    made.create("project-DR-0034")
    return made


def test_a_file_at_rest_opens_in_its_place_only(keystore: Keystore, tmp_path: Path) -> None:
    plain, path, target = tmp_path / "plain", tmp_path / "at" / "rest", tmp_path / "opened"
    plain.write_bytes(os.urandom(3000))
    digest = keystore.seal(plain, Seal(path, "project-DR-0034", "DR-0034|sde|1"))
    keystore.unseal(Seal(path, "project-DR-0034", "DR-0034|sde|1", digest), target)
    assert target.read_bytes() == plain.read_bytes()
    target.unlink()
    keystore.create("project-DR-0035")
    for key, context, sha256 in (
        ("project-DR-0034", "DR-0034|dol|1", digest),
        ("project-DR-0035", "DR-0034|sde|1", digest),
        ("project-DR-0034", "DR-0034|sde|1", "0" * 64),
        ("project-DR-0099", "DR-0034|sde|1", digest),
    ):
        with pytest.raises(Refused):
            keystore.unseal(Seal(path, key, context, sha256), target)
        assert not target.exists()


def test_no_byte_of_a_file_at_rest_may_change(keystore: Keystore, tmp_path: Path) -> None:
    plain, path, target = tmp_path / "plain", tmp_path / "rest", tmp_path / "opened"
    plain.write_bytes(b"P20ID\n" * 20)
    seal = Seal(path, "project-DR-0034", "place")
    keystore.seal(plain, seal)
    assert keystore.intact(seal)
    whole = path.read_bytes()
    mutants = [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :] for n in range(len(whole))]
    for mutant in (*mutants, whole[:-1], whole + b"\0", b""):
        path.write_bytes(mutant)
        with pytest.raises(Refused):
            keystore.unseal(seal, target)
        assert not target.exists() and not keystore.intact(seal)


def test_a_file_at_rest_opens_only_with_the_hubs_signature(keystore: Keystore, tmp_path: Path) -> None:
    plain, path, target = tmp_path / "plain", tmp_path / "rest", tmp_path / "opened"
    plain.write_bytes(b"P20ID\n" * 20)
    context = "holding|SDE|DOL-HUB|DR-0034|1"
    another = Keystore(keystore.keys, keystore.wraps, new_keys("DOL-HUB"))
    seal = Seal(path, "project-DR-0034", context)
    seal = replace(seal, sha256=another.seal(plain, seal))
    with pytest.raises(Refused, match="signature"):
        keystore.unseal(seal, target)
    assert not target.exists() and not keystore.intact(seal)
    another.unseal(seal, target)
    assert target.read_bytes() == plain.read_bytes()


def test_a_shredded_key_opens_nothing_and_one_half_is_enough(keystore: Keystore, tmp_path: Path) -> None:
    plain, path = tmp_path / "plain", tmp_path / "rest"
    plain.write_bytes(b"x")
    for key, lose in (("project-DR-0034", ""), ("half-1", "keys/half-1.kek"), ("half-2", "wraps/half-2.wrap")):
        keystore.create(key)
        keystore.seal(plain, Seal(path, key, "place"))
        if lose:
            (tmp_path / lose).unlink()
        else:
            keystore.shred(key)
            keystore.shred(key)
        assert not keystore.exists(key)
        with pytest.raises(EnclaveError, match="destroyed"):
            keystore.unseal(Seal(path, key, "place"), tmp_path / "opened")


def test_making_a_key_again_keeps_it(keystore: Keystore) -> None:
    before = keystore.fingerprint("project-DR-0034")
    keystore.create("project-DR-0034")
    assert keystore.fingerprint("project-DR-0034") == before
    assert isinstance(keystore.keys, KeyVolume)
    assert not [path for path in keystore.keys.folder.glob("*.kek") if path.stat().st_mode & 0o077]


def test_what_is_sealed_opens_whoever_made_the_key_at_the_same_time(tmp_path: Path) -> None:
    plain, start = tmp_path / "plain", threading.Barrier(8)
    plain.write_bytes(b"P20ID\n")
    hub, volume = new_keys("DOL-HUB"), key_volume(tmp_path)
    stores = [Keystore(volume, tmp_path / "wraps", hub) for _ in range(8)]

    def sealed(number: int) -> Seal:
        return Seal(tmp_path / f"sealed-{number}", "match-DR-0034", "x")

    def make(number: int) -> None:
        start.wait()
        stores[number].create("match-DR-0034")
        stores[number].seal(plain, sealed(number))

    threads = [threading.Thread(target=make, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(8):
        stores[0].unseal(sealed(n), tmp_path / f"opened-{n}")
