"""What needs the written word of several parties: requests, later ends, amendments, match data kept longer."""

from enclave.board.asking import (
    amend,
    confirm_available,
    continue_until,
    keep_match_data,
    refuse_element,
    request,
    terminate,
)
from enclave.board.deciding import answer, voters
from enclave.board.forms import blank_form, filled_form
from enclave.board.motion import Answer, Decision, Motion, MotionKind, State, motions

__all__ = [
    "Answer",
    "Decision",
    "Motion",
    "MotionKind",
    "State",
    "amend",
    "answer",
    "blank_form",
    "confirm_available",
    "continue_until",
    "filled_form",
    "keep_match_data",
    "motions",
    "refuse_element",
    "request",
    "terminate",
    "voters",
]
