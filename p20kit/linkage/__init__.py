"""Matching persons between Participating Agencies: Splink's model, with the practice around it.

`link_pair` goes the whole way: standardise -> block -> compare -> train -> score -> assign, and gives the
links with a report that holds no value of any person. `link_many` does so for three and more agencies and gives a
crosswalk; `find_duplicates` gives the clusters within one file.
"""

from p20kit.linkage.elements import ROLES, Role, RoleError
from p20kit.linkage.errors import LinkageRefused
from p20kit.linkage.many import Duplicates, LinkedMany, find_duplicates, link_many
from p20kit.linkage.pair import Linked, Method, link_pair

__all__ = [
    "ROLES",
    "Duplicates",
    "LinkageRefused",
    "Linked",
    "LinkedMany",
    "Method",
    "Role",
    "RoleError",
    "find_duplicates",
    "link_many",
    "link_pair",
]
