"""The room without windows: what one session may see, use and reach.

A `SandboxSpec` names the mounts, the limits and the environment; there is no field for a network,
because there is none. `Bubblewrap` turns it into processes, `container` into what a Docker engine is asked
for. `Sandboxes` finds and ends what runs, whoever started it.
"""

from enclave.sandbox.bubblewrap import Bubblewrap
from enclave.sandbox.docker import CONTAINER_PYTHON, container
from enclave.sandbox.filesystem import LIBRARY, python
from enclave.sandbox.running import Sandboxed, Sandboxes, SandboxFault
from enclave.sandbox.spec import ANALYST_HOME, Limits, Mount, SandboxSpec

__all__ = [
    "ANALYST_HOME",
    "CONTAINER_PYTHON",
    "LIBRARY",
    "Bubblewrap",
    "Limits",
    "Mount",
    "SandboxFault",
    "SandboxSpec",
    "Sandboxed",
    "Sandboxes",
    "container",
    "python",
]
