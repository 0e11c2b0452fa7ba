"""Mutants of honest transmittals: none is taken, each is turned away with a reason, and the honest are taken after.

``python -m tests.attack.transmittals 1000000`` tries so many, by their numbers; `make test` tries some. Everything
goes through `intake.receive` on one hub. Most mutants are what anyone can do to a file on its way; the others are
sealed or signed anew with a party's own keys, as one that cheats or errs would: what comes after the signature is
tried by those.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast
from uuid import UUID

import rfc8785

from enclave import intake
from enclave.agreement import compile_agreement
from enclave.errors import Invalid, Refused
from enclave.settings import PACKAGED_POLICIES
from enclave.vault import Header, PrivateKeys, new_keys, seal_file
from enclave.vault.sealed import END, MAGIC
from tests.attack.faults import ANYTHING, planted
from tests.attack.fuzz import STRANGE
from tests.intake.conftest import a_world
from tests.recorded import attack

PROJECT, SDE, DOL = "DR-0034", "SDE.0034.04_11_2022.matching", "DOL.0034.04_11_2022.matching"
WAGES, FINDER = "DOL.0034.04_11_2022.analytical", "LEA-HAMDEN.0034.04_11_2022.finder"
PIECE = 2_000


class Parts(NamedTuple):
    """A sealed file, taken apart."""

    header: bytes
    key: bytes
    body: bytes
    signature: bytes

    @classmethod
    def of(cls, sealed: bytes) -> Parts:
        """Take a sealed file apart."""
        start = len(MAGIC) + 4
        body = start + int.from_bytes(sealed[start - 4 : start], "big")
        key = int.from_bytes(sealed[body : body + 2], "big")
        end = len(sealed) - len(END) - 2
        signed = end - int.from_bytes(sealed[end : end + 2], "big")
        return cls(sealed[start:body], sealed[body + 2 : body + 2 + key], sealed[body + 2 + key : signed],
                   sealed[signed:end])  # fmt: skip

    def signed(self) -> bytes:
        """Give what the signature is over."""
        lengths = len(self.header).to_bytes(4, "big"), (len(self.key) % 2**16).to_bytes(2, "big")
        return MAGIC + lengths[0] + self.header + lengths[1] + self.key + self.body

    def whole(self) -> bytes:
        """Put the file together."""
        return self.signed() + self.signature + (len(self.signature) % 2**16).to_bytes(2, "big") + END


@dataclass(frozen=True)
class Manifest:
    """A manifest of any content, for `seal_file` to seal as it does an honest one."""

    raw: bytes

    def canonical(self) -> bytes:
        """Give the bytes that stand in the file."""
        return self.raw


class Received:
    """A hub that holds one file, honest ones on their way, and what came of mutants of them."""

    def __init__(self, folder: Path) -> None:
        self.world = world = a_world(folder, compile_agreement(PACKAGED_POLICIES, PROJECT))
        workers = world.people("DOL", 12)
        students = [["SASID", "FLAG_MP2021"], *([f"{n:010}", "1"] for n in range(7, 19))]
        self.rows = {SDE: world.people("SDE", 12), WAGES: world.wages(workers), FINDER: students}
        self.honest = {name: world.seal(world.write(name, rows)).read_bytes() for name, rows in self.rows.items()}
        sealed = world.seal(world.write(DOL, workers))
        self.held, self.first = sealed.read_bytes(), world.receive(sealed)
        self.plain, self.sent = folder / "plain", folder / "sent"
        self.sent.mkdir()
        self.came: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()

    def receive(self, name: str, sealed: bytes, project: str = PROJECT) -> intake.Holding:
        """Hand a file to the hub."""
        path = self.sent / f"{name}.sealed"
        path.write_bytes(sealed)
        return self.world.receive(path, project)

    def keys(self, name: str) -> PrivateKeys:
        """Give the keys of a file's party."""
        return self.world.parties[name.split(".")[0]]

    def seal(self, name: str, content: bytes, header: dict[str, Any], keys: PrivateKeys | None = None) -> bytes:
        """Seal any content under any manifest with a party's keys."""
        self.plain.write_bytes(content)
        manifest = cast(Header, Manifest(rfc8785.dumps(header)))
        target = self.plain.with_name("again")
        return seal_file(self.plain, target, manifest, keys or self.keys(name), self.world.hub.public).read_bytes()

    def sign(self, name: str, parts: Parts) -> bytes:
        """Sign a file that was changed, with the keys of its party."""
        return parts._replace(signature=self.keys(name).signs(hashlib.sha256(parts.signed()).digest())).whole()

    def judge(self, number: int, kind: str = "") -> None:
        """Receive the mutant of a number (of a kind): the same number is the same mutant.

        Raises
        ------
        AssertionError
            If the hub does not turn it away as it should.
        """
        draw = random.Random(number)
        kind = kind or draw.choices([*KINDS], [share for _, share in KINDS.values()])[0]
        name = draw.choice([*self.honest])
        sealed = KINDS[kind][0](self, draw, name)
        if sealed in self.honest.values():
            self.came["unchanged"] += 1
            return
        project = draw.choice((PROJECT,) * 99 + ("DR-0035",))
        self.turn_away(kind, draw.choice((name,) * 9 + (DOL, "Fay Quimby")), sealed, project)

    def turn_away(self, kind: str, name: str, sealed: bytes, project: str = PROJECT) -> None:
        """Hand a file to the hub that it must not take.

        Raises
        ------
        AssertionError
            If it is taken, turned away without a reason, or left open.
        """
        try:
            self.receive(name, sealed, project)
        except (Refused, Invalid) as refused:
            assert refused.findings
            assert all(finding.clause and finding.what and finding.next for finding in refused.findings)
            self.came[f"{kind}: {stage(refused.findings[0].rule)}"] += 1
            self.rules.update({finding.rule for finding in refused.findings})
            assert not list(self.world.settings.runtime.glob("spool/*"))
            return
        raise AssertionError(f"taken: {kind} of {name}")

    def misstate(self, name: str, untrue: dict[str, Any]) -> bytes:
        """Seal an honest content, with the keys of its party, under a manifest that says something else."""
        header: dict[str, Any] = json.loads(Parts.of(self.honest[name]).header)
        return self.seal(name, _content(self.rows[name]), header | untrue)

    def finish(self) -> None:
        """See that nothing but the first file is held, and that the honest ones are taken now.

        Raises
        ------
        AssertionError
            If a mutant has left something, or stands in the way of an honest file.
        """
        with self.world.store.view() as view:
            assert intake.holdings(view, PROJECT) == [self.first]
        assert [path.stem for path in self.world.settings.sealed.rglob("*.sealed")] == [f"{self.first.id}.parquet"]
        for name, sealed in self.honest.items():
            assert self.receive(name, sealed).rows == len(self.rows[name]) - 1
        self.world.store.close()


def stage(rule: str) -> str:
    """Say how far a file came that is turned away by a rule: form, manifest, signature, key, or its content."""
    for where, rules in STAGES.items():
        if rule in rules:
            return where
    return "content"


STAGES = {
    "form": {"sealed-format", "sealed-header", "sealed-algorithm"},
    "manifest": {
        *("sender-known", "sender-key", "destination", "project", "transmittal-id", "file-expected", "replayed"),
        *("already-held", "as-of", "specification", "encodings-not-promised", "unknown-project", "file-name"),
    },
    "signature": {"sealed-signature", "sealed-recipient", "sealed-sender"},
    "key": {"sealed-decryption"},
}
"""Rules by how far a file has come that breaks them first."""


def _bytes(at: Received, draw: random.Random, name: str) -> bytes:
    """Damage or splice bytes: flip, cut, add, repeat, blank, and go over to another file in the middle."""
    sealed = bytearray(at.honest[name])
    place, other = draw.randrange(len(sealed)), draw.choice([*at.honest.values(), at.held])
    match draw.randrange(7):
        case 0 | 1:
            for _ in range(draw.choice((1, 1, 2, 8))):
                sealed[draw.randrange(len(sealed))] ^= 1 << draw.randrange(8)
        case 2:
            del sealed[place:]
        case 3:
            del sealed[place : place + draw.randrange(1, 64)]
        case 4:
            sealed[place:place] = draw.randbytes(draw.randrange(1, 64))
        case 5:
            sealed[place : place + 64] = sealed[draw.randrange(len(sealed)) :][:64]
        case _:
            sealed[place:] = other[draw.randrange(len(other)) :]
    return bytes(sealed)


def _swapped(at: Received, draw: random.Random, name: str) -> bytes:
    """Put a file together of parts of two."""
    one, other = Parts.of(at.honest[name]), Parts.of(draw.choice([*at.honest.values(), at.held]))
    return Parts(*(draw.choice(pair) for pair in zip(one, other, strict=True))).whole()


def _changed(at: Received, draw: random.Random, name: str) -> dict[str, Any]:
    """Change a manifest so that it is not true, or not one."""
    honest = Parts.of(at.honest[name]).header
    while rfc8785.dumps(changed := _change(at, draw, json.loads(honest))) == honest:
        pass
    return changed


def _change(at: Received, draw: random.Random, header: dict[str, Any]) -> dict[str, Any]:
    other: dict[str, Any] = json.loads(Parts.of(draw.choice([*at.honest.values(), at.held])).header)
    match draw.randrange(8):
        case 0 | 1:
            key = draw.choice(sorted(header.keys() - {"limitations", "created", "consent"}))
            value = draw.choice([value for value in STRANGE if not isinstance(value, int) or abs(value) < 2**53])
            header[key] = value if key != "encoded_with" or value is not None else {}
        case 2 | 3:
            key = draw.choice(("source", "source_key", "name", "contents", "elements"))
            header[key] = other[key]
        case 4:
            header["rows"] += draw.choice((-1, 1, 1000))
        case 5:
            header["elements"] = draw.sample(header["elements"], draw.randrange(len(header["elements"])))
        case 6:
            header |= draw.choice(ANYTHING)
        case _:
            del header[draw.choice(sorted(header.keys() - {"limitations"}))]
    return header


def _manifest(at: Received, draw: random.Random, name: str) -> bytes:
    """Change the manifest on its way."""
    raw = rfc8785.dumps(_changed(at, draw, name))
    return Parts.of(at.honest[name])._replace(header=raw).whole()


def _signed(at: Received, draw: random.Random, name: str) -> bytes:
    """Change anything before the signature, and sign it as its party."""
    parts = Parts.of(at.honest[name])
    field = draw.choice(("header", "key", "key", "body", "body"))
    if field == "header":
        return at.sign(name, parts._replace(header=rfc8785.dumps(_changed(at, draw, name))))
    part = bytearray(getattr(parts, field))
    place = draw.randrange(len(part))
    match draw.randrange(3):
        case 0:
            part[place] ^= 1 << draw.randrange(8)
        case 1:
            del part[place:]
        case _:
            part += draw.randbytes(draw.randrange(1, 64))
    return at.sign(name, parts._replace(**{field: bytes(part)}))


def _impostor(at: Received, draw: random.Random, name: str) -> bytes:
    """Sign an honest file as somebody else, or seal one as somebody else in its party's name."""
    parts = Parts.of(at.honest[name])
    header: dict[str, Any] = json.loads(parts.header)
    others = [keys for owner, keys in at.world.parties.items() if owner != header["source"]]
    keys = draw.choice([*others, at.world.hub, UNKNOWN])
    if draw.random() < 0.5:
        return parts._replace(signature=keys.signs(hashlib.sha256(parts.signed()).digest())).whole()
    own = {"source_key": keys.public.fingerprint} if draw.random() < 0.5 else {}
    return at.seal(name, _content(at.rows[name]), header | own, keys)


def _replayed(at: Received, draw: random.Random, name: str) -> bytes:
    """Send what is held again: as it was, or sealed anew for its place, under another day's name or not."""
    if draw.random() < 0.3:
        return at.held
    header: dict[str, Any] = json.loads(Parts.of(at.held).header)
    header |= {"id": str(UUID(int=draw.getrandbits(128), version=4))} if draw.random() < 0.7 else {}
    header |= {"name": "DOL.0034.04_18_2022.matching"} if draw.random() < 0.5 else {}
    return at.seal(DOL, b"GenericID\n", header)


def _misstated(at: Received, draw: random.Random, name: str) -> bytes:
    """Seal an honest content under a manifest that is not true of it."""
    return at.seal(name, _content(at.rows[name]), _changed(at, draw, name))


def _faulty(at: Received, draw: random.Random, name: str) -> bytes:
    """Seal a content that breaks a rule, under a manifest that is true of it."""
    content = planted(draw, at.rows[name], name.rpartition(".")[2])
    head, *rows = content.removesuffix(b"\n").split(b"\n")
    columns = head.decode("utf-8", errors="replace").split("\t")
    header: dict[str, Any] = json.loads(Parts.of(at.honest[name]).header)
    header |= {"rows": len(rows), "elements": [column for column in columns if column != "GenericID"]}
    return at.seal(name, content, header)


def _content(rows: list[list[str]]) -> bytes:
    return "".join("\t".join(row) + "\n" for row in rows).encode()


UNKNOWN = new_keys("SDE")
Kind = Callable[[Received, random.Random, str], bytes]
KINDS: dict[str, tuple[Kind, float]] = {
    "bytes": (_bytes, 46),
    "swapped": (_swapped, 10),
    "manifest": (_manifest, 30),
    "signed": (_signed, 8),
    "impostor": (_impostor, 3),
    "replayed": (_replayed, 1),
    "misstated": (_misstated, 1.8),
    "faulty": (_faulty, 0.2),
}
"""What is done to a file, and how often of a hundred times."""


@contextmanager
def received(folder: Path) -> Iterator[Received]:
    """Give a hub that receives mutants; the honest are received after them."""
    made = Received(folder)
    yield made
    made.finish()


if __name__ == "__main__":
    raise SystemExit(
        attack("mutants of transmittals", "python -m tests.attack.transmittals 1000000", PIECE, received)
    )
