"""Short-lived plaintext: private folders on the runtime tmpfs, gone when the step is over.

What a crash leaves behind is wiped at the next start; the runtime folder is never on a disk.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MARK = "scratch-"


@contextmanager
def scratch(runtime: Path, step: str) -> Iterator[Path]:
    """Give a private folder (mode 0700) below `runtime`, wiped at the end whatever happens."""
    prepare(runtime)
    folder = Path(tempfile.mkdtemp(prefix=f"{_MARK}{step}-", dir=runtime))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepare(runtime: Path) -> None:
    """Make the runtime folder: all may pass through to what is theirs, nobody may list it."""
    runtime.mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o711)


def wipe_leftovers(runtime: Path) -> int:
    """Wipe what a crash left; give the number of folders."""
    left = list(runtime.glob(f"{_MARK}*"))
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)
