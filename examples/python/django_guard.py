"""A guard for Django: what a block may delete is vetted, with everything that goes along by cascades, and nothing else goes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import reprieve
from django.db import transaction
from django.db.models import Model, QuerySet
from django.db.models.deletion import Collector
from django.db.models.signals import post_delete, pre_delete


def target_id(instance: Model) -> str:
    """The id of a row as a target: `shop.order:7`."""
    return f"{instance._meta.label_lower}:{instance.pk}"


@contextmanager
def guarded_delete(
    queryset: QuerySet[Any], gate: reprieve.Gate, request: Mapping[str, Any], tenant: str | None = None
) -> Iterator[reprieve.Permit]:
    """Allows a block to delete the rows of a queryset, if the gate allows it:

        with guarded_delete(Order.objects.filter(closed=True), gate, request, tenant="customer_id"):
            Order.objects.filter(closed=True).delete()

    The rows are locked. Each is a target of the kind `app.model`, and so is each row that Django deletes along with it. A row that
    is deleted in the block and was not vetted is an error. An error in the block rolls it back, and releases the batch.

    Raises:
        reprieve.NotAllowed: the batch must not run. Nothing was deleted.
        reprieve.PermitError: the block deletes something else. Nothing was deleted.
    """
    here, vetted, deleted = threading.get_ident(), set[str](), set[str]()

    def check(instance: Model, **_: Any) -> None:
        if threading.get_ident() == here and target_id(instance) not in vetted:
            raise reprieve.PermitError(f"{target_id(instance)} was not vetted", help="delete what the queryset selects")

    def count(instance: Model, **_: Any) -> None:
        if threading.get_ident() == here:
            deleted.add(target_id(instance))

    # Django deletes rows one by one, and collects those of cascades, only where something listens.
    pre_delete.connect(check, weak=False)
    post_delete.connect(count, weak=False)
    try:
        with transaction.atomic(using=queryset.db):
            collector = Collector(using=queryset.db, origin=queryset)
            collector.collect(queryset.select_for_update())
            rows = [row for instances in collector.data.values() for row in instances]
            targets = [
                {"id": target_id(row), "kind": row._meta.label_lower, "tenant": _text(getattr(row, tenant or "", None))}
                for row in rows
            ]
            permit = gate.vet(request, targets=targets)
            vetted.update(permit)
            try:
                yield permit
            except BaseException as error:
                permit.abort(f"rolled back: {type(error).__name__}")
                raise
            # The outcome is recorded when the outermost transaction ends. If that fails, the batch stays open, and counts.
            transaction.on_commit(lambda: permit.commit(len(deleted)), using=queryset.db)
    finally:
        pre_delete.disconnect(check)
        post_delete.disconnect(count)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
