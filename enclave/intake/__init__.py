"""A Transmittal becomes a verified Holding, or is turned away with every finding."""

from enclave.intake.enveloped import own_key, read_agreed_key
from enclave.intake.finder import merge_finders
from enclave.intake.holdings import Holding, holdings, missing, open_holding, withdraw
from enclave.intake.names import layout_of
from enclave.intake.pickup import pick_up
from enclave.intake.receiving import Channel, receive
from enclave.intake.returning import give_back
from enclave.intake.scanner import scan
from enclave.intake.schedule import Expected, Transmission, expected, schedule
from enclave.intake.senders import SenderKey, register_key, sender_key
from enclave.intake.sftp import serve_sftp, waiting
from enclave.intake.spool import recover
from enclave.intake.transmittal import check_file, seal_transmittal
from enclave.intake.withdrawals import withdrawals

__all__ = [
    "Channel",
    "Expected",
    "Holding",
    "SenderKey",
    "Transmission",
    "check_file",
    "expected",
    "give_back",
    "holdings",
    "layout_of",
    "merge_finders",
    "missing",
    "open_holding",
    "own_key",
    "pick_up",
    "read_agreed_key",
    "receive",
    "recover",
    "register_key",
    "scan",
    "schedule",
    "seal_transmittal",
    "sender_key",
    "serve_sftp",
    "waiting",
    "withdraw",
    "withdrawals",
]
