"""Code that is asked for: a script or a notebook without its outputs, as its syntax says it, under an open licence.

Source: SDP 12.c; DSA VI.G.1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, StringConstraints, model_validator

from p20kit.errors import Finding, RequestInvalid
from p20kit.requested import Line, Strict
from p20kit.syntax import MAX_TEXT, Cell, NotWritable, cell_of, text_of

Licence = Literal["MIT", "BSD-3-Clause", "Apache-2.0", "GPL-3.0-or-later", "CC0-1.0"]
"""Open licences, by their names in the SPDX list."""
MAX_CELLS = 200
_FORMS = {".py": "script", ".ipynb": "notebook"}


class CodeRequested(Strict):
    """A program: its cells as plain values of their syntax; a script is one cell."""

    name: Annotated[str, StringConstraints(pattern=r"^code [1-9][0-9]?$")]
    title: Annotated[Line, StringConstraints(min_length=1)]
    form: Literal["script", "notebook"]
    licence: Licence
    cells: Annotated[list[Annotated[Cell, Field(min_length=1)]], Field(min_length=1, max_length=MAX_CELLS)]

    @model_validator(mode="after")
    def _hold_together(self) -> CodeRequested:
        if self.form == "script" and len(self.cells) != 1:
            raise ValueError("a script is one cell")
        if sum(map(len, self.written)) > MAX_TEXT:
            raise ValueError(f"it has more than {MAX_TEXT} characters")
        return self

    @property
    def written(self) -> list[str]:
        """The code of each cell, written anew."""
        return [text_of(cell) for cell in self.cells]


def code_asked(files: Mapping[str | Path, str]) -> list[dict[str, Any]]:
    """Read programs as a request holds them.

    Source: SDP 12.c.

    Parameters
    ----------
    files : mapping of path to licence
        ``.py`` and ``.ipynb``; of a notebook the code cells alone.

    Raises
    ------
    RequestInvalid
        With every file that is none, or is under no open licence.
    """
    found, findings = list[dict[str, Any]](), list[Finding]()
    for number, (file, licence) in enumerate(files.items(), start=1):
        path = Path(file)
        try:
            if licence not in get_args(Licence):
                raise NotWritable(f"its licence is none of {', '.join(get_args(Licence))}")
            cells = _cells(path)
        except NotWritable as error:
            where = f"code {number}"
            advice = "Plain Python in ASCII, without magics, bytes and imaginary numbers, can be written anew."
            findings.append(Finding("code", "SDP 12.c", where, str(error), advice))
            continue
        form = _FORMS[path.suffix.lower()]
        found.append({"name": f"code {number}", "title": path.name, "form": form, "licence": licence, "cells": cells})
    if findings:
        raise RequestInvalid("the code cannot be asked for", findings)
    return found


def _cells(path: Path) -> list[Cell]:
    """Read the cells of a file; those of which nothing but comments is left out fall away."""
    if path.suffix.lower() not in _FORMS:
        raise NotWritable("it is neither a script (.py) nor a notebook (.ipynb)")
    try:
        text = path.read_text("utf-8-sig")
        texts = [text] if path.suffix.lower() == ".py" else _code_cells(json.loads(text))
    except (UnicodeDecodeError, ValueError, LookupError, TypeError):
        raise NotWritable("it cannot be read") from None
    cells = []
    for number, source in enumerate(texts, start=1):
        try:
            cells.append(cell_of(source))
        except NotWritable as error:
            raise NotWritable(f"cell {number}: {error}") from None
    if not any(cells):
        raise NotWritable("there is no code in it")
    return [cell for cell in cells if cell]


def _code_cells(notebook: Any) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
