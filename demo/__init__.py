"""The whole story on invented people, told by the real components. `python -m demo` and `python -m demo serve`."""
