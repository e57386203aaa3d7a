"""A tour of google-cloud-storage with production host names; every step asserts, its name is printed when it holds."""

import io
import sys
from collections.abc import Callable

from google.api_core.exceptions import Conflict, NotFound, PreconditionFailed
from google.cloud import storage

client = storage.Client()
bucket = client.bucket("sparklab-python")
MIB = 1024 * 1024


def creates_a_bucket() -> None:
    bucket.iam_configuration.uniform_bucket_level_access_enabled = True
    bucket.storage_class = "NEARLINE"
    bucket.labels = {"a": "b"}
    client.create_bucket(bucket, location="us-central1")
    assert [b.name for b in client.list_buckets(prefix="sparklab-python")] == ["sparklab-python"]
    try:
        client.create_bucket("sparklab-python")
        raise AssertionError("expected a conflict")
    except Conflict:
        pass
    bucket.add_lifecycle_delete_rule(age=30)
    bucket.patch()
    found = client.get_bucket("sparklab-python")
    assert (found.storage_class, found.location, next(iter(found.lifecycle_rules))["condition"]) == (
        "NEARLINE",
        "US-CENTRAL1",
        {"age": 30},
    )


def uploads_and_downloads() -> None:
    blob = bucket.blob("dir/ü.txt")
    blob.metadata = {"k": "v"}
    blob.upload_from_string("hello world", content_type="text/plain", checksum="md5")
    assert blob.download_as_bytes() == b"hello world"
    assert blob.download_as_bytes(start=6, end=8) == b"wor"
    found = bucket.get_blob("dir/ü.txt")
    assert found is not None
    assert (found.size, found.metadata, found.content_type) == (11, {"k": "v"}, "text/plain")
    assert bucket.get_blob("none") is None


def uploads_in_chunks() -> None:
    data = bytes(range(256)) * 4096 * 2 + b"tail"
    blob = bucket.blob("chunks", chunk_size=MIB)
    blob.upload_from_file(io.BytesIO(data), size=len(data), checksum="crc32c")
    target = io.BytesIO()
    blob.download_to_file(target)
    assert target.getvalue() == data
    with bucket.blob("written").open("wb", chunk_size=256 * 1024) as sink:
        sink.write(data)
    with bucket.blob("written").open("rb") as source:
        assert source.read() == data


def holds_preconditions() -> None:
    blob = bucket.blob("once")
    blob.upload_from_string("1", if_generation_match=0)
    for work in (
        lambda: blob.upload_from_string("2", if_generation_match=0),
        lambda: blob.delete(if_generation_match=1),
        lambda: blob.download_as_bytes(if_metageneration_match=9),
    ):
        try:
            work()
            raise AssertionError("expected 412")
        except PreconditionFailed:
            pass


def lists() -> None:
    for n in range(7):
        bucket.blob(f"list/{n % 2}/{n}").upload_from_string("x")
    assert len(list(client.list_blobs(bucket, prefix="list/", page_size=3))) == 7
    folders = client.list_blobs(bucket, prefix="list/", delimiter="/")
    assert (list(folders), sorted(folders.prefixes)) == ([], ["list/0/", "list/1/"])
    assert [b.name for b in client.list_blobs(bucket, match_glob="list/*/3")] == ["list/1/3"]
    fields = client.list_blobs(bucket, prefix="list/1/", fields="items(name),nextPageToken")
    assert [b.name for b in fields] == ["list/1/1", "list/1/3", "list/1/5"]


def copies_rewrites_composes() -> None:
    source = bucket.blob("dir/ü.txt")
    assert bucket.copy_blob(source, bucket, "copy").download_as_text() == "hello world"
    target = bucket.blob("rewritten")
    target.storage_class = "STANDARD"
    token, done, total = target.rewrite(source)
    assert (token, done, total) == (None, 11, 11)
    bucket.rename_blob(bucket.blob("copy"), "renamed")
    assert not bucket.blob("copy").exists()
    whole = bucket.blob("whole")
    whole.compose([source, bucket.blob("renamed")])
    assert whole.download_as_text() == "hello worldhello world"
    source.update_storage_class("STANDARD")
    assert source.storage_class == "STANDARD"


def batches() -> None:
    with client.batch():
        for n in range(5):
            bucket.blob(f"list/{n % 2}/{n}").delete()
        blob = bucket.blob("renamed")
        blob.metadata = {"batched": "yes"}
        blob.patch()
    assert len(list(client.list_blobs(bucket, prefix="list/"))) == 2
    found = bucket.get_blob("renamed")
    assert found is not None and found.metadata == {"k": "v", "batched": "yes"}
    try:
        with client.batch():
            bucket.blob("none").delete()
        raise AssertionError("expected 404")
    except NotFound:
        pass


def keeps_policies() -> None:
    policy = bucket.get_iam_policy(requested_policy_version=3)
    policy.bindings.append({"role": "roles/storage.objectViewer", "members": {"allAuthenticatedUsers"}})
    bucket.set_iam_policy(policy)
    roles = {binding["role"] for binding in bucket.get_iam_policy(requested_policy_version=3).bindings}
    assert {"roles/storage.objectViewer", "roles/storage.legacyBucketOwner"} <= roles
    assert bucket.test_iam_permissions(["storage.objects.get"]) == ["storage.objects.get"]


def deletes_the_bucket() -> None:
    try:
        bucket.delete()
        raise AssertionError("expected a conflict")
    except Conflict:
        pass
    bucket.delete(force=True)
    assert not bucket.exists()


STEPS: list[Callable[[], None]] = [
    creates_a_bucket,
    uploads_and_downloads,
    uploads_in_chunks,
    holds_preconditions,
    lists,
    copies_rewrites_composes,
    batches,
    keeps_policies,
    deletes_the_bucket,
]

if __name__ == "__main__":
    for step in STEPS:
        step()
        sys.stdout.write(f"{step.__name__}\n")
