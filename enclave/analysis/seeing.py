"""What was hidden when a session was opened, kept beside it: one that shows more than may be seen now must end.

Source: ExA 2.h; DSA VI.E; DSA VII.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter

from enclave.people import Sight
from enclave.people.sight import clause_of
from enclave.resultant import Delivery

Hidden = Mapping[str, Mapping[str, str]]
"""By table and column, why it is hidden."""
_HIDDEN = TypeAdapter(Hidden)
_NAME = "hidden.json"


def hidden_from(delivery: Delivery, sight: Sight) -> Hidden:
    """Give the columns of a delivery that a person may not see, and why.

    Source: ExA 2.h; DSA VII.
    """
    return {table.name: table.hidden_from(sight) for table in delivery.tables}


def note(folder: Path, hidden: Hidden) -> None:
    """Keep what is hidden where a session is opened; the file is mounted nowhere."""
    (folder / _NAME).write_bytes(_HIDDEN.dump_json(hidden))


def narrowed(folder: Path, hidden: Hidden) -> list[str]:
    """Give the reasons why a session that runs shows what its person may not see any more; empty where it does not.

    Source: ExA 2.h; DSA VII.
    """
    path = folder / _NAME
    if not path.exists():
        return []
    opened = _HIDDEN.validate_json(path.read_bytes())
    clauses = {
        clause_of(why)
        for table, columns in hidden.items()
        for column, why in columns.items()
        if column not in opened.get(table, columns)
    }
    return [
        f"less may be seen than when the session was opened ({clause}). Open it again." for clause in sorted(clauses)
    ]
