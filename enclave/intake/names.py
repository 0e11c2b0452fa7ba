"""The name of an agency's file, ``AGENCY.0034.MM_DD_YYYY.contents``, and where its layout comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from enclave.agreement import Element, FileLayout, Policy
from enclave.errors import Invalid, invalid
from enclave.terms import GENERIC_ID

if TYPE_CHECKING:
    from p20kit.linkage.encoding import Encoding

SASID = "SASID"
WITHDRAWN = "withdrawn"
"""Contents of a list of those whose consent has ended."""
_NAME = re.compile(
    r"([A-Z][A-Z0-9-]{1,39})\.(\d{4})\.(\d{2})_(\d{2})_(\d{4})\.(matching|analytical|finder|withdrawn)"
)
_FLAG = r"(?:\.(FLAG_[A-Z0-9_]{1,20}))?"
_SEALED = re.compile(_NAME.pattern + _FLAG + r"(?:\.sealed|(?:\.manifest\.json)?\.(?:gpg|p7m))")
_ENVELOPED = re.compile(_NAME.pattern + _FLAG + r"\.(?:gpg|p7m)")
RECEIPT, FINDINGS = ".receipt.json", ".findings.json"
"""What follows the name of a sealed file in the names of what its sender is given to read."""


@dataclass(frozen=True)
class FileName:
    """What the name of a file says."""

    source: str
    project: str
    day: date
    contents: str


class SealedName(NamedTuple):
    """What the name of a sealed file says; the flag of a school's table."""

    source: str
    project: str
    contents: str
    flag: str


@dataclass(frozen=True)
class Layout:
    """What a file must look like.

    Parameters
    ----------
    columns : tuple of str
        Header line, in order; empty when nothing is expected of this source.
    elements : dict
        Approved element by column, without the generic identifier.
    unique : tuple of str
        Columns that together name a row once.
    """

    source: str
    contents: str
    columns: tuple[str, ...]
    elements: dict[str, Element]
    unique: tuple[str, ...]


def parse_file_name(name: str) -> FileName:
    """Read a file's name.

    Source: EM XII.

    Raises
    ------
    Invalid
        If it is not of the programme's form; the name is not repeated, for it may hold anything.
    """
    match = _NAME.fullmatch(name)
    try:
        if match:
            source, number, month, day, year, contents = match.groups()
            return FileName(source, f"DR-{number}", date(int(year), int(month), int(day)), contents)
    except ValueError:
        pass
    raise bad_name()


def bad_name() -> Invalid:
    """Say that a name is not of the programme's form."""
    return invalid(
        "file name", "file-name", "EM XII", "not of the form AGENCY.0034.MM_DD_YYYY.contents",
        "Name it for example SDE.0034.04_11_2022.matching.",
    )  # fmt: skip


def sealed_name(name: str, columns: tuple[str, ...]) -> str:
    """Name the sealed file: a school's tables share one name, so the flag tells them apart."""
    flag = columns[1] if name.endswith(".finder") and len(columns) == 2 else ""
    return f"{name}.{flag}.sealed" if re.fullmatch(r"FLAG_[A-Z0-9_]{1,20}", flag) else f"{name}.sealed"


def is_sealed_name(name: str, source: str = "") -> bool:
    """Tell whether this is how a sealed file (of `source`) is named."""
    parsed = parse_sealed_name(name)
    return parsed is not None and source in ("", parsed.source)


def is_answer_name(name: str, source: str) -> bool:
    """Tell whether this is how a receipt, or the findings, of a sealed file of `source` is named."""
    return any(name.endswith(end) and is_sealed_name(name.removesuffix(end), source) for end in (RECEIPT, FINDINGS))


def parse_sealed_name(name: str) -> SealedName | None:
    """Read the name of a sealed file; None where it is not of the programme's form."""
    match = _SEALED.fullmatch(name)
    return SealedName(match[1], f"DR-{match[2]}", match[6], match[7] or "") if match else None


def is_enveloped_name(name: str) -> bool:
    """Tell whether this is how a file is named that was encrypted with gpg or openssl; its manifest is another."""
    return _ENVELOPED.fullmatch(name) is not None


def manifest_name(name: str) -> str:
    """Name the manifest that is sent with a file that was encrypted with gpg or openssl."""
    stem, _, ending = name.rpartition(".")
    return f"{stem}.manifest.json.{ending}"


def layout_of(policy: Policy, source: str, contents: str, columns: tuple[str, ...] = ()) -> Layout | None:
    """Give what the agreement expects the hub to get of a file; None when it expects no such file.

    A school's table is told by its flag, found in `columns`.

    Source: DSA VI.A; ExA memo.
    """
    layout = own_layout(policy, source, contents, columns)
    return encoded_layout(policy, layout) if layout and is_encoded(policy, source, contents) else layout


def is_encoded(policy: Policy, source: str, contents: str) -> bool:
    """Tell whether the agreement promises encodings of this file."""
    layout = policy.layout(source, contents)
    return layout is not None and layout.encoded


def encoding_of(policy: Policy) -> Encoding:
    """Give the parameters the agreement has of encodings."""
    from p20kit.linkage.encoding import Encoding

    return Encoding(**policy.agreement.encoding.model_dump())


def encoded_layout(policy: Policy, layout: Layout) -> Layout:
    """Give the layout of the encodings of a file.

    Source: DSA VI.A; EM IX.
    """
    from p20kit.linkage.encoding import MAIN, encoded_columns

    encoding, roles = encoding_of(policy), {column: role for role, column in MAIN.items()}
    columns = encoded_columns([element.links_as for element in layout.elements.values()])
    elements = {
        column: Element(
            name=column,
            definition="Encoding of identifiers.",
            matching=True,
            links_as=roles.get(column, ""),
            kind="code",
            pattern=encoding.pattern(column),
        )
        for column in columns
    }
    return Layout(layout.source, layout.contents, (GENERIC_ID, *columns), elements, layout.unique)


def own_layout(policy: Policy, source: str, contents: str, columns: tuple[str, ...] = ()) -> Layout | None:
    """Give the layout of a file as its sender has it: with the elements, whether it sends them or encodes them.

    Source: DSA VI.A; ExA memo.
    """
    if contents == "finder":
        return _finder(policy, source, columns)
    if contents == WITHDRAWN:
        only = (GENERIC_ID,)
        return Layout(source, contents, only, {}, only) if source in policy.agencies else None
    layout = policy.layout(source, contents)
    if layout is None:
        return None
    found = _elements(policy, layout)
    return Layout(source, contents, (GENERIC_ID, *layout.elements), found, layout.unique)


def flags_of(policy: Policy, source: str) -> tuple[str, ...]:
    """Give the flags a school has tables for."""
    school = policy.school(source)
    return tuple(table.flag for table in school.finder) if school else ()


def _elements(policy: Policy, layout: FileLayout) -> dict[str, Element]:
    known = ((name, policy.element(layout.agency, name)) for name in layout.elements)
    return {name: element for name, element in known if element is not None}


def _finder(policy: Policy, source: str, columns: tuple[str, ...]) -> Layout | None:
    flags = flags_of(policy, source)
    if not flags:
        return None
    flag = next((column for column in columns if column in flags), flags[0])
    listed = Element(name=SASID, definition="Student listed by the school.", pattern=r"\d{10}")
    took = Element(name=flag, definition="Took part, as the school lists.", kind="code", codes=("1",))
    return Layout(source, "finder", (SASID, flag), {SASID: listed, flag: took}, (SASID,))
