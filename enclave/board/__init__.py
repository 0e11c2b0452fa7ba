"""What needs the written word of several: requests, later ends, amendments, match data kept longer, suspensions."""

from enclave.board.asking import (
    amend,
    ask_members,
    confirm_available,
    continue_until,
    keep_match_data,
    refuse_element,
    request,
    terminate,
    withdraw_questions,
)
from enclave.board.deciding import answer, give, voters
from enclave.board.forms import blank_form, filled_form
from enclave.board.law import ChangeOfLaw, change_law, under_law
from enclave.board.motion import Answer, Decision, Motion, MotionKind, State, asked_in, motions, open_motion

__all__ = [
    "Answer",
    "ChangeOfLaw",
    "Decision",
    "Motion",
    "MotionKind",
    "State",
    "amend",
    "answer",
    "ask_members",
    "asked_in",
    "blank_form",
    "change_law",
    "confirm_available",
    "continue_until",
    "filled_form",
    "give",
    "keep_match_data",
    "motions",
    "open_motion",
    "refuse_element",
    "request",
    "terminate",
    "under_law",
    "voters",
    "withdraw_questions",
]
