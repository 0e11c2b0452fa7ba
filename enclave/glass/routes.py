"""Which path goes where: the hub's routes, longest prefix first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote


@dataclass(slots=True)
class Route:
    """One route as the hub asked for it.

    Attributes
    ----------
    path : str
        Percent-encoded, as the hub wrote it.
    target : str
        http://host:port or http+unix://encoded-path.
    details : dict
        What else the hub wants kept with the route (user, server name).
    last_activity : str
        ISO 8601, of the last request.
    """

    path: str
    target: str
    details: dict[str, Any] = field(default_factory=dict)
    last_activity: str = ""

    @property
    def prefix(self) -> str:
        """Return the decoded path without a final slash."""
        return unquote(self.path).rstrip("/")

    @property
    def server(self) -> str | None:
        """Return 'person/project' when the route leads into a sandbox, else None."""
        parts = self.prefix.split("/")
        for n, part in enumerate(parts):
            if part == "user" and len(parts) > n + 1:
                return "/".join(parts[n + 1 :])
        return None


class Routes:
    """The routes of the moment."""

    def __init__(self) -> None:
        """Start without routes."""
        self._by_prefix: dict[str, Route] = {}

    def add(self, route: Route) -> None:
        """Add or replace a route."""
        self._by_prefix[route.prefix] = route

    def remove(self, path: str) -> Route | None:
        """Remove the route of a path, and return it."""
        return self._by_prefix.pop(Route(path, "").prefix, None)

    def find(self, path: str) -> Route | None:
        """Return the route with the longest prefix of whole segments of a decoded path."""
        prefix = path.rstrip("/")
        while prefix not in self._by_prefix:
            if not prefix:
                return None
            prefix = prefix.rpartition("/")[0]
        return self._by_prefix[prefix]

    def all(self) -> list[Route]:
        """Return every route."""
        return list(self._by_prefix.values())
