"""Ports for servers that are started by a command line: given to one, and to nobody else."""

from __future__ import annotations

import socket

import pytest

from demo.hub_client import free_port


def test_a_port_that_was_given_is_kept_for_who_is_told_to_listen_there() -> None:
    port = free_port()
    with socket.socket() as other, pytest.raises(OSError, match="Address already in use"):
        other.bind(("127.0.0.1", port))
    for _ in range(2):  # a hub that is started again listens there again
        with (
            socket.create_server(("127.0.0.1", port)),
            socket.create_connection(("127.0.0.1", port)) as found,
        ):
            assert found.getpeername() == ("127.0.0.1", port)
