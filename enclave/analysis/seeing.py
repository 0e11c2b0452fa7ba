"""What a session was opened to show, kept beside it: one that shows more than may be seen now must end.

Source: ExA 2.h; DSA VI.E; DSA VII.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from enclave.people import Sight

_SIGHT = TypeAdapter(Sight)
_NAME = "sight.json"


def note(folder: Path, sight: Sight) -> None:
    """Keep what a session is opened to show; the file is mounted nowhere."""
    (folder / _NAME).write_bytes(_SIGHT.dump_json(sight))


def narrowed(folder: Path, sight: Sight) -> list[str]:
    """Give the reason why a session that runs shows what its person may not see any more; empty where it does not.

    Source: ExA 2.h; DSA VII.
    """
    path = folder / _NAME
    if not path.exists():
        return []
    opened = _SIGHT.validate_json(path.read_bytes())
    if (opened.government and not sight.government) or sight.closed - opened.closed:
        return ["less may be seen than when the session was opened (ExA 2.h). Open it again."]
    if sight.taken - opened.taken:
        return ["an amendment took away what the session was opened with (DSA VII). Open it again."]
    return []
