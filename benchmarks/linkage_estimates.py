"""How often the report's own intervals of false and missed matches cover the truth, in synthetic runs.

    python -m benchmarks.linkage_estimates [runs]    # 100 unless given

Each run draws its agencies from a seed of its own: SDE with CSCU (which has some SASIDs) or with DOL (no shared
identifier), and an error model from as it is to twice that, so that no one setting is right for all.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from benchmarks.linkage_files import spread
from p20kit import linkage, synthetic
from p20kit.synthetic.jobs import ROLES

FIRST_SEED = 5_000
RECORDS = 5_000
SCALES = (1.0, 1.5, 2.0)
OTHERS = ("CSCU", "DOL")


def once(seed: int) -> dict[str, tuple[bool, float, float]]:
    """Match two agencies; per rate whether its interval covers the truth, the truth, and its upper end."""
    errors = synthetic.ErrorModel().scaled(SCALES[seed % len(SCALES)])
    other = OTHERS[seed % len(OTHERS)]
    world = spread(
        synthetic.universe(students=RECORDS, wage_earners=RECORDS, college_students=RECORDS, seed=seed, errors=errors)
    )
    left, right = world.matching("SDE"), world.matching(other)
    linked = linkage.link_pair(left, right, roles=ROLES, names=("SDE", other))
    person = world.truth.set_index("generic_id")["person"]
    same = linked.links["left_id"].map(person) == linked.links["right_id"].map(person)
    matches = len(set(left["GenericID"].map(person)) & set(right["GenericID"].map(person)))
    truth = {"false_match": 1 - float(same.mean()), "missed_match": 1 - int(same.sum()) / matches}
    found: dict[str, Any] = linked.report["estimates"]
    return {
        name: (found[name]["low"] <= value <= found[name]["high"], value, found[name]["high"])
        for name, value in truth.items()
    }


def main() -> int:
    """Print how many of the runs each interval covered, the mean truth and the mean upper end."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    all_runs = [once(FIRST_SEED + i) for i in range(runs)]
    work = f"{runs} runs of two agencies, {RECORDS:,} x {RECORDS:,} records, errors times 1 to {SCALES[-1]:g}"
    rates = {
        name.replace("_", "-"): {
            "covered": sum(each[name][0] for each in all_runs),
            "truth": sum(each[name][1] for each in all_runs) / runs,
            "high": sum(each[name][2] for each in all_runs) / runs,
        }
        for name in all_runs[0]
    }
    print(json.dumps({"work": work, "rates": rates}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
