"""A question to the hub: a table of amounts in records that the asker may not see, of everybody delivered.

A question is words alone: names of columns and one value for each column that is chosen by. No person, no row and
no label of the asker's own is in it. It is read like a request, where its bytes can do no harm
(``python -m p20kit.question FILE``, in a sandbox of its own).

Source: ExA 2.h; DSA I.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError, model_validator

from p20kit.errors import RequestInvalid
from p20kit.measures import Count, Measure, Rate
from p20kit.message import BEGUN, READ, malformed_answer
from p20kit.records import YES, Records
from p20kit.request import malformed, parsed
from p20kit.requested import Line, MeasureRequested, Name, Strict

FORMAT = "p20win-question/1"
LARGEST = 64 * 2**10
"""Bytes of a question."""
MAX_BY = 4
ANSWERED = ("count", "rate", "total", "mean", "median", "quantile")
_Table = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]


class Question(Strict):
    """What is asked.

    Parameters
    ----------
    name, title : str
        Of the table.
    records : str
        The table whose records are meant.
    where : dict of str to str
        Of its columns the one value that each must have.
    by : list of str
        Columns that the asker has mounted.
    sources : dict of str to str
        Each by-column, measured column and the employer to the "table.Column" it is.
    employer : str
        The column that identifies the employer behind each amount.
    """

    format: Literal["p20win-question/1"]
    name: Name
    title: Line
    records: _Table
    where: Annotated[dict[Name, Annotated[Name, StringConstraints(max_length=20)]], Field(min_length=1, max_length=6)]
    by: Annotated[list[Name], Field(min_length=1, max_length=MAX_BY)]
    measures: Annotated[list[MeasureRequested], Field(max_length=10)]
    sources: dict[Name, Name]
    employer: Name
    margins: bool | Annotated[list[list[Name]], Field(min_length=1, max_length=2**MAX_BY)] = True

    @property
    def chosen(self) -> Records:
        """The records that are meant."""
        return Records(self.records, self.where)

    @property
    def counted(self) -> tuple[Measure, ...]:
        """The measures: always how many persons there are, and what share of them have such a record."""
        asked = [measure.as_measure() for measure in self.measures]
        return tuple(dict.fromkeys([Count(), Rate(self.chosen.recorded, YES), *asked]))

    @property
    def amounts(self) -> list[str]:
        """Columns of amounts, under the names they have in the table."""
        named = (m.of for m in self.counted if not isinstance(m, Count | Rate))
        return list(dict.fromkeys(named))

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the question; its words are in it, so that what was answered is found again."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @model_validator(mode="after")
    def _hold_together(self) -> Question:
        used = [*self.by, *self.amounts, self.employer]
        rates = {(m.of, m.value) for m in self.counted if isinstance(m, Rate)}
        if len({name.casefold() for name in used}) != len(used):
            raise ValueError("two columns are the same")
        if set(self.sources) != set(used):
            raise ValueError("sources do not name exactly the by-columns, the columns measured and the employer")
        if any(measure.kind not in ANSWERED for measure in self.measures):
            raise ValueError("a measure is none of those that are answered")
        if rates != {(self.chosen.recorded, YES)} or len({m.label for m in self.counted}) != len(self.counted):
            raise ValueError("a rate is of something else than who has a record, or a measure is named twice")
        if not isinstance(self.margins, bool) and {c for margin in self.margins for c in margin} - set(self.by):
            raise ValueError("margins name columns that are not by-columns")
        return self


def read_question(content: bytes) -> Question:
    """Read a question, believing nothing.

    Raises
    ------
    RequestInvalid
        With every finding: size, encoding, doubled keys, unknown or missing fields, wrong kinds.
    """
    try:
        return Question.model_validate(parsed(content))
    except ValidationError as error:
        raise malformed(error) from None


if __name__ == "__main__":
    sys.stdout.buffer.write(BEGUN)
    sys.stdout.buffer.flush()
    try:
        sys.stdout.buffer.write(READ + read_question(Path(sys.argv[1]).read_bytes()).model_dump_json().encode())
    except RequestInvalid as broken:
        sys.stdout.buffer.write(malformed_answer(broken))
