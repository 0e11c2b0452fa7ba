"""Try to get out of a sandbox: exit 0 when nothing but the hub can be reached, 1 when something can.

``python attempts.py --hub HOST:PORT -- HOST:PORT ...``; the addresses are tried besides those that every cloud has.
"""

import argparse
import socket
import sys
from contextlib import closing

SECONDS = 3
EVERYWHERE = (
    "1.1.1.1:443",  # the internet
    "1.1.1.1:53",
    "8.8.8.8:80",
    "169.254.169.254:80",  # a cloud's word about its machine, with its credentials
    "[fd00:ec2::254]:80",
    "[2606:4700:4700::1111]:443",
)
NAME = "example.org"


def main() -> int:
    """Try everything, and say of each attempt how it ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hub", default="", help="what must be reached")
    parser.add_argument("addresses", nargs="*", metavar="HOST:PORT")
    asked = parser.parse_args()
    ways = [*EVERYWHERE, *asked.addresses]
    out = {f"connect to {address}": connects(address) for address in ways}
    out |= {f"ask {address.rpartition(':')[0]} for a name": answers(address) for address in ways}
    out["resolve a name"] = resolves()
    out["open a vsock"] = opens("AF_VSOCK", socket.SOCK_STREAM)
    out["open a raw socket"] = opens("AF_INET", socket.SOCK_RAW)
    out["open a packet socket"] = opens("AF_PACKET", socket.SOCK_RAW)
    for attempt, came_through in out.items():
        sys.stdout.write(f"{'OPEN  ' if came_through else 'closed'}  {attempt}\n")
    reached = not asked.hub or connects(asked.hub, refused=False)
    if not reached:
        sys.stdout.write(f"the hub does not answer at {asked.hub}: whether a policy closes the rest cannot be told\n")
    return 0 if reached and not any(out.values()) else 1


def connects(address: str, *, refused: bool = True) -> bool:
    """Tell whether somebody answers at an address; a refusal is an answer too, unless told otherwise."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS).close()
    except ConnectionRefusedError:
        return refused  # a machine answered: what it refuses there it may grant at another port
    except OSError:
        return False
    return True


def answers(address: str) -> bool:
    """Tell whether a name server answers there: a question can carry anything out."""
    host = address.rpartition(":")[0].strip("[]")
    question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03org\x00\x00\x01\x00\x01"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with closing(socket.socket(family, socket.SOCK_DGRAM)) as asking:
            asking.settimeout(SECONDS)
            asking.connect((host, 53))
            asking.send(question)
            return bool(asking.recv(512))
    except OSError:
        return False


def resolves() -> bool:
    """Tell whether a name becomes an address."""
    try:
        return bool(socket.getaddrinfo(NAME, 443))
    except OSError:
        return False


def opens(family: str, kind: int) -> bool:
    """Tell whether a socket of this kind can be made at all."""
    try:
        socket.socket(getattr(socket, family), kind).close()
    except (OSError, AttributeError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
