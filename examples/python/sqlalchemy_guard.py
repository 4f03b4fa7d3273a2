"""A guard for SQLAlchemy: takes the keys in the transaction, vets them, and deletes exactly those."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reprieve
from sqlalchemy import delete
from sqlalchemy.orm import Session


def guarded_delete(
    session: Session,
    gate: reprieve.Gate,
    request: Mapping[str, Any],
    rows: Any,  # a `select(…)`
    model: Any,
    size: int = 500,
) -> int:
    """Deletes the rows that a query selects, if the gate allows it. Returns their number.

    The query selects the fields of a target: `id` (the primary key of `model`), and `kind`, `tenant` and so on as far as they
    are known. The rows stay locked until the end of the transaction where the database knows `FOR UPDATE`.

    Raises:
        reprieve.NotAllowed: the batch must not run. Nothing was deleted.
    """
    targets = [dict(row) for row in session.execute(rows.with_for_update()).mappings()]
    keys = {str(target["id"]): target["id"] for target in targets}
    if len(keys) < len(targets):
        raise ValueError("the query returns a row more than once")
    with gate.vet(request, targets=targets) as permit:
        for ids in permit.batches(size):
            found = session.execute(delete(model).where(model.id.in_([keys[id] for id in ids])))
            permit.deleted(found.rowcount)  # type: ignore[attr-defined]
        session.commit()
    return permit.deleted_so_far or 0
