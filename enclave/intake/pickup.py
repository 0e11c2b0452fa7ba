"""From the drop folders of OpenSSH into the inbox: copied when whole, never over a file that is there.

OpenSSH lets who may write a file write over it, and one that is still being sent stands under its name already. So
what lies there is a draft: a file comes into the inbox as a copy that its sender cannot reach any more, and only when
its last byte is there.

Source: DSA IV; EM XV.D.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from enclave.errors import EnclaveError
from enclave.intake.enveloped import is_whole
from enclave.intake.names import is_sealed_name
from enclave.intake.sftp import SIZE_CAP, Upload
from enclave.settings import Settings
from enclave.terms import party_id

FOLDER = "in"
"""The one folder below a party's own that it can write into: its own must be root's, for OpenSSH to lock it in."""


@dataclass(frozen=True)
class Picked:
    """What was taken, as PARTY/NAME, and why the rest was left."""

    taken: list[str]
    left: dict[str, str]


def pick_up(settings: Settings, drop: Path, size_cap: int = SIZE_CAP) -> Picked:
    """Take every whole file of every party's drop folder into its inbox; what is left is tried again next time.

    Source: DSA IV; EM XV.D.
    """
    taken, left = [], {}
    for folder in sorted(drop.iterdir()):
        if not _is_party(folder.name) or not (folder / FOLDER).is_dir():
            continue
        for path in sorted((folder / FOLDER).iterdir()):
            known = is_sealed_name(path.name, folder.name)
            shown = f"{folder.name}/{path.name if known else 'a file of another name'}"
            why = _take(settings, folder.name, path, size_cap) if known else "it is not named as sealed files are"
            if why:
                left[shown] = why
            else:
                taken.append(shown)
    return Picked(taken, left)


def _take(settings: Settings, party: str, path: Path, size_cap: int) -> str:
    """Copy one file and remove the draft; say why not, if not."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return "it is no file"
    with os.fdopen(handle, "rb") as draft:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > size_cap:
            return "it is no file, or longer than the inbox takes"
        if not is_whole(handle, path.name):
            return "it is being sent, or was cut short"
        inbox = settings.home / "inbox" / party
        inbox.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (inbox / path.name).exists():
            return "a file of this name has been sent already"
        upload = Upload(inbox, path.name)
        left = found.st_size
        while left and (block := draft.read(min(left, 1 << 20))):
            left -= os.write(upload.handle, block)
    if not upload.finish():
        return "it changed while it was taken"
    path.unlink()
    return ""


def _is_party(name: str) -> bool:
    try:
        return party_id(name) == name
    except EnclaveError:
        return False
