"""Runs inside a sandbox and tries everything; leaves {probe: answer} as JSON in its scratch."""

from __future__ import annotations

import json

from . import asking, files, kernel, limits, network
from .base import HOME, Told

told = Told.here()
probes = (*network.PROBES, *asking.PROBES, *kernel.PROBES, *files.PROBES, *limits.PROBES)
(HOME / "answers.json").write_text(json.dumps({probe.name: probe.answer(told) for probe in probes}))
