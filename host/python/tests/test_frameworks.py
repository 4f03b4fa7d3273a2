"""The examples for Dagster, Prefect, Celery with S3, and Django, each with the real framework."""
# Dagster does not know annotations that are text, so there is no `from __future__ import annotations`.

import importlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest
import reprieve
from conftest import ROOT, outcomes, request_of
from moto import mock_aws

sys.path.append(str(ROOT / "examples" / "python"))
import celery_s3_guard  # noqa: E402
import dagster_guard  # noqa: E402

TARGETS = [{"id": f"app-{number}", "kind": "app", "tenant": "t"} for number in range(5)]


def request(id: str = "old-apps", **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**request_of(0, id), **changes}.items() if name != "targets"}


class Place:
    """A folder with a policy set and a ledger, and what was deleted."""

    def __init__(self, folder: Path) -> None:
        self.config, self.ledger = folder / "reprieve.toml", folder / "ledger.db"
        self.config.write_text('ledger = "ledger.db"\n[[policy]]\nuse = "builtin:mode"\n')
        reprieve.create_ledger(self.ledger)
        self.deleted: list[str] = []

    def delete(self, ids: list[str]) -> int:
        self.deleted += ids
        return len(ids)

    def break_the_ledger(self) -> None:
        self.ledger.unlink()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_dagster(place: Place) -> None:
    tries: list[int] = []

    @dg.asset
    def old_apps() -> list[dict[str, Any]]:
        return TARGETS

    def job_of(claims: dict[str, Any]) -> dg.JobDefinition:
        @dg.op(retry_policy=dg.RetryPolicy(max_retries=2))
        def delete_apps(context: dg.OpExecutionContext, gate: dagster_guard.ReprieveGate, rows: list[dict[str, Any]]) -> int:
            tries.append(context.retry_number)
            return dagster_guard.guarded_delete(context, gate, claims, rows, place.delete, size=2)

        @dg.op
        def listed() -> list[dict[str, Any]]:
            return TARGETS

        @dg.job(resource_defs={"gate": dagster_guard.ReprieveGate(config=str(place.config))})
        def job() -> None:
            delete_apps(listed())

        return job

    with dg.DagsterInstance.ephemeral() as instance:
        run = job_of(request()).execute_in_process(instance=instance)
        assert run.output_for_node("delete_apps") == 5 and place.deleted == [row["id"] for row in TARGETS]
        tries.clear()
        denied = job_of(request(mode="hard")).execute_in_process(instance=instance, raise_on_error=False)
        assert not denied.success and tries == [0]
        failure = denied.failure_data_for_node("delete_apps")
        assert failure and "mode/soft-delete-first" in str(failure.user_failure_data)
        assert [state for state, _ in outcomes(place.ledger)] == ["committed", "none"]
        tries.clear()
        place.break_the_ledger()
        undecided = job_of(request()).execute_in_process(instance=instance, raise_on_error=False)
        assert not undecided.success and tries == [0, 1, 2]
    assert len(place.deleted) == 5 and dg.materialize([old_apps]).success


@pytest.fixture
def prefect_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


def test_prefect(place: Place, prefect_server: None) -> None:
    import prefect_guard
    from prefect import flow

    seen: list[Any] = []

    class Unreachable:
        def __call__(self, config: str) -> reprieve.Gate:
            seen.append(config)
            return reprieve.Gate(["mode"], inventory=self)

        def records(self, ids: list[str]) -> Any:
            raise ConnectionError("the service is down")

        def population(self, kinds: list[str]) -> dict[str, int]:
            return {}

        def tenants(self) -> int:
            return 0

    guard = prefect_guard.guarded_delete.with_options(retry_delay_seconds=0)

    @flow
    def old_apps(claims: dict[str, Any]) -> int:
        deleted: int = guard(str(place.config), claims, TARGETS, place.delete, 2)
        return deleted

    assert old_apps(request()) == 5 and place.deleted == [row["id"] for row in TARGETS]
    with pytest.raises(reprieve.Denied):
        old_apps(request(mode="hard"))
    assert [state for state, _ in outcomes(place.ledger)] == ["committed", "none"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reprieve.Gate, "from_config", Unreachable())
        with pytest.raises(reprieve.Undecided):
            old_apps(request())
    assert len(seen) == 4 and len(place.deleted) == 5


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="app-logs")
        for number in range(1500):
            s3.put_object(Bucket="app-logs", Key=f"2025/é {number}.gz", Body=b"x")
        s3.put_object(Bucket="app-logs", Key="2026/new.gz", Body=b"x")
        yield s3


def test_celery_and_s3(place: Place, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import celery
    from celery.contrib.testing.worker import start_worker

    app = celery.Celery("test", broker="memory://", backend="cache+memory://")
    app.set_default()
    guarded_delete = app.tasks[celery_s3_guard.guarded_delete.name]
    claims = request(target_kind="s3-object")

    def kept() -> int:
        return sum(page["KeyCount"] for page in bucket.get_paginator("list_objects_v2").paginate(Bucket="app-logs"))

    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30):
        with pytest.raises(Exception, match="Denied.*mode/soft-delete-first"):
            guarded_delete.delay(str(place.config), {**claims, "mode": "hard"}, "app-logs", "2025/").get(timeout=60)
        assert kept() == 1501
        assert guarded_delete.delay(str(place.config), claims, "app-logs", "2025/").get(timeout=60) == 1500
    assert kept() == 1 and outcomes(place.ledger) == [("none", None), ("committed", 1500)]

    # S3 answers for each key.
    class Locked:
        def __getattr__(self, name: str) -> Any:
            return getattr(bucket, name)

        def delete_objects(self, **_: Any) -> dict[str, Any]:
            return {"Errors": [{"Key": "2026/new.gz", "Code": "AccessDenied"}]}

    monkeypatch.setattr(boto3, "client", lambda _: Locked())
    with pytest.raises(RuntimeError, match="2026/new.gz: AccessDenied"):
        guarded_delete(str(place.config), claims, "app-logs", "2026/")
    assert outcomes(place.ledger)[-1] == ("committed", 0)


SHOP = """
from django.db import models

class Customer(models.Model):
    pass

class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE)
    closed = models.BooleanField(default=False)

class Line(models.Model):
    order = models.ForeignKey(Order, models.CASCADE)
"""


def test_django(recording: tuple[reprieve.Gate, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import django
    from django.conf import settings

    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "models.py").write_text(SHOP)
    monkeypatch.syspath_prepend(tmp_path)
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["shop"],
    )
    django.setup()
    from django.db import connection, models, transaction
    from django_guard import guarded_delete

    shop = importlib.import_module("shop.models")
    Customer, Order, Line = shop.Customer, shop.Order, shop.Line
    with connection.schema_editor() as editor:
        for model in (Customer, Order, Line):
            editor.create_model(model)
    customer = Customer.objects.create()
    for number in range(10):
        order = Order.objects.create(customer=customer, closed=number < 4)
        Line.objects.create(order=order)
    gate, ledger = recording
    claims = request(target_kinds={"shop.order": None, "shop.line": None})
    del claims["target_kind"]
    closed = Order.objects.filter(closed=True)

    def left() -> tuple[int, int]:
        return Order.objects.count(), Line.objects.count()

    # The rows of cascades are vetted as well.
    with pytest.raises(reprieve.NotAllowed), guarded_delete(closed, reprieve.Gate([]), claims):
        closed.delete()
    assert left() == (10, 10) and outcomes(ledger) == []
    # Nothing else goes.
    with pytest.raises(reprieve.PermitError, match=r"shop\.line:5 was not vetted"), guarded_delete(closed, gate, claims):
        closed.delete()
        Order.objects.filter(pk=5).delete()
    assert left() == (10, 10) and outcomes(ledger) == [("aborted", None)]
    # Another thread is left alone, and an error in the block releases the batch.
    with pytest.raises(ZeroDivisionError), guarded_delete(closed, gate, claims, tenant="customer_id"):
        thread = threading.Thread(target=lambda: models.signals.pre_delete.send(Order, instance=Order(pk=5)))
        thread.start()
        thread.join()
        print(1 // 0)
    with guarded_delete(closed, gate, claims, tenant="customer_id") as permit:
        assert len(permit) == 8
        closed.delete()
    assert left() == (6, 6) and permit.state == "committed"
    # An outer transaction decides.
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        with guarded_delete(Order.objects.filter(pk=5), gate, claims) as permit:
            Order.objects.filter(pk=5).delete()
        print(1 // 0)
    assert left() == (6, 6) and permit.state == "open"
    assert outcomes(ledger) == [("aborted", None), ("aborted", None), ("committed", 8), ("open", None)]
    permit.abort("the outer transaction was rolled back")
    assert not models.signals.pre_delete.has_listeners(Order)
    connection.close()
