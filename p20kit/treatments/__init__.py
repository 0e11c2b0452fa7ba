"""Alternatives to suppression, as Exhibit A 3.f names them: collapse, ranges, top and bottom codes, rounding, noise,
sampling.

Each gives a `Treated`: what every cell displays, what that tells a reader (for `audit`), and what was lost.
`suggest` tries them all. `fewer_points` is the collapse of cumulative shares.
"""

from p20kit.treatments.collapse import collapse, collapsed, find_merges
from p20kit.treatments.noise import noise
from p20kit.treatments.points import fewer_points
from p20kit.treatments.ranges import ranges
from p20kit.treatments.rates import coded_rates
from p20kit.treatments.rounding import controlled_rounding, rounding
from p20kit.treatments.sampling import sampling
from p20kit.treatments.suggest import Suggestion, Suggestions, suggest
from p20kit.treatments.suppression import suppression
from p20kit.treatments.treated import Loss, Treated

__all__ = [
    "Loss",
    "Suggestion",
    "Suggestions",
    "Treated",
    "coded_rates",
    "collapse",
    "collapsed",
    "controlled_rounding",
    "fewer_points",
    "find_merges",
    "noise",
    "ranges",
    "rounding",
    "sampling",
    "suggest",
    "suppression",
]
