"""Records of the rooms and the ledger, changed together or not at all.

A record is a frozen dataclass with a class variable `KIND`, a property `key` and a field `project`. It can be
written only with the ledger entry that tells why; both are one transaction (DESIGN mechanism 10).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from itertools import islice
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter
from pydantic_core import to_json

from enclave.errors import EnclaveError, invalid
from enclave.ledger import Entry, Frontier, Receipt, Sign, checkpoint, inclusion_proof
from enclave.store.commits import Commits, closed_when_failing
from enclave.store.kept import ELSEWHERE, Derived, Keeper, Kept, Loaded, Source
from enclave.store.schema import FRONTIER, LEDGER, RECORDS, connect, ledger_row, prepare, reading


class Record(Protocol):
    """What a room keeps."""

    KIND: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def key(self) -> str:
        """Name of this record among its kind."""

    @property
    def project(self) -> str:
        """Data Request it belongs to; empty for what belongs to none."""


R = TypeVar("R", bound=Record)
T = TypeVar("T")


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@lru_cache(maxsize=20_000)
def _read(kind: type[R], body: str) -> R:
    """Give a record as it was written. Records are frozen, so one body is read once however often it is asked for."""
    record: R = _adapter(kind).validate_json(body)
    return record


def _asked(project: str | None, action: str | Collection[str] | None) -> list[sa.ColumnElement[bool]]:
    wanted = [LEDGER.c.project == project] if project is not None else []
    if isinstance(action, str):
        wanted.append(LEDGER.c.action == action)
    elif action is not None:
        wanted.append(LEDGER.c.action.in_(action))
    return wanted


_MOST_CHANGES = 500
"""Records of one kind that are brought up to date; where more changed, all is loaded anew."""


class View:
    """A consistent look at the records and the ledger."""

    def __init__(self, connection: sa.Connection, today: date, keeper: Keeper | None = None) -> None:
        self._connection = connection
        self.today = today
        self._keeper = keeper
        self._loaded: dict[type, Loaded] = {}
        self._seen: dict[tuple[type, str], Any] = {}
        self._derived: dict[tuple[Any, ...], Derived] | None = None
        self._read_from: set[Source] = set()

    def load(self, *kinds: type[Record]) -> None:
        """Read all records of some kinds at once, for a look at many projects; what is asked then costs nothing."""
        if not (wanted := [kind for kind in kinds if kind not in self._loaded]):
            return
        kept = self._brought_up()
        found = {kind: kept.kinds.get(kind) or Loaded(self._select(kind, None)) for kind in wanted}
        self._loaded.update(found)
        if self._keeper is not None:
            self._derived = kept.derived
            self._keeper.keep(Kept(kept.size, {**kept.kinds, **found}, kept.derived))

    def derive(self, compute: Callable[..., T], *arguments: Hashable) -> T:
        """Give ``compute(view, *arguments)``; where views are kept, once until a record it read, or the day, changes.

        Parameters
        ----------
        compute : callable
            Of this look and the arguments alone; gives what nobody changes.
        """
        if self._derived is None:
            return compute(self, *arguments)
        name = (compute, self.today, *arguments)
        known = self._derived.get(name)
        if known is None:
            around, self._read_from = self._read_from, set()
            try:
                known = Derived(compute(self, *arguments), frozenset(self._read_from))
            finally:
                self._read_from = around
            if ELSEWHERE not in known.read:
                self._derived[name] = known
        self._read_from |= known.read
        value: T = known.value
        return value

    def _ask(self, query: sa.Select[Any], *sources: Source) -> sa.CursorResult[Any]:
        """Ask the database, and note where what it gives was read from."""
        self._read_from.update(sources or {ELSEWHERE})
        return self._connection.execute(query)

    def _brought_up(self) -> Kept:
        """Give what is kept as it is at this look: what was entered since names the records that changed."""
        size, kept = self.frontier().size, self._keeper.kept if self._keeper is not None else Kept()
        if kept.size == size:
            return kept
        if not kept.kinds or kept.size > size:  # or kept by a look that began later
            return Kept(size)
        told = (LEDGER.c.action, LEDGER.c.project, LEDGER.c.kind, LEDGER.c.key)
        # made distinct here: asked for it, SQLite goes through an index of all entries
        since = set(self._ask(sa.select(*told).where(LEDGER.c.seq >= kept.size)).all())
        kinds = {kind.KIND: kind for kind in kept.kinds}
        keys: dict[type[Any], list[str]] = {}
        for row in since:
            if row.kind in kinds:
                keys.setdefault(kinds[row.kind], []).append(row.key)
        if max(map(len, keys.values()), default=0) > _MOST_CHANGES:
            return Kept(size)
        entered = ((row.action, row.project) for row in since)
        return kept.at(size, self.today, entered, {kind: self._now(kind, keys[kind]) for kind in keys})

    def _now(self, kind: type[R], keys: list[str]) -> dict[str, R | None]:
        query = sa.select(RECORDS.c.body).where(RECORDS.c.kind == kind.KIND, RECORDS.c.key.in_(keys))
        found = [_read(kind, row.body) for row in self._ask(query)]
        return {**dict.fromkeys(keys), **{record.key: record for record in found}}

    def get(self, kind: type[R], key: str) -> R | None:
        """Give one record, or None."""
        if kind in self._loaded:
            known: R | None = self._loaded[kind].by_key.get(key)
            self._read_from.add((kind.KIND, known.project if known is not None else None))
            return known
        if (kind, key) not in self._seen:
            where = (RECORDS.c.kind == kind.KIND) & (RECORDS.c.key == key)
            body = self._ask(sa.select(RECORDS.c.body).where(where)).scalar_one_or_none()
            self._seen[kind, key] = None if body is None else _read(kind, body)
        found: R | None = self._seen[kind, key]
        self._read_from.add(ELSEWHERE)
        return found

    def find(self, kind: type[R], project: str | None = None, **fields: object) -> list[R]:
        """Give the records of a kind, in the order of their keys, whose fields equal those given."""
        asked = fields if project is None else {"project": project, **fields}
        loaded = self._loaded.get(kind)
        if loaded is None:
            return Loaded(self._select(kind, project, **fields)).find(**asked)
        self._read_from.add((kind.KIND, project))
        return loaded.find(**asked)

    def _select(self, kind: type[R], project: str | None, **fields: object) -> Iterator[R]:
        query = sa.select(RECORDS.c.body).where(RECORDS.c.kind == kind.KIND)
        if project is not None:
            query = query.where(RECORDS.c.project == project)
        for name, value in fields.items():
            # a body that does not say so cannot be the one; where it does so elsewhere, its record is looked at
            said = f'"{name}":{to_json(value).decode()}'
            query = query.where(RECORDS.c.body.contains(said, autoescape=True))
        return (_read(kind, row.body) for row in self._ask(query))

    def entries(
        self, *, project: str | None = None, action: str | Collection[str] | None = None, since: int = 0
    ) -> Iterator[dict[str, Any]]:
        """Give ledger entries in order, as they stand in the ledger: of a project, of an action or some."""
        # + 0: in the order of the numbers, but not looked for by them: the index of actions is the shorter way
        order = LEDGER.c.seq if action is None else LEDGER.c.seq + 0
        query = sa.select(LEDGER.c.body).where(*_asked(project, action)).order_by(order)
        if since:
            query = query.where(LEDGER.c.seq >= since)
        actions = {action} if isinstance(action, str) else action or ()
        for row in self._ask(query, *((each, project) for each in actions)):
            yield json.loads(row.body)

    def newest(
        self,
        most: int,
        *,
        project: str | None = None,
        action: str | None = None,
        parts: Mapping[str, str] = MappingProxyType({}),
        naming: Collection[str] | None = None,
        or_of: Collection[str] = (),
        before: int | None = None,
    ) -> tuple[list[dict[str, Any]], int]:
        """Give the newest entries, newest first, and how many there are in all.

        Parameters
        ----------
        most : int
            How many are given.
        parts : mapping of field -> text
            What an entry must have in ``actor``, ``action`` or ``object``, in either case and within the first
            `LOOKED_AT` characters; an empty text asks for nothing.
        naming : collection of str, optional
            Of which an entry must name one, as its object or in what it says: codes of parties.
        or_of : collection of str
            Actions whose entries are given whatever they name.
        before : int, optional
            Number of an entry: only older ones are given, though all are counted.
        """
        where = _asked(project, action)
        where += [LEDGER.c[field].contains(part.lower(), autoescape=True) for field, part in parts.items() if part]
        if naming is not None:
            # a body without it is another one; LIKE would take a party for a field of the same letters
            said = (sa.func.replace(LEDGER.c.body, to_json(each).decode(), "") for each in naming)
            where.append(sa.or_(LEDGER.c.action.in_(or_of), *(without != LEDGER.c.body for without in said)))
        query = sa.select(LEDGER.c.body).where(*where).order_by(LEDGER.c.seq.desc()).limit(most)
        if before is not None:
            query = query.where(LEDGER.c.seq < before)
        found = [json.loads(row.body) for row in self._ask(query)] if most else []
        count = sa.select(sa.func.count()).select_from(LEDGER).where(*where)
        return found, self._ask(count).scalar_one()

    def bodies(self, since: int = 0) -> Iterator[str]:
        """Give the ledger entries' canonical text, in order."""
        query = sa.select(LEDGER.c.body).where(LEDGER.c.seq >= since).order_by(LEDGER.c.seq)
        for row in self._ask(query):
            yield row.body

    def leaves(self) -> list[bytes]:
        """Give every leaf hash, in order."""
        return [row.leaf for row in self._ask(sa.select(LEDGER.c.leaf).order_by(LEDGER.c.seq))]

    def rows(self, table: sa.Table) -> Iterator[dict[str, Any]]:
        """Give the rows of a table as they stand."""
        for row in self._ask(sa.select(table)).mappings():
            yield dict(row)

    def frontier(self) -> Frontier:
        """Give the ledger's size and peaks."""
        row = self._ask(sa.select(FRONTIER.c.size, FRONTIER.c.peaks)).first()
        if row is None:
            return Frontier()
        return Frontier(row.size, tuple(bytes.fromhex(peak) for peak in row.peaks.split()))

    def checkpoint(self, origin: str, key_id: bytes, sign: Sign) -> str:
        """Give a signed checkpoint of the ledger as it is now."""
        return checkpoint(origin, self.frontier(), key_id, sign)

    def receipt(self, seq: int, origin: str, key_id: bytes, sign: Sign) -> Receipt:
        """Give the proof that the ledger holds an entry.

        Raises
        ------
        Invalid
            If there is no such entry.
        """
        entry = next(self.bodies(since=seq), None) if seq >= 0 else None
        if entry is None:
            raise invalid(
                f"entry {seq}", "ledger-entry", "EM XVII.B", "the ledger holds no such entry",
                "`enclave ledger show` gives their numbers.",
            )  # fmt: skip
        proof = inclusion_proof(self.leaves(), seq)
        return Receipt(
            entry=entry, proof=tuple(step.hex() for step in proof), checkpoint=self.checkpoint(origin, key_id, sign)
        )


class Transaction(View):
    """Changes and their entries, together or not at all."""

    def write(self, record: Record, entry: Entry) -> int:
        """Write a record (new or in place of the one with its key) and the entry that tells why.

        Returns
        -------
        int
            Sequence number of the entry.
        """
        body = _adapter(type(record)).dump_json(record).decode()
        where = (RECORDS.c.kind == record.KIND) & (RECORDS.c.key == record.key)
        self._connection.execute(sa.delete(RECORDS).where(where))
        values = {"kind": record.KIND, "key": record.key, "project": record.project, "body": body}
        self._connection.execute(sa.insert(RECORDS).values(values))
        return self._changed(record, entry)

    def _changed(self, record: Record, entry: Entry) -> int:
        self._forget(record)
        return self._append(entry, record.KIND, record.key)

    def _forget(self, record: Record) -> None:
        self._loaded.pop(type(record), None)
        self._seen.pop((type(record), record.key), None)

    def delete(self, record: Record, entry: Entry) -> int:
        """Delete a record and enter why."""
        where = (RECORDS.c.kind == record.KIND) & (RECORDS.c.key == record.key)
        self._connection.execute(sa.delete(RECORDS).where(where))
        return self._changed(record, entry)

    def fill(self, table: sa.Table, rows: Iterator[dict[str, Any]]) -> None:
        """Write rows of another database's table."""
        while some := list(islice(rows, 1_000)):
            self._connection.execute(sa.insert(table), some)

    def append(self, entry: Entry) -> int:
        """Enter an event that changes no record; give its sequence number."""
        return self._append(entry, "", "")

    def _append(self, entry: Entry, kind: str, key: str) -> int:
        frontier = self.frontier()
        row = ledger_row(entry, frontier.size, datetime.now(UTC), self.today) | {"kind": kind, "key": key}
        self._connection.execute(sa.insert(LEDGER).values(row))
        grown = frontier.append(row["leaf"])
        now = {"size": grown.size, "peaks": " ".join(peak.hex() for peak in grown.peaks)}
        if frontier.size:
            self._connection.execute(sa.update(FRONTIER).values(now))
        else:
            self._connection.execute(sa.insert(FRONTIER).values(one=1, **now))
        return frontier.size


class Store:
    """The registry and ledger of one installation.

    Parameters
    ----------
    address : str
        SQLAlchemy address.
    today : callable
        Gives the enclave's calendar day; asked once for each transaction.
    """

    def __init__(self, address: str, today: Callable[[], date]) -> None:
        self._today = today
        self._engine = connect(address)
        self._commits = Commits(self._engine)
        self._keeper = Keeper()
        try:
            prepare(self._engine)
        except EnclaveError:
            self.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Change records and enter why, together; an exception undoes both. When it ends, both are on the disk.

        Raises
        ------
        Refused
            If the ledger cannot be written: then nothing is done (fail closed).
        """
        with closed_when_failing(), self._commits.writing() as connection:
            yield Transaction(connection, self._today())

    @contextmanager
    def view(self) -> Iterator[View]:
        """Look at records and ledger, as they were at one moment, without changing them.

        Raises
        ------
        Fault
            If the database cannot be read.
        """
        with self._engine.connect() as connection, reading():
            yield View(connection, self._today(), self._keeper)

    def enter(self, entry: Entry) -> int:
        """Enter one event that changes no record."""
        with self.transaction() as tx:
            return tx.append(entry)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
