"""Give an agency back what it sent, in the form it was sent in: sealed to its registered keys, signed by the hub.

Source: DSA VI.F.6; DSA II.I; EM XV.D.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from enclave.errors import Refused, refuse
from enclave.intake.holdings import Holding, open_holding
from enclave.intake.senders import SenderKey, sender_key
from enclave.intake.sheet import text
from enclave.ledger import Details, Entry, refusal
from enclave.people import Admission
from enclave.scratch import engine, scratch
from enclave.settings import Settings
from enclave.store import Store
from enclave.terms import HUB, Action, party_id
from enclave.vault import ALGORITHM, Header, Keystore, PrivateKeys, PublicKeys, seal_file

_CLAUSE = "DSA VI.F.6"


@dataclass(frozen=True)
class Returned:
    """The sealed files that go back, and the names of those whose data are destroyed already."""

    files: tuple[Path, ...]
    destroyed: tuple[str, ...]


def give_back(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    hub_keys: PrivateKeys,
    admission: Admission,
    agency: str,
    out: Path,
    created: datetime,
) -> Returned:
    """Seal every file an agency sent for a project, and the hub still holds, to that agency.

    What the hub holds stays until it is destroyed; nothing is given to anyone but its own agency. A file whose data
    are destroyed already is passed over, and named.

    Source: DSA VI.F.6.

    Parameters
    ----------
    admission : Admission
        To destroy data of the project: who may end what is held may give it back.
    out : Path
        Folder for the sealed files; they are sent over the channel agreed on.

    Raises
    ------
    Refused
        If the hub holds nothing of the agency any more, knows no key of it, or a file does not open.
    """
    agency = party_id(agency)
    try:
        admission.hold_to(Action.DESTROY, admission.project)
        with store.view() as view:
            sent = view.find(Holding, admission.project, source=agency)
            known = sender_key(view, agency)
        held = [holding for holding in sent if holding.destroyed_on is None and keystore.exists(holding.key_id)]
        gone = tuple(holding.name for holding in sent if holding not in held)
        if not held or known is None:
            destroyed = f", and destroyed are {', '.join(gone)}" if gone else ""
            what = (
                "no key of it is registered" if held else f"nothing of it is held for {admission.project}{destroyed}"
            )
            raise refuse(agency, "return", _CLAUSE, what, "See `enclave intake board`.")
        if known.algorithm != ALGORITHM:
            what = f"it is sealed back with {ALGORITHM}, and {agency} agreed to {known.algorithm}"
            raise refuse(
                agency, "return", _CLAUSE, what, "Register keys that it made with `enclave keys new` for it."
            )
        files = tuple(_returned(store, keystore, settings, hub_keys, admission, known, held, out, created))
        return Returned(files, gone)
    except Refused as error:
        store.enter(refusal(error, admission.person, "intake.refuse-return", agency, admission.project))
        raise


def _returned(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    hub_keys: PrivateKeys,
    admission: Admission,
    known: SenderKey,
    held: list[Holding],
    out: Path,
    created: datetime,
) -> Iterator[Path]:
    out.mkdir(parents=True, exist_ok=True)
    for holding in held:
        header = _header(holding, hub_keys.public, known.public, created)
        details: Details = {
            "source": HUB, "destination": holding.source, "name": holding.name, "rows": holding.rows,
            "elements": holding.elements, "id": header.id, "destination_key": header.destination_key,
        }  # fmt: skip
        with scratch(settings.runtime, "return") as folder:
            opened, plain = folder / "opened.parquet", folder / "plain"
            open_holding(keystore, settings, holding, opened)
            with engine(folder) as connection:
                connection.execute(
                    f"copy (select * from read_parquet({text(str(opened))})) to {text(str(plain))}"  # noqa: S608
                    " (format csv, delimiter '\t', header true, quote '', escape '', nullstr '')"
                )
            # what reaches outside is entered first
            store.enter(
                Entry(admission.person, "intake.return", holding.id, holding.project, _CLAUSE, details=details)
            )
            target = out / f"{holding.id}.{holding.name}.returned.sealed"
            yield seal_file(plain, target, header, hub_keys, known.public)


def _header(holding: Holding, hub: PublicKeys, agency: PublicKeys, created: datetime) -> Header:
    return Header(
        id=str(uuid4()),
        source=HUB,
        source_key=hub.fingerprint,
        destination=holding.source,
        destination_key=agency.fingerprint,
        project=holding.project,
        name=holding.name,
        contents=holding.contents,
        elements=holding.elements,
        rows=holding.rows,
        as_of=holding.as_of,
        created=created,
        limitations=holding.limitations,
    )
