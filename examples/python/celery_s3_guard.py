"""A guard for Celery and S3: a task that lists objects, vets the list, and deletes exactly what was vetted."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import boto3
import reprieve
from celery import shared_task


@cache
def _gate(config: str, process: int) -> reprieve.Gate:
    return reprieve.Gate.from_config(config)


def listed(s3: Any, bucket: str, prefix: str) -> list[dict[str, Any]]:
    """The objects below a prefix as targets."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [
        {"id": entry["Key"], "kind": "s3-object", "size_bytes": entry["Size"], "created_at": entry["LastModified"]}
        for page in pages
        for entry in page.get("Contents", [])
    ]


@shared_task(
    autoretry_for=(reprieve.Undecided,), retry_backoff=60, max_retries=5, acks_late=False, throws=(reprieve.Denied,)
)
def guarded_delete(config: str, request: dict[str, Any], bucket: str, prefix: str) -> int:
    """Deletes the objects below a prefix, if the gate allows it. Returns their number.

    Raises:
        reprieve.NotAllowed: the batch must not run. Nothing was deleted.
        RuntimeError: S3 kept some objects. Those that it deleted are recorded.
    """
    s3 = boto3.client("s3")
    gate = _gate(config, os.getpid())  # a gate does not cross a fork, and not every pool has `worker_process_init`
    with gate.vet(request, targets=listed(s3, bucket, prefix)) as permit:
        kept: list[str] = []
        for keys in permit.batches(1000):  # the maximum of a call
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
            permit.deleted(len(answer.get("Deleted", [])))
            kept += [f"{error['Key']}: {error['Code']}" for error in answer.get("Errors", [])]
        if kept:
            permit.commit(succeeded=False, note=f"S3 kept {len(kept)} objects")
            raise RuntimeError(f"S3 kept {len(kept)} objects: {', '.join(kept[:5])}")
    return permit.deleted_so_far or 0
