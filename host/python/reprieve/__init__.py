"""Vets deletion batches before anything is deleted.

A pipeline proposes a batch: a request (a JSON document that says what is deleted, why, and on which evidence) and a list of
targets. Policies evaluate it in a sandbox. Only an allow returns; a deny or an undecided batch raises::

    import reprieve

    gate = reprieve.Gate.from_config("reprieve.toml")
    with gate.vet("request.json", targets=table) as permit:   # raises Denied or Undecided
        for ids in permit.batches(1000):                      # the ids exactly as they were vetted
            permit.deleted(delete(ids))                       # counts what was deleted
    # the end of the block records the outcome in the ledger; an exception leaves the batch open

- ``Gate``: policies, inventory and ledger. ``vet`` raises, ``decide`` returns the decision.
- ``Permit``: what ``vet`` returns for an allow. ``Split``, ``Part``: a batch that is too large, in parts.
- ``Decision``, ``Finding``, ``Fault``: the decision and its reasons.
- ``NotAllowed`` with ``Denied`` and ``Undecided``; ``RequestError``, ``GateError``, ``LedgerError``, ``PermitError``.
- ``targets_sha256``: the digest of a list, which evidence has to name.
- ``draft``: a request for a list, with what is known filled in. ``Inventory``: your own record of what each id is.
  ``History``: your own record of what was deleted before.
- ``PlannedBatch``: a list that several processes read. ``reprieve.spark`` and ``reprieve.airflow``: in those frameworks.
- ``explain``: what a code means. ``read``: targets from files of other tools. ``create_ledger``: a new ledger.
"""

from ._decision import Decision, Fault, Finding
from ._errors import (
    Denied,
    GateError,
    LedgerError,
    NotAllowed,
    PermitError,
    ReprieveError,
    RequestError,
    Undecided,
)
from ._functions import Explanation, Reading, create_ledger, draft, explain, formats, read, targets_sha256
from ._gate import Gate
from ._history import History
from ._inventory import Inventory
from ._native import __version__
from ._permit import Permit
from ._planned import PlannedBatch, SectionCounts, SectionPermit
from ._split import Part, Split

__all__ = [
    "Decision",
    "Denied",
    "Explanation",
    "Fault",
    "Finding",
    "Gate",
    "GateError",
    "History",
    "Inventory",
    "LedgerError",
    "NotAllowed",
    "Part",
    "Permit",
    "PermitError",
    "PlannedBatch",
    "Reading",
    "ReprieveError",
    "RequestError",
    "SectionCounts",
    "SectionPermit",
    "Split",
    "Undecided",
    "__version__",
    "create_ledger",
    "draft",
    "explain",
    "formats",
    "read",
    "targets_sha256",
]
