"""A match job on disk: what the matching room hands a notebook, and what the notebook hands back."""

import hashlib
import json
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow.parquet import ParquetFile

from p20kit.errors import Finding
from p20kit.linkage.errors import LinkageRefused
from p20kit.linkage.many import LinkedMany
from p20kit.linkage.pair import Linked

RESULTS = ("links.parquet", "crosswalk.parquet", "model.json", "report.json", "review.json")
UNFINISHED = ".unfinished"


@dataclass(frozen=True)
class Job:
    """Two Participating Agencies to be matched, or more.

    Attributes
    ----------
    job, project : str
        Identifiers of the run and of the DR.
    files : dict of str to DataFrame of text
        By agency, in order: generic identifier and matching identifiers.
    groups : DataFrame or None
        Columns by which the match rate of the first agency's file is broken down.
    inputs : dict of str to str
        SHA-256 of every file read.
    signatories : tuple of (str, str)
        Party and the title of its Representative, who agree to the match; no person's name.
    last : dict or None
        Report of the project's run before this one.
    model : dict or None
        Model an earlier run kept, or its models by `left-right`: to be taken instead of training.
    encoded : bool
        The files hold encodings of identifiers.
    reviewer : str
        Who sits at the desk of a clerical review; empty where the hub does not say.
    settles : dict of str to (list of int), or None
        For a third reviewer: by the sample's mark, the pairs on which two differ, and not what these said.
    """

    job: str
    project: str
    id_column: str
    roles: dict[str, str]
    files: dict[str, pd.DataFrame]
    groups: pd.DataFrame | None
    inputs: dict[str, str]
    root: Path
    signatories: tuple[tuple[str, str], ...] = ()
    last: dict[str, Any] | None = None
    model: dict[str, Any] | None = None
    encoded: bool = False
    reviewer: str = ""
    settles: dict[str, list[int]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The agencies, in order."""
        return tuple(self.files)

    @property
    def left(self) -> pd.DataFrame:
        """The first agency's file."""
        return self.files[self.names[0]]

    @property
    def right(self) -> pd.DataFrame:
        """The second agency's file."""
        return self.files[self.names[1]]

    @property
    def out(self) -> Path:
        """Where the results go."""
        return self.root / "out"


def read_job(directory: str) -> Job:
    """Read `job.json` and the files it names, for a new run: what an earlier one left in `out/` is cleared away.

    Parameters
    ----------
    directory : str
        As in `reopen_job`.

    Raises
    ------
    FileNotFoundError, KeyError
        If a file or a key of `job.json` is absent.
    """
    for name in (*RESULTS, *(name + UNFINISHED for name in RESULTS)):
        (Path(directory) / "out" / name).unlink(missing_ok=True)
    return reopen_job(directory)


def reopen_job(directory: str) -> Job:
    """Read `job.json` and the files it names; the results of its run stay.

    Parameters
    ----------
    directory : str
        Holds `job.json`, `inputs/` and `out/`. The order names two agencies as `left` and `right`, or a list of
        two and more as `agencies`; `signatories` may list `party` and `representative`, `last` and `model` may name
        the report of the run before and a kept model in `inputs/`, `encoded` says that the files hold encodings, and
        `review` may hold `reviewer` and `settles`.

    Returns
    -------
    Job

    Raises
    ------
    FileNotFoundError, KeyError
        If a file or a key of `job.json` is absent.
    """
    root = Path(directory)
    order: dict[str, Any] = json.loads((root / "job.json").read_text(encoding="utf-8"))
    names = [str(name) for name in order.get("agencies") or (order["left"], order["right"])]
    paths = {name: root / "inputs" / f"{name}.parquet" for name in names}
    by = order.get("groups")
    if by:
        paths["groups"] = root / "inputs" / str(by.get("table", "groups.parquet"))
    held = {name: path.read_bytes() for name, path in paths.items()}
    # What is matched is what was hashed, whatever happens to the file in between.
    tables = {name: read_file(BytesIO(bytes_)) for name, bytes_ in held.items()}
    last, model = (
        (root / "inputs" / str(order[each])).read_bytes() if order.get(each) else None for each in ("last", "model")
    )
    groups = tables.get("groups") if by else None
    hashed = {paths[name].name: bytes_ for name, bytes_ in held.items()}
    hashed |= {} if model is None else {str(order["model"]): model}
    if by and groups is not None and by.get("columns"):
        groups = groups[[order["id_column"], *by["columns"]]]
    return Job(
        job=str(order["job"]),
        project=str(order["project"]),
        id_column=str(order["id_column"]),
        roles=dict(order["roles"]),
        files={name: tables[name] for name in names},
        groups=groups,
        inputs={name: hashlib.sha256(bytes_).hexdigest() for name, bytes_ in hashed.items()},
        root=root,
        signatories=tuple((str(s["party"]), str(s["representative"])) for s in order.get("signatories", ())),
        last=None if last is None else json.loads(last),
        model=None if model is None else json.loads(model),
        encoded=bool(order.get("encoded", False)),
        **order.get("review", {}),
    )


def read_file(source: Path | BytesIO) -> pd.DataFrame:
    """Read a file of Parquet in one thread and give back what reading took: memory is what a match runs out of."""
    found: pd.DataFrame = ParquetFile(source).read(use_threads=False).to_pandas()
    pa.default_memory_pool().release_unused()
    return found


def write_result(job: Job, linked: Linked | LinkedMany) -> dict[str, Any]:
    """Write `crosswalk.parquet`, `model.json` and `report.json` to the job's `out/`: all of them or none.

    A match of two also gives `links.parquet`, its links with their weights.

    Source: EM XII; DSA VI.B.

    Returns
    -------
    dict
        The report as written: the match's own, with job, project, and the hashes of the inputs, the crosswalk and
        the links. `model.json` holds the models of a match of several by `left-right`.

    Raises
    ------
    LinkageRefused
        If a file changed while it was matched, or the results cannot be written.
    """
    _check_unchanged(job)
    if isinstance(linked, Linked):
        crosswalk = linked.links[["left_id", "right_id"]].set_axis(list(job.names), axis=1)
        tables, model = {"crosswalk": crosswalk, "links": linked.links}, linked.model
    else:
        tables, model = {"crosswalk": linked.crosswalk}, linked.models
    written = {f"{kind}.parquet": to_parquet(table) for kind, table in tables.items()}
    report = {
        "job": job.job,
        "project": job.project,
        "inputs": job.inputs,
        **{f"{kind}_sha256": hashlib.sha256(written[f"{kind}.parquet"]).hexdigest() for kind in tables},
        **linked.report,
    }
    texts = {
        "model.json": json.dumps(model, indent=1, sort_keys=True),
        "report.json": json.dumps(report, indent=1),
    }
    _write_all(job.out, written | {name: text.encode() for name, text in texts.items()})
    return report


def to_parquet(table: pd.DataFrame) -> bytes:
    """Give a result as the bytes of its file: the same table, the same bytes."""
    written = BytesIO()
    table.to_parquet(written, index=False)
    return written.getvalue()


def write_review(job: Job, outcome: dict[str, Any]) -> None:
    """Write what reviewers found, aggregates only, to `out/review.json`.

    Source: DSA VI.B.

    Raises
    ------
    LinkageRefused
        If it cannot be written.
    """
    _write_all(job.out, {"review.json": json.dumps(outcome, indent=1).encode()})


def _check_unchanged(job: Job) -> None:
    findings = [
        Finding(
            "inputs",
            "EM XII",
            f"inputs/{name}",
            "changed or went away while it was matched",
            "Find out who wrote to it, then run the match again.",
        )
        for name, digest in job.inputs.items()
        if not (file := job.root / "inputs" / name).is_file()
        or hashlib.sha256(file.read_bytes()).hexdigest() != digest
    ]
    if findings:
        raise LinkageRefused("the match is not of the files that are there", findings)


def _write_all(out: Path, contents: dict[str, bytes]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    written = {name: out / (name + UNFINISHED) for name in contents}
    try:
        for name, file in written.items():
            file.write_bytes(contents[name])
    except OSError as error:
        for file in written.values():
            file.unlink(missing_ok=True)
        what = f"cannot be written: {error.strerror}"
        finding = Finding("results", "DSA VI.B", "out/", what, "Make room, then run the match again.")
        raise LinkageRefused("the results were not kept", [finding]) from error
    for name, file in written.items():
        file.replace(out / name)
