"""The ledger against an independent Merkle tree, and against forgers.

Source: EM XVII.B.
"""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_inclusion
from pymerkle.proof import InvalidProof

from enclave.errors import Refused, refuse
from enclave.ledger import (
    Entry,
    Frontier,
    Receipt,
    checkpoint,
    encode,
    inclusion_proof,
    inclusion_root,
    leaf_hash,
    open_checkpoint,
    refusal,
    root_of,
    verify_export,
    verify_receipt,
)
from enclave.vault import LedgerKey

NOON = datetime(2022, 4, 11, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> LedgerKey:
    return LedgerKey.open(tmp_path_factory.mktemp("keys"), "test/ledger")


def bodies(count: int) -> list[bytes]:
    return [encode(Entry("olga", "test.step", f"step-{n}"), n, NOON, date(2022, 4, 11)) for n in range(count)]


def exported(entries: list[bytes], key: LedgerKey) -> list[str]:
    frontier = Frontier()
    for body in entries:
        frontier = frontier.append(leaf_hash(body))
    note = checkpoint(key.name, frontier, key.key_id, key.sign)
    return [*(body.decode() for body in entries), json.dumps({"checkpoint": note})]


def test_every_root_is_the_one_of_an_independent_tree() -> None:
    frontier, tree = Frontier(), InmemoryTree(algorithm="sha256")
    for size, body in enumerate(bodies(70), start=1):
        frontier = frontier.append(leaf_hash(body))
        tree.append_entry(body)
        assert (frontier.size, frontier.root()) == (size, tree.get_root())
    assert Frontier().root() == InmemoryTree(algorithm="sha256").get_root()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 90).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_a_proof_leads_to_the_root_and_to_no_other(place: tuple[int, int]) -> None:
    size, index = place
    leaves = [leaf_hash(body) for body in bodies(size)]
    root, proof = root_of(leaves), inclusion_proof(leaves, index)
    assert inclusion_root(leaves[index], index, size, proof) == root
    assert inclusion_root(leaf_hash(b"another"), index, size, proof) != root
    if proof:
        with pytest.raises(ValueError, match="proof too"):
            inclusion_root(leaves[index], index, size, proof[:-1])
        other = [*proof[:-1], bytes(32)]
        assert inclusion_root(leaves[index], index, size, other) != root
    with pytest.raises(ValueError, match="outside"):
        inclusion_root(leaves[index], size, size, proof)


@pytest.mark.parametrize(("size", "index"), [(1, 0), (2, 1), (7, 3), (33, 32), (64, 5)])
def test_a_proof_has_the_steps_of_the_independent_tree(size: int, index: int) -> None:
    tree = InmemoryTree(algorithm="sha256")
    for body in bodies(size):
        tree.append_entry(body)
    theirs = tree.prove_inclusion(index + 1, size)
    ours = inclusion_proof([leaf_hash(body) for body in bodies(size)], index)
    assert {step.hex() for step in ours} <= set(theirs.serialize()["path"])
    verify_inclusion(leaf_hash(bodies(size)[index]), root_of([leaf_hash(b) for b in bodies(size)]), theirs)
    with pytest.raises(InvalidProof):
        verify_inclusion(leaf_hash(b"another"), root_of([leaf_hash(b) for b in bodies(size)]), theirs)


def test_an_export_is_proven_by_file_and_key_alone(key: LedgerKey) -> None:
    verified = verify_export(exported(bodies(37), key), key.verifier)
    assert (verified.origin, verified.size) == ("test/ledger", 37)
    assert verified.root == root_of([leaf_hash(body) for body in bodies(37)]).hex()
    assert verify_export(exported([], key), key.verifier).size == 0


def test_every_change_of_an_export_is_refused(key: LedgerKey, tmp_path: Path) -> None:
    lines = exported(bodies(9), key)
    forged = [[*lines[:n], *lines[n + 1 :]] for n in range(len(lines))]
    forged += [[*lines[:n], lines[n], *lines[n:]] for n in range(len(lines))]
    forged += [[*lines[:n], lines[n + 1], lines[n], *lines[n + 2 :]] for n in range(len(lines) - 1)]
    forged += [[*lines[:n], lines[n].replace("olga", "egon"), *lines[n + 1 :]] for n in range(9)]
    forged += [[*lines[:n], "{", *lines[n + 1 :]] for n in range(len(lines))]
    forged += [[*lines, lines[0]], [lines[-1], *lines[:-1]], [*exported(bodies(8), key)[:-1], lines[-1]]]
    for text in forged:
        with pytest.raises(Refused):
            verify_export(text, key.verifier)
    other = LedgerKey.open(tmp_path, "test/ledger")
    with pytest.raises(Refused):
        verify_export(lines, other.verifier)


def test_a_thousand_tamperings_by_whoever_has_the_key_are_found_by_a_checkpoint_held(key: LedgerKey) -> None:
    """The hub itself edits, cuts, adds, moves or forks before what an agency holds, and signs anew."""
    chance = random.Random(20_220_411)
    entries = bodies(60)
    held = exported(entries[:50], key)[-1]
    note = json.loads(held)["checkpoint"]
    honest = verify_export(exported(entries, key), key.verifier, [note])
    assert honest.size == 60
    for kind, _ in product(("edit", "cut", "add", "move", "roll back"), range(200)):
        place, other, forged = chance.randrange(50), chance.randrange(50), list(entries)
        if kind == "edit":
            forged[place] = forged[place].replace(b"step", f"stop{other}".encode())
        elif kind == "cut":
            del forged[place]
        elif kind == "add":
            forged.insert(place, bodies(61)[60])
        elif kind == "move":
            forged[place], forged[other] = forged[other], forged[place] + (b" " if place == other else b"")
        else:
            del forged[place:]
        forged = [re.sub(rb'"seq":\d+', f'"seq":{n}'.encode(), body) for n, body in enumerate(forged)]
        assert verify_export(exported(forged, key), key.verifier), "it is sound by itself"
        with pytest.raises(Refused, match="checkpoint held"):
            verify_export(exported(forged, key), key.verifier, [note])


def test_a_checkpoint_of_another_ledger_or_of_what_is_to_come_is_refused(key: LedgerKey, tmp_path: Path) -> None:
    lines, later = exported(bodies(9), key), json.loads(exported(bodies(12), key)[-1])["checkpoint"]
    other = json.loads(exported(bodies(9), LedgerKey.open(tmp_path, "test/other"))[-1])["checkpoint"]
    for note in (later, other, "no note"):
        with pytest.raises(Refused):
            verify_export(lines, key.verifier, [note])
    earlier = [json.loads(exported(bodies(n), key)[-1])["checkpoint"] for n in (7, 0, 9, 3)]
    assert verify_export(lines, key.verifier, earlier).size == 9


@pytest.mark.parametrize("size", [1, 2, 37])
def test_a_receipt_proves_its_entry_and_nothing_else(key: LedgerKey, size: int) -> None:
    entries, note = bodies(size), json.loads(exported(bodies(size), key)[-1])["checkpoint"]
    leaves = [leaf_hash(body) for body in entries]
    for index, body in enumerate(entries):
        proof = tuple(step.hex() for step in inclusion_proof(leaves, index))
        receipt = Receipt(entry=body.decode(), proof=proof, checkpoint=note)
        assert verify_receipt(receipt, key.verifier)["object"] == f"step-{index}"
        for forged in (
            {"entry": receipt.entry.replace("olga", "egon")}, {"entry": "{}"}, {"entry": "[]"}, {"entry": "?"},
            {"entry": receipt.entry.replace(f'"seq":{index}', '"seq":"0"')}, {"proof": (*proof, "00" * 32)},
            {"proof": ("zz",)}, {"checkpoint": note.replace("test/ledger", "test/other")},
        ):  # fmt: skip
            with pytest.raises(Refused):
                verify_receipt(receipt.model_copy(update=forged), key.verifier)


def test_one_changed_byte_of_a_checkpoint_is_refused(key: LedgerKey) -> None:
    frontier = Frontier().append(leaf_hash(b"entry"))
    note = checkpoint(key.name, frontier, key.key_id, key.sign)
    assert open_checkpoint(note, key.verifier) == ("test/ledger", 1, frontier.root())
    accepted = []
    for place in range(len(note)):
        forged = note[:place] + chr(ord(note[place]) ^ 1) + note[place + 1 :]
        try:
            accepted.append(open_checkpoint(forged, key.verifier))
        except Refused:
            continue
    assert accepted == []


def test_an_entry_is_canonical_and_a_refusal_holds_rules_and_counts_only() -> None:
    one = encode(Entry("olga", "a.b", "x", details={"b": 1, "a": ["z"]}), 0, NOON, date(2022, 4, 11))
    two = encode(Entry("olga", "a.b", "x", details={"a": ["z"], "b": 1}), 0, NOON, date(2022, 4, 11))
    assert one == two and b'"details":{"a":["z"],"b":1}' in one
    entry = refusal(refuse("Zephyrantha", "rule", "EM XII", "Zephyrantha", "next"), "olga", "a.refuse", "x")
    assert (entry.outcome, entry.clause, entry.details) == ("refused", "EM XII", {"rules": ["rule"], "findings": 1})


@pytest.mark.parametrize("note", ["a\n1\nroot\n\n", "\n\n", "a\n1\nroot\n\n\n", "a"])
def test_a_checkpoint_that_is_none_is_refused_and_not_a_fault(key: LedgerKey, note: object) -> None:
    with pytest.raises(Refused):
        open_checkpoint(str(note), key.verifier)
    with pytest.raises(Refused):
        verify_export([json.dumps({"checkpoint": note})], key.verifier)
    with pytest.raises(Refused):
        verify_export([json.dumps({"checkpoint": [note]})], key.verifier)
