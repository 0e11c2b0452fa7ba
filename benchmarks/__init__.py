"""Benchmarks: each area is a module, run as `python -m benchmarks.<area>`, that writes `results/<area>.json`."""
