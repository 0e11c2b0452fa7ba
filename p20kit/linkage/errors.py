"""What makes a match impossible, said with clause and next step, never with a value of a person."""

from collections.abc import Sequence
from typing import NoReturn

from p20kit.errors import Finding, P20KitError
from p20kit.linkage.blocking import Cost


class LinkageRefused(P20KitError):
    """Files or a method that cannot carry a match; the findings say why, all at once."""


def refuse_blocking(costs: Sequence[Cost]) -> NoReturn:
    """Refuse a match for which no blocking rule can be run."""
    exploding = [cost for cost in costs if cost.outcome == "explodes"]
    findings = [
        Finding(
            "blocking",
            "EM VII.B.1.c",
            f"blocking rule '{cost.rule.name}'",
            f"would compare {cost.pairs:,} pairs",
            "Ask the agencies for identifiers that tell persons apart.",
        )
        for cost in exploding
    ] or [
        Finding(
            "blocking",
            "EM VII.B.1.c",
            "the two files",
            "share no value of the identifiers by which pairs are proposed",
            "Check that each column has its role and that both files are of the same project.",
        )
    ]
    raise LinkageRefused("no blocking rule can be run", findings)


def refuse_training(pairs: int) -> NoReturn:
    """Refuse an encoded match from which no u can be learned."""
    finding = Finding(
        "training",
        "EM VII.B.1.c",
        "the encoded files",
        f"hold fewer than {pairs} pairs of records, both of one file, with one date of birth",
        "Encoded files this small teach no model: agree to send identifiers, or match larger files.",
    )
    raise LinkageRefused("no model can be learned", [finding])


def refuse_engine(engine: str) -> NoReturn:
    """Refuse an engine that does not compare encodings."""
    finding = Finding(
        "engine", "EM VII.B.1.c", f"engine '{engine}'", "does not compare encodings", "Match them with `duckdb`."
    )
    raise LinkageRefused("the engine cannot match encodings", [finding])
