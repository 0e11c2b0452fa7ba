"""Files that were signed and encrypted with gpg, for agencies whose transfer product speaks nothing else.

Nothing is taken from gpg but its status: one whole message, encrypted with AES-256 and protected from change, signed
once, by the registered key and no other. The packets around it are read first, so that what is not of that form
never comes to gpg.

Source: EM XIV.A; EM XV.D; DSA II.I.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from enclave.errors import Fault, Refused, invalid, refuse
from enclave.intake.programs import MIB, OWN_KEY, OWN_KEY_NEXT, run
from enclave.scratch import scratch
from enclave.settings import Settings
from enclave.terms import HUB
from enclave.vault.agreed import OPENPGP, AgreedKey, openpgp_of
from enclave.vault.once import write_once

_SESSION_KEY, _PROTECTED = 1, 18
_GPG = "gpg --batch --no-tty --quiet --disable-dirmngr --no-auto-key-retrieve --trust-model always"
_AES256, _MDC = "9", "2"
_HASHES = {"8", "9", "10"}
"""SHA-256, SHA-384 and SHA-512, as status lines number them."""
_OPEN = f"{_GPG} --import <&$secret; {_GPG} --import <&$public; {_GPG} --status-fd $status --decrypt <&$sent"
_READ = f"{_GPG} --import <&$public; {_GPG} --with-colons --list-keys >&$status; {_GPG} --armor --export"
_MAKE = (
    f"{_GPG} --passphrase '' --quick-generate-key \"$owner\" rsa3072 sign,encr never;"
    f" {_GPG} --passphrase '' --pinentry-mode loopback --export-secret-keys"
)
_ONCE = ("GOODSIG", "VALIDSIG", "DECRYPTION_OKAY", "DECRYPTION_INFO", "GOODMDC", "PLAINTEXT", "NEWSIG")


def is_whole(handle: int) -> bool:
    """Tell whether a file is one encrypted OpenPGP message, to its last byte."""
    try:
        *before, last = _packets(handle, os.fstat(handle).st_size)
    except ValueError:
        return False
    return last == _PROTECTED and bool(before) and set(before) == {_SESSION_KEY}


def open_message(settings: Settings, sent: Path, known: AgreedKey, plain: Path, limit: int) -> None:
    """Verify and decrypt a message to `plain`; nothing is there unless it is wholly as it must be.

    Source: EM XV.D; DSA II.I.

    Raises
    ------
    Refused
        If one bit was altered, or it was not signed by the registered key, encrypted to us, and with AES-256.
    """
    with sent.open("rb") as file:
        if not is_whole(file.fileno()):
            raise _no(sent, "form", "it is no OpenPGP message, or was cut short")
    secret = openpgp_of(settings.keys, HUB)
    if not secret.exists():
        raise _no(sent, OWN_KEY, "the hub's own OpenPGP key is not there", OWN_KEY_NEXT)
    given: dict[str, Path | bytes] = {"secret": secret, "public": known.text.encode(), "sent": sent}
    try:
        code, status = run(settings, _OPEN, given, plain, limit)
        if wrong := _wrong(code, status, known.fingerprint) or _too_long(plain, limit):
            raise _no(sent, *wrong)
    except BaseException:
        plain.unlink(missing_ok=True)
        raise


def read_key(settings: Settings, armoured: bytes, owner: str) -> AgreedKey:
    """Read the public key of a party, as `gpg --export` gives it.

    Source: EM XIV.B.

    Raises
    ------
    Invalid
        If it is not one OpenPGP key that signs and is in force.
    """
    with scratch(settings.runtime, "key") as folder:
        code, status = run(settings, _READ, {"public": armoured}, folder / "key", MIB)
        text = (folder / "key").read_bytes()
    lines = [line.split(":") for line in status.splitlines()]
    keys, prints = ([line for line in lines if line[0] == kind] for kind in ("pub", "fpr"))
    if code != 0 or len(keys) != 1 or keys[0][1] in ("r", "e", "d", "i") or "S" not in keys[0][11]:
        raise invalid(
            "OpenPGP key", "key-file", "EM XIV.B", "it is not one OpenPGP key that signs and is in force",
            "Give what `gpg --armor --export` writes of one key.",
        )  # fmt: skip
    return AgreedKey(owner, OPENPGP, prints[0][9].lower(), text.decode())


def own_key(settings: Settings) -> AgreedKey:
    """Make the hub's own OpenPGP key, or give the one it has; the private half stays on the volume of keys.

    Source: EM XIV.B; EM XV.D.
    """
    place = openpgp_of(settings.keys, HUB)
    if not place.exists():
        with scratch(settings.runtime, "key") as folder:
            script = _MAKE.replace("$owner", HUB)
            code, _ = run(settings, script, {}, folder / "made", MIB)
            if code != 0:
                raise Fault("gpg made no key; is it installed?")
            with suppress(FileExistsError):
                write_once(place, (folder / "made").read_bytes())
    return read_key(settings, place.read_bytes(), HUB)


def _wrong(code: int | None, status: str, fingerprint: str) -> tuple[str, str] | None:
    """Say what is wrong with a message by what gpg says of it: the rule, and what was found."""
    said = [line.removeprefix("[GNUPG:] ").split(" ") for line in status.splitlines()]
    count = Counter(words[0] for words in said)
    last = {words[0]: words[1:] for words in said}
    if code is None:
        return "time", "opening it took too long"
    if not count["DECRYPTION_KEY"]:
        return "recipient", "it is not encrypted to the hub's OpenPGP key"
    if last.get("DECRYPTION_INFO", [])[:2] != [_MDC, _AES256]:
        return "algorithm", "it is not encrypted with AES-256 and protected from change"
    if count["EXPKEYSIG"] or count["REVKEYSIG"] or count["EXPSIG"] or count["KEYREVOKED"]:
        return "expired", "the key it is signed with, or its signature, has expired or was revoked"
    if not count["NEWSIG"]:
        return "unsigned", "it carries no signature, or is longer than what was sent because it is compressed"
    if not count["GOODSIG"] or not count["VALIDSIG"]:
        return "signature", "the signature of the registered key does not hold over it"
    valid = last["VALIDSIG"]
    if len(valid) < 10 or valid[9].lower() != fingerprint or valid[7] not in _HASHES or valid[8] != "00":
        return "signature", "it is not signed by the registered key, over its bytes, with SHA-2"
    if code != 0 or any(count[word] != 1 for word in _ONCE) or count["BADSIG"] or count["ERRSIG"]:
        return "signature", "it is not one message with one signature that holds"
    return None


def _too_long(plain: Path, limit: int) -> tuple[str, str] | None:
    return ("length", "it is longer than what was sent") if plain.stat().st_size > limit else None


def _packets(handle: int, size: int) -> Iterator[int]:
    """Give the tags of the packets of a file; each must end where it says, the last at the file's end.

    Raises
    ------
    ValueError
        If it is cut short, goes on after its end, or is not made of packets.
    """
    at = 0
    while at < size:
        first = _byte(handle, at)
        if first & 0xC0 == 0xC0:
            tag, (at, partial) = first & 0x3F, _length(handle, at + 1)
            while partial:
                at, partial = _length(handle, at)
        elif first & 0xC0 == 0x80 and first & 3 != 3:
            tag, octets = first >> 2 & 0xF, 1 << (first & 3)
            at += 1 + octets + int.from_bytes(os.pread(handle, octets, at + 1))
        else:
            raise ValueError("no packet")
        yield tag
    if at != size or not size:
        raise ValueError("cut short")


def _length(handle: int, at: int) -> tuple[int, bool]:
    """Read a length (RFC 4880, 4.2.2) and give where what it measures ends, and whether more of it follows."""
    first = _byte(handle, at)
    if first < 192:
        return at + 1 + first, False
    if first < 224:
        return at + 2 + ((first - 192) << 8) + _byte(handle, at + 1) + 192, False
    if first < 255:
        if first < 224 + 9:  # no part but the last is shorter than 512 bytes: many tiny ones would take for ever
            raise ValueError("short part")
        return at + 1 + (1 << (first & 0x1F)), True
    return at + 5 + int.from_bytes(os.pread(handle, 4, at + 1)), False


def _byte(handle: int, at: int) -> int:
    found = os.pread(handle, 1, at)
    if not found:
        raise ValueError("cut short")
    return found[0]


def _no(sent: Path, rule: str, what: str, next: str = "") -> Refused:
    then = "Nothing of it was kept. The agency signs and encrypts it again as the steward's guide says."
    return refuse(sent.name, f"openpgp-{rule}", "EM XV.D", what, next or then)
