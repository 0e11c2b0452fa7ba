"""Matching persons between two Participating Agencies: Splink's model, with the practice around it.

`link_pair` goes the whole way: standardise -> block -> compare -> train -> score -> assign, and gives the
links with a report that holds no value of any person.
"""

from p20kit.linkage.elements import ROLES, Role, RoleError
from p20kit.linkage.errors import LinkageRefused
from p20kit.linkage.pair import Linked, Method, link_pair

__all__ = ["ROLES", "LinkageRefused", "Linked", "Method", "Role", "RoleError", "link_pair"]
