"""The agreement's clocks: what runs until when, and what is done with nobody present when one runs out."""

from enclave.clocks.machine import Reading, Watch, accept
from enclave.clocks.rounds import Round, go_round
from enclave.clocks.running import WARNED_AT, Running, running

__all__ = ["WARNED_AT", "Reading", "Round", "Running", "Watch", "accept", "go_round", "running"]
