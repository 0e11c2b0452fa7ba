"""Invented people with known truth: a Connecticut of any size from a seed, and its agencies' files.

>>> from datetime import date
>>> from pathlib import Path
>>> from p20kit import synthetic
>>> world = synthetic.universe(students=2_000, wage_earners=5_000, seed=34)
>>> written = world.write(Path("transmittals"), dr="0034", as_of=date(2022, 4, 11))  # doctest: +SKIP
"""

from p20kit.synthetic.errors import ErrorModel
from p20kit.synthetic.files import AgencyFiles
from p20kit.synthetic.universe import Universe, universe

__all__ = ["AgencyFiles", "ErrorModel", "Universe", "universe"]
