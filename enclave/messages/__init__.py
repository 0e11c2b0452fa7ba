"""Who must be told that something happened: decided from the ledger, shown on each person's page, sent by mail.

A message has a title out of a fixed list, the number of the project and a link; it never holds a value.
"""

from enclave.messages.inbox import Inbox, Letter, Message, Post, inbox_of, mark_read, post_of, take_in
from enclave.messages.letters import Sent, send
from enclave.messages.rules import RULES, decide

__all__ = [
    "RULES",
    "Inbox",
    "Letter",
    "Message",
    "Post",
    "Sent",
    "decide",
    "inbox_of",
    "mark_read",
    "post_of",
    "send",
    "take_in",
]
