"""Attempts to be heard outside."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from .base import Probe, Told, unless

_UNREACHABLE = "ENETUNREACH"
_FAMILY = "EAFNOSUPPORT"
# Addresses nobody has: what arrives there was sent by a probe.
_ELSEWHERE, _ELSEWHERE6 = "198.51.100.1", "2001:db8::1"


def connect(family: int, address: object) -> None:
    """Connect a stream."""
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        probe.connect(address)  # type: ignore[arg-type]


def send(family: int, address: object, told: Told) -> None:
    """Send a datagram."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        probe.sendto(told.word.encode(), address)  # type: ignore[arg-type]


def ping(told: Told) -> None:
    """Send a ping with a payload, as any user may on some machines."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as probe:
        probe.sendto(struct.pack("!BBHHH", 8, 0, 0, 1, 1) + told.word.encode(), (_ELSEWHERE, 0))


def ask_a_resolver(told: Told) -> None:
    """Ask for a name that says something, at a resolver's own address."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in (told.word, "example", "org"))
    query = struct.pack("!6H", 1, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.sendto(query, ("8.8.8.8", 53))


def abstract_sockets(told: Told) -> None:
    """Find a listening socket of the host among the abstract ones."""
    name = f"enclave-probe-{told.port}"
    unless([line for line in Path("/proc/net/unix").read_text().splitlines() if line.endswith(f"@{name}")])


def routes(_: Told) -> None:
    """Find a route."""
    unless(Path("/proc/net/route").read_text().splitlines()[1:])


def add_address(_: Told) -> None:
    """Give the loopback interface another address: what could be done with a network is the kernel's to say."""
    message = struct.pack("=IHHII", 24, 20, 0x5, 1, 0) + struct.pack("=BBBBI", 2, 32, 0, 0, 1)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as probe:
        probe.settimeout(5)
        probe.send(message)
        (code,) = struct.unpack_from("=i", probe.recv(4096), 16)
        if code:
            raise OSError(-code, "refused")


PROBES = (
    Probe("tcp to the host's loopback", "connect to a port somebody listens on", "ECONNREFUSED",
          lambda told: connect(socket.AF_INET, ("127.0.0.1", told.port))),
    Probe("tcp6 to the host's loopback", "the same over IPv6", "ECONNREFUSED EADDRNOTAVAIL",
          lambda told: connect(socket.AF_INET6, ("::1", told.port))),
    Probe("tcp to the host's address", "connect to the host itself", _UNREACHABLE,
          lambda told: connect(socket.AF_INET, (told.address, told.port))),
    Probe("tcp to the internet", "connect to an address elsewhere", _UNREACHABLE,
          lambda told: connect(socket.AF_INET, (_ELSEWHERE, told.port))),
    Probe("tcp6 to the internet", "the same over IPv6", _UNREACHABLE + " EADDRNOTAVAIL",
          lambda told: connect(socket.AF_INET6, (_ELSEWHERE6, told.port))),
    Probe("tcp to a cloud's metadata", "connect to 169.254.169.254", _UNREACHABLE,
          lambda _: connect(socket.AF_INET, ("169.254.169.254", 80))),
    Probe("udp to the host's address", "send a datagram to the host", _UNREACHABLE,
          lambda told: send(socket.AF_INET, (told.address, told.port), told)),
    Probe("udp to the internet", "send a datagram elsewhere", _UNREACHABLE,
          lambda told: send(socket.AF_INET, (_ELSEWHERE, told.port), told)),
    Probe("udp to everybody", "broadcast a datagram", _UNREACHABLE,
          lambda told: send(socket.AF_INET, ("255.255.255.255", told.port), told)),
    Probe("udp to a group", "send a datagram by multicast", _UNREACHABLE,
          lambda told: send(socket.AF_INET, ("224.0.0.251", told.port), told)),
    Probe("udp6 to everybody on the link", "send a datagram by IPv6 multicast", _UNREACHABLE + " EADDRNOTAVAIL",
          lambda told: send(socket.AF_INET6, ("ff02::1", told.port), told)),
    Probe("a name", "resolve a name that says something", "gaierror",
          lambda told: socket.getaddrinfo(f"{told.word}.example.org", 443)),
    Probe("udp to a resolver", "ask a resolver for a name that says something", _UNREACHABLE, ask_a_resolver),
    Probe("interfaces", "find any interface but an empty loopback", "nothing",
          lambda _: unless([name for _, name in socket.if_nameindex() if name != "lo"])),
    Probe("routes", "find a route", "nothing", routes),
    Probe("another address", "give the loopback interface an address by netlink", "EPERM", add_address),
    Probe("unix socket of the host", "connect to it by its path", "ENOENT",
          lambda told: connect(socket.AF_UNIX, told.unix)),
    Probe("abstract unix socket of the host", "connect to it by its name", "ECONNREFUSED",
          lambda told: connect(socket.AF_UNIX, f"\0enclave-probe-{told.port}")),
    Probe("names of abstract sockets", "read the host's from /proc/net/unix", "nothing", abstract_sockets),
    Probe("socket of a container engine", "connect to Docker's", "ENOENT",
          lambda _: connect(socket.AF_UNIX, "/run/docker.sock")),
    Probe("bus of the system", "connect to D-Bus", "ENOENT",
          lambda _: connect(socket.AF_UNIX, "/run/dbus/system_bus_socket")),
    Probe("vsock", "speak to a virtual machine's host", _FAMILY + " EPERM",
          lambda _: socket.socket(40, socket.SOCK_STREAM)),
    Probe("packet socket", "send frames past the network stack", _FAMILY + " EPERM",
          lambda _: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
    Probe("raw icmp", "send pings with a payload", "EPERM",
          lambda _: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
    Probe("icmp of an ordinary user", "the same without rights", f"EACCES EPERM {_UNREACHABLE}", ping),
    Probe("netlink beyond routes", "speak to the firewall", _FAMILY + " EPERM",
          lambda _: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)),
    Probe("netlink events of the kernel", "listen to devices that come and go", _FAMILY + " EPERM",
          lambda _: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15)),
    Probe("alg socket", "use the kernel's cryptography, whose bugs were escapes", _FAMILY + " EPERM",
          lambda _: socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)),
    Probe("express data path", "map the network card's queues", _FAMILY + " EPERM",
          lambda _: socket.socket(44, socket.SOCK_RAW)),
    Probe("bluetooth", "speak by radio", _FAMILY + " EPERM", lambda _: socket.socket(31, socket.SOCK_RAW, 1)),
    Probe("can bus", "speak on a vehicle's bus", _FAMILY + " EPERM", lambda _: socket.socket(29, socket.SOCK_RAW, 1)),
    Probe("tipc", "speak to a cluster", _FAMILY + " EPERM", lambda _: socket.socket(30, socket.SOCK_STREAM)),
)  # fmt: skip
