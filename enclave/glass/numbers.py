"""Other numbers in the cell of an approved notebook that holds its parameters.

What papermill puts in for a run that counts, a person types here: ``threshold: float = 0.95``. The cell is written
anew from the approved one and the numbers; no name, no type, no word and no comment of it is a browser's.

Source: EM VII.B.1.c.
"""

from __future__ import annotations

import re

LONGEST = 4096
"""Characters of the cell."""

_LINE = re.compile(r"(?P<head>(\w+): (?P<type>int|float) = )(?P<number>\S+)(?P<comment>( +#.*)?)")
_NUMBERS = {
    "int": re.compile(r"-?[0-9]{1,15}"),
    "float": re.compile(r"-?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})([eE]-?[0-9]{1,2})?"),
}


def with_numbers(approved: str, typed: str) -> str | None:
    """Write the approved cell with the numbers somebody typed.

    Parameters
    ----------
    approved : str
        The cell as it was approved; empty for a notebook whose numbers stay.
    typed : str
        The cell as a person would run it.

    Returns
    -------
    str or None
        None where anything but a number is another, or a number is not of its type.
    """
    lines, others = approved.split("\n"), typed.split("\n")
    if not approved or len(typed) > LONGEST or len(lines) != len(others):
        return None
    written = [_written(line, other) for line, other in zip(lines, others, strict=True)]
    return None if None in written else "\n".join(line for line in written if line is not None)


def _written(line: str, typed: str) -> str | None:
    """Write one line; None if the one typed is another in more than its number."""
    if line == typed:
        return line
    known, found = _LINE.fullmatch(line), _LINE.fullmatch(typed)
    if known is None or found is None or known["head"] != found["head"]:
        return None
    if not _NUMBERS[known["type"]].fullmatch(found["number"]):
        return None
    value = float(found["number"]) if known["type"] == "float" else int(found["number"])
    return f"{known['head']}{value!r}{known['comment']}"
