"""Seal a large file and open it, and copy it as safely: a JSON line of seconds and MiB, for `benchmarks.custody`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from benchmarks.measuring import SCRATCH, peak_mib
from enclave.vault import Header, new_keys, seal_file, unseal_file


def main(gib: int) -> dict[str, float]:
    """Give the seconds of each, and the memory that sealing and opening took beyond what the program had before."""
    sender, hub = new_keys("SDE"), new_keys("DOL-HUB")
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        plain, sealed, opened, copied = (Path(folder) / name for name in ("plain", "sealed", "opened", "copied"))
        block = os.urandom(2**24)
        with plain.open("wb") as file:
            for n in range(gib * 64):
                file.write(n.to_bytes(8, "big") + block[8:])
        header = Header(
            id="bench", source="SDE", source_key=sender.public.fingerprint, destination="DOL-HUB",
            destination_key=hub.public.fingerprint, project="DR-0034", name="bench", contents="bench",
            elements=("GenericID",), rows=1, as_of=date(2022, 4, 11), created=datetime.now(UTC),
        )  # fmt: skip
        before = peak_mib()
        copy = _timed(lambda: _copy(plain, copied))
        copied.unlink()
        seal = _timed(lambda: seal_file(plain, sealed, header, sender, hub.public))
        unseal = _timed(lambda: unseal_file(sealed, opened, hub, sender.public))
        added = peak_mib() - before
        opened.unlink()
        again = _timed(lambda: _copy(plain, copied))
    return {"copy": (copy + again) / 2, "seal": seal, "unseal": unseal, "mib": round(added, 1)}


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", source, target], check=True)
    subprocess.run(["sync", target], check=True)


def _timed(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    step()
    return round(time.perf_counter() - begun, 2)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
