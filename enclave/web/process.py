"""How the process that serves the pages shares its time: it reads ahead, and lets few pages be made at once.

One interpreter makes all pages. Many made at the same time make each other slow and none of them sooner, so a page
waits for its turn; forms, which wait for the disk, do not.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from enclave.app import Enclave
from enclave.web import agency, overview
from enclave.web.visit import SHOWN

T = TypeVar("T")

AT_ONCE = 4
"""Pages that are made at the same time; one may be waiting for the gate's verdict."""
_LONGEST_TURN = 0.001
"""Seconds for which a thread that computes keeps the interpreter from one that is back from the database."""


class Turns:
    """Threads in which pages are made."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "page")

    async def take(self, make: Callable[[], T]) -> T:
        """Make a page when it is its turn."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, make)


def read_ahead(enclave: Enclave) -> None:
    """Read and work out ahead what pages show, and keep the collector of garbage from walking through it."""
    with enclave.store.view() as view:
        view.load(*SHOWN)
        overview.read_ahead(view)
        agency.read_ahead(view)
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(_LONGEST_TURN)
