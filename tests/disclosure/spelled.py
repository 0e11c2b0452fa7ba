"""Tables spelled as text, so that a test reads like the page it talks about; "s" = hidden."""

from __future__ import annotations

import numpy as np
import pandas as pd

from p20kit import CellPolicy, Table
from p20kit.protection import Protected


def counts(text: str, name: str = "t") -> Table:
    """Read a two-way table of inner counts: a header of columns, one line per row."""
    lines = [line.replace("|", " ").split() for line in text.strip().splitlines()]
    heads = lines[0]
    rows = [
        {"row": line[0], "col": head, "n": int(cell)}
        for line in lines[1:]
        for head, cell in zip(heads, line[1:], strict=True)
    ]
    return Table.from_counts(pd.DataFrame(rows), ["row", "col"], name=name)


def spell(frame: pd.DataFrame) -> str:
    """Write a protected two-way table in the same form, margins included."""
    row, col = frame.columns[:2]
    heads = list(dict.fromkeys(frame[col]))
    lines = [" ".join(heads)]
    for name, part in frame.groupby(row, sort=False):
        cells = ("s" if pd.isna(count) else str(count) for count in part["count"])
        lines.append(" ".join([str(name), *cells]))
    return "\n".join(lines)


def people(cells: dict[tuple[str, ...], int], columns: list[str], first: int = 1) -> pd.DataFrame:
    """Invent one person per count: P20IDs from `first`, with the codes of the cell."""
    rows = [codes for codes, n in cells.items() for _ in range(n)]
    frame = pd.DataFrame(rows, columns=columns, dtype="str")
    frame.insert(0, "P20ID", [f"P{first + i:07d}" for i in range(len(frame))])
    return frame


def released(text: str, policy: CellPolicy, name: str = "t") -> Protected:
    """Read a two-way table of inner counts in which those with a star are hidden; margins are shown."""
    table = counts(text.replace("*", ""), name)
    stars = np.array([["*" in cell for cell in line.split("|")[1:]] for line in text.strip().splitlines()[1:]])
    return Protected((table,), (~np.pad(stars, (0, 1)),), policy)
