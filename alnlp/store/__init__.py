"""The truth about a project: annotation events, leases and settings in one SQLite file.

Every SQL statement of alnlp lives in this package. `Store` keeps the append-only events;
`Ledger` folds them into the present state without any SQL.
"""

from alnlp.store.ledger import Ledger
from alnlp.store.records import Event, EventKind, Lease, LeaseRequest, NewEvent
from alnlp.store.store import Store

__all__ = ["Event", "EventKind", "Lease", "LeaseRequest", "Ledger", "NewEvent", "Store"]
