"""One job: protect an instance, audit the result, and print what it cost as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import lsmr

from benchmarks.instances import instance
from benchmarks.measuring import cpu_seconds, peak_mib
from p20kit import CellPolicy, audit, protect
from p20kit.aims import Against, Costs
from p20kit.disclosed import Disclosed
from p20kit.protection import Protected
from p20kit.tables import Table

BoolArray = NDArray[np.bool_]

AIMS: dict[Against, str] = {
    "inference": "upper bounds >= 6 though hidden is not zero",
    "bounds": "upper bounds >= 6",
    "recovery": "no exact recovery",
}


@dataclass(frozen=True)
class Job:
    """What to protect, and how.

    Parameters
    ----------
    name : str
        Short, as `--only` takes it.
    instance : str
    against : {"inference", "bounds", "recovery"}
        What `protect` keeps out: the definition; the same where a hidden count may be zero; exact recovery, as the
        peers do it. The audit is of the same reader.
    weights : {"cells", "persons"}
        What is made least: cells hidden, or the persons in them.
    fast : bool or None
        None: as `protect` does it without being asked, fast where the tables are large.
    quick : bool
        Whether `--quick` runs it.
    """

    name: str
    instance: str
    against: Against = "inference"
    weights: Costs = "cells"
    fast: bool | None = None
    quick: bool = False

    @property
    def work(self) -> str:
        """Say the work in a line, as the results name it."""
        haste = "" if self.fast is None else ", fast" if self.fast else ", without haste"
        return f"protect {self.instance}, zeros shown, {AIMS[self.against]}, least {self.weights}{haste}"


JOBS = (
    Job("ct500", "ct500", quick=True),
    Job("ct500-recovery", "ct500", against="recovery", quick=True),
    Job("ct5k-recovery", "ct5k", against="recovery"),
    Job("ct5k-recovery-persons", "ct5k", against="recovery", weights="persons"),
    Job("ct5k-bounds", "ct5k", against="bounds"),
    Job("ct5k", "ct5k"),
    Job("ct50k-recovery-persons", "ct50k", against="recovery", weights="persons"),
    Job("ct50k-recovery-cells", "ct50k", against="recovery"),
    Job("ct50k-bounds", "ct50k", against="bounds"),
    Job("ct50k-bounds-fast", "ct50k", against="bounds", fast=True),
    Job("ct50k", "ct50k"),
    Job("ct200k-bounds", "ct200k", against="bounds"),
    Job("ct200k-bounds-least", "ct200k", against="bounds", fast=False),
)


def measure(job: Job) -> dict[str, Any]:
    """Protect and audit; times are CPU seconds, imports and the making of the table left out."""
    given = instance(job.instance)
    table = given.table()
    policy = CellPolicy(zeros="shown")
    began = cpu_seconds()
    protected = protect(table, policy, against=job.against, weights=job.weights, fast=job.fast)
    protected_at = cpu_seconds()
    memory = peak_mib()
    found = audit(protected if job.against == "inference" else HiddenMayBeZero(protected), policy)
    audited_at = cpu_seconds()
    status = np.array(protected.status())
    counts = table.counts.ravel()
    return {
        "source": given.source,
        "cells": int(counts.size),
        "primary": int((status == "primary").sum()),
        "secondary": int((status == "complementary").sum()),
        "hidden_sum": int(counts[status == "complementary"].sum()),
        "protect_seconds": round(protected_at - began, 2),
        "protect_mib": round(memory),
        "audit_seconds": round(audited_at - protected_at, 2),
        "peak_mib": round(peak_mib()),
        "findings": len(found.findings),
        "not_ran": len(found.not_ran),
        "bound": round(protected.optimality.bound, 1) if protected.optimality else 0.0,
        "recoverable": int(recoverable(table, _shown(protected)).sum()) if job.against == "recovery" else 0,
    }


@dataclass(frozen=True)
class HiddenMayBeZero:
    """A release to a reader who does not know that hidden counts are not zero: the attacker of the peers.

    Parameters
    ----------
    protected : Protected
    """

    protected: Protected

    def disclosed(self) -> tuple[Disclosed, ...]:
        """Say what that reader knows."""
        return tuple(
            replace(each, lower=np.where(each.lower == each.upper, each.lower, 0.0))
            for each in self.protected.disclosed()
        )


def _shown(protected: Protected) -> BoolArray:
    return protected.shown[0].ravel()


def recoverable(table: Table, shown: BoolArray) -> BoolArray:
    """Find hidden cells that follow exactly from the displayed ones by adding and subtracting.

    A hidden cell follows when every change of the hidden cells that leaves all sums as they are leaves it
    as it is: when random such changes, two of them, do not move it. This is the rule the peers protect by; it
    is written here a second time, so that no figure rests on the code that is measured.

    Parameters
    ----------
    table : Table
    shown : ndarray of bool, shape (n_cells,)

    Returns
    -------
    ndarray of bool, shape (n_cells,)
    """
    hidden = np.flatnonzero(~shown)
    sums = _sums(table)[:, hidden]
    sums = sums[np.diff(sums.indptr) > 0]
    generator = np.random.default_rng(0)
    moved = np.zeros(len(hidden), dtype=bool)
    for _ in range(2):
        change = generator.standard_normal(len(hidden))
        # what is left after the best combination of sums is taken away moves no sum
        combination = lsmr(sums.T, change, atol=1e-14, btol=1e-14, conlim=0, maxiter=20_000)[0]
        moved |= np.abs(change - sums.T @ combination) > 1e-6
    found = np.zeros(len(shown), dtype=bool)
    found[hidden[~moved]] = True
    return found


def _sums(table: Table) -> sparse.csr_matrix:
    rows, columns, signs, at = [], [], [], 0
    for parents, children in table.relations():
        line = np.arange(at, at + len(parents))
        at += len(parents)
        rows += [line, np.repeat(line, children.shape[1])]
        columns += [parents, children.ravel()]
        signs += [-np.ones(len(parents)), np.ones(children.size)]
    entries = (np.concatenate(signs), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_matrix(entries, shape=(at, table.counts.size))


if __name__ == "__main__":
    print(json.dumps(measure(next(job for job in JOBS if job.name == sys.argv[1]))))
