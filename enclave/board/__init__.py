"""What needs the written word of several, or the boards: requests, amendments, suspensions, applications, changes."""

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
from enclave.board.deciding import answer, give, joining, voters
from enclave.board.forms import blank_form, filled_form
from enclave.board.law import ChangeOfLaw, change_law, under_law
from enclave.board.motion import Answer, Decision, Motion, MotionKind, State, asked_in, motions, open_motion
from enclave.board.proposals import (
    Move,
    Period,
    Proposal,
    ProposalKind,
    join,
    move,
    periods,
    proposals,
    propose,
    vote,
)

__all__ = [
    "Answer",
    "ChangeOfLaw",
    "Decision",
    "Motion",
    "MotionKind",
    "Move",
    "Period",
    "Proposal",
    "ProposalKind",
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
    "join",
    "joining",
    "keep_match_data",
    "motions",
    "move",
    "open_motion",
    "periods",
    "proposals",
    "propose",
    "refuse_element",
    "request",
    "terminate",
    "under_law",
    "vote",
    "voters",
    "withdraw_questions",
]
