"""A Transmittal becomes a verified Holding, or is turned away with every finding."""

from enclave.intake.enveloped import own_key, read_agreed_key
from enclave.intake.finder import merge_finders
from enclave.intake.holdings import (
    Holding,
    held_one,
    hold_to_held,
    holdings,
    mark_destroyed,
    missing,
    open_holding,
    place_of,
    seals,
    withdraw,
)
from enclave.intake.names import layout_of
from enclave.intake.pickup import pick_up
from enclave.intake.receiving import Channel, receive
from enclave.intake.returning import Returned, give_back
from enclave.intake.scanner import scan
from enclave.intake.schedule import Expected, Transmission, expected, schedule
from enclave.intake.senders import SenderKey, register_key, sender_key
from enclave.intake.settling import TurnedAway, answer_to, answers, give_receipts, notice
from enclave.intake.sftp import senders, serve_sftp, waiting
from enclave.intake.spool import recover
from enclave.intake.transmittal import check_file, seal_transmittal
from enclave.intake.withdrawals import withdrawals

__all__ = [
    "Channel",
    "Expected",
    "Holding",
    "Returned",
    "SenderKey",
    "Transmission",
    "TurnedAway",
    "answer_to",
    "answers",
    "check_file",
    "expected",
    "give_back",
    "give_receipts",
    "held_one",
    "hold_to_held",
    "holdings",
    "layout_of",
    "mark_destroyed",
    "merge_finders",
    "missing",
    "notice",
    "open_holding",
    "own_key",
    "pick_up",
    "place_of",
    "read_agreed_key",
    "receive",
    "recover",
    "register_key",
    "scan",
    "schedule",
    "seal_transmittal",
    "seals",
    "sender_key",
    "senders",
    "serve_sftp",
    "waiting",
    "withdraw",
    "withdrawals",
]
