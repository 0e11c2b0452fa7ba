"""What one person's session may mount, until when; and the broker that opens sealed data for it."""

from enclave.analysis.broker import Broker
from enclave.analysis.ending import recover
from enclave.analysis.home import seals
from enclave.analysis.session import (
    ASK,
    ASK_INSIDE,
    Session,
    open_again,
    open_session,
    opened_outbox,
    sandbox_name,
)

__all__ = [
    "ASK",
    "ASK_INSIDE",
    "Broker",
    "Session",
    "open_again",
    "open_session",
    "opened_outbox",
    "recover",
    "sandbox_name",
    "seals",
]
