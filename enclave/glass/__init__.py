"""The glass: what a browser may receive from a sandbox, and how many bytes of it.

Settings inside a server live next to the researcher's code and bind nobody. This proxy stands outside:
it lets through the routes that work needs, serves JupyterLab's own files itself, sets a content
security policy without a foreign origin, and meters every byte that comes out of a sandbox. Where identifiers are
open, it also lets nothing in but the cells of the one approved notebook (`approved`).
"""

from enclave.glass.lab import LabFiles
from enclave.glass.meter import Meter, Shown, earlier_today
from enclave.glass.posted import Posted
from enclave.glass.proxy import Glass
from enclave.glass.routes import Routes
from enclave.glass.rules import Ruling, Way, judge
from enclave.glass.tally import Activity, Refusals

__all__ = [
    "Activity",
    "Glass",
    "LabFiles",
    "Meter",
    "Posted",
    "Refusals",
    "Routes",
    "Ruling",
    "Shown",
    "Way",
    "earlier_today",
    "judge",
]
