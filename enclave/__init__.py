"""The control plane of the P20 WIN enclave: everything that decides, keeps, and lets out.

`GROUND`, `ROOMS` and `DOORS` keep the order: a module imports only what stands before it.
"""

GROUND = (
    "errors",
    "terms",
    "calendar",
    "settings",
    "scratch",
    "printing",
    "clauses",
    "ledger",
    "vault",
    "store",
    "sandbox",
)
ROOMS = (
    "papers",
    "agreement",
    "dictionary",
    "people",
    "intake",
    "matching",
    "board",
    "resultant",
    "analysis",
    "glass",
    "egress",
    "review",
    "publication",
    "destruction",
    "incidents",
    "messages",
    "clocks",
    "reports",
    "controls",
)
DOORS = ("app", "cli", "web")
