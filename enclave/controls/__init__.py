"""How the controls of NIST SP 800-171 and SATRE stand in the running installation: looked at, not asserted.

Source: EM XV.A.1; DSA VI.D.1.
"""

from enclave.controls.catalogue import Control, read_catalogue
from enclave.controls.evidence import Entrance, Evidence, Installed
from enclave.controls.seen import Deviating, Seen, keep, last_seen
from enclave.controls.standing import LOOKS, Standing, look, standings

__all__ = [
    "LOOKS",
    "Control",
    "Deviating",
    "Entrance",
    "Evidence",
    "Installed",
    "Seen",
    "Standing",
    "keep",
    "last_seen",
    "look",
    "read_catalogue",
    "standings",
]
