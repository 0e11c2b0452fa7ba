"""Lists of those whose consent has expired or was revoked: an agency's own generic identifiers, and nothing else.

Whoever stands on one is left out of every cut that is made afterwards. What was delivered before is not changed, and
what was released cannot be: a revocation is for what comes later.

Source: EM XIII.C.1; EM XIII.C.3.
"""

from __future__ import annotations

from pathlib import Path

from enclave.errors import Finding
from enclave.intake.holdings import Holding, open_holding
from enclave.intake.names import WITHDRAWN
from enclave.intake.sheet import Sheet, quoted, text
from enclave.settings import Settings
from enclave.store import View
from enclave.terms import GENERIC_ID
from enclave.vault import Keystore


def withdrawals(view: View, project: str) -> list[Holding]:
    """Give the lists of a project, by agency and day."""
    return sorted(
        view.find(Holding, project, contents=WITHDRAWN, destroyed_on=None),
        key=lambda held: (held.source, held.received_on, held.name),
    )


def unknown_findings(
    keystore: Keystore, settings: Settings, sheet: Sheet, matching: Holding | None, folder: Path
) -> list[Finding]:
    """Compare a list with the agency's matching file: a name that is not in it would leave nobody out.

    Source: EM XIII.C.3.

    Parameters
    ----------
    matching : Holding, optional
        The file the hub holds; None where it holds none.
    folder : Path
        Private, for the file while it is looked at.
    """
    if matching is None:
        what, next = "the hub holds no matching file of this agency", "Leave these persons out of the file you send."
        return [Finding("list-without-file", "EM XIII.C.3", sheet.name, what, next)]
    opened = folder / "held.parquet"
    open_holding(keystore, settings, matching, opened)
    column = quoted(GENERIC_ID)
    unknown = f"{column} not in (select {column} from {text(str(opened))})"  # noqa: S608 - a path of ours
    (count,) = sheet.count_each([unknown])
    if not count:
        return []
    what, next = f"{count} identifiers are not in the file the hub holds", "List identifiers of that file."
    return [sheet.finding("list-unknown-id", "EM XIII.C.3", what, next, unknown, count)]
