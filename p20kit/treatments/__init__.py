"""Alternatives to suppression, as Exhibit A 3.f names them: collapse, ranges, top and bottom coding, rounding, noise,
sampling.

Each gives a `Treated`: what every cell displays, what that tells a reader (for `audit`), and what was lost.
`suggest` tries them all.
"""

from p20kit.treatments.collapse import collapse, collapsed, find_merges
from p20kit.treatments.noise import noise
from p20kit.treatments.rounding import controlled_rounding, rounding
from p20kit.treatments.sampling import sampling
from p20kit.treatments.suppression import suppression
from p20kit.treatments.treated import Loss, Treated

__all__ = [
    "Loss",
    "Treated",
    "collapse",
    "collapsed",
    "controlled_rounding",
    "find_merges",
    "noise",
    "rounding",
    "sampling",
    "suppression",
]
