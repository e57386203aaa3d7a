"""Runs one step of a pipeline: brings its input files, runs its module unchanged, takes its output files away.

Usage: python pipeline_step.py FOLDER

`step.json` says what to run. `gs://` artifacts lie under FOLDER/gcs while the step runs, where Vertex AI mounts them as
/gcs. `result.json`, written last, has the step's outputs as standard JSON.
"""

from __future__ import annotations

import json
import math
import os
import runpy
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

EXECUTOR = "kfp.dsl.executor_main"
LAUNCHERS = "google_cloud_pipeline_components.container.v1"
# The launchers look at what they have started every 20 seconds, a pause made for batches that take many minutes. It is
# a variable of each of these modules, read at every look; here it is set to one second, in this process alone.
POLLING = {
    f"{LAUNCHERS}.dataproc.utils.dataproc_util": "_POLL_INTERVAL_SECONDS",
    f"{LAUNCHERS}.gcp_launcher.lro_remote_runner": "_POLLING_INTERVAL_IN_SECONDS",
    f"{LAUNCHERS}.gcp_launcher.job_remote_runner": "_POLLING_INTERVAL_IN_SECONDS",
    f"{LAUNCHERS}.bigquery.utils.bigquery_util": "_POLLING_INTERVAL_IN_SECONDS",
    f"{LAUNCHERS}.wait_gcp_resources.remote_runner": "_POLLING_INTERVAL_IN_SECONDS",
}
POLL_SECONDS = 1


def main(folder: Path) -> None:
    """Run the step; an exception or exit code of its module is this process's own."""
    step = json.loads((folder / "step.json").read_text(encoding="utf-8"))
    inputs, outputs = step["executorInput"]["inputs"], step["executorInput"]["outputs"]
    mount = folder / "gcs"
    for uri in uris(inputs):
        download(uri, mount)
    for uri in uris(outputs):
        local(uri, mount).parent.mkdir(parents=True, exist_ok=True)
    sys.argv = [step["module"], *step["args"]]
    prepare(step["module"], mount)
    try:
        runpy.run_module(step["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code:
            raise
    for uri in uris(outputs):
        upload(uri, mount)
    record(folder / "result.json", result(outputs))


def prepare(module: str, mount: Path) -> None:
    """Tell the executor where files of buckets lie; let launchers look every second."""
    if module == EXECUTOR:
        # As the step's own command does: it keeps kfp from importing what only compiling needs.
        os.environ["_KFP_RUNTIME"] = "true"
        types = import_module("kfp.dsl.types.artifact_types")
        types._GCS_LOCAL_MOUNT_PREFIX = f"{mount}/"
        return
    import_module(module)
    for name, variable in POLLING.items():
        if name in sys.modules:
            setattr(sys.modules[name], variable, POLL_SECONDS)
    # run_module runs it anew; what it imports stays.
    del sys.modules[module]


def uris(values: dict) -> Iterator[str]:
    """Give the addresses of artifacts in buckets."""
    for artifacts in values.get("artifacts", {}).values():
        for artifact in artifacts["artifacts"]:
            if artifact["uri"].startswith("gs://"):
                yield artifact["uri"]


def local(uri: str, mount: Path) -> Path:
    """Give the place of an object while the step runs."""
    path = (mount / uri.removeprefix("gs://")).resolve()
    if not path.is_relative_to(mount.resolve()):
        raise ValueError(f"artifact {uri}: leads out of its bucket")
    return path


def bucket_of(uri: str) -> tuple:
    """Give the bucket, and the name in it."""
    from google.cloud import storage

    bucket, _, name = uri.removeprefix("gs://").partition("/")
    return storage.Client().bucket(bucket), name


def download(uri: str, mount: Path) -> None:
    """Bring an object, or all objects of a folder; one that is not there is the step's own matter."""
    bucket, name = bucket_of(uri)
    exact = bucket.get_blob(name) if name and not name.endswith("/") else None
    folder = f"{name.rstrip('/')}/" if name else ""
    for blob in [exact] if exact else bucket.list_blobs(prefix=folder):
        if not blob.name.endswith("/"):
            place = local(f"gs://{bucket.name}/{blob.name}", mount)
            place.parent.mkdir(parents=True, exist_ok=True)
            blob.download_to_filename(str(place))


def upload(uri: str, mount: Path) -> None:
    """Take away the file, or the files of the folder, that the step wrote for an artifact."""
    place = local(uri, mount)
    files = [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.is_file())
    if not files:
        return
    bucket, name = bucket_of(uri)
    for file in files:
        inner = "" if file == place else f"/{file.relative_to(place).as_posix()}"
        bucket.blob(f"{name}{inner}").upload_from_filename(str(file))


def result(outputs: dict) -> dict:
    """Give parameters and artifacts as the step wrote them: to its output file, or to a file for each parameter."""
    file = Path(outputs["outputFile"])
    written = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    texts = {
        name: Path(place["outputFile"]).read_text(encoding="utf-8")
        for name, place in outputs.get("parameters", {}).items()
        if Path(place["outputFile"]).exists()
    }
    values = written.get("parameterValues", {})
    return {"texts": texts, "values": standard(values), "artifacts": standard(written.get("artifacts", {}))}


def standard(value: object) -> object:
    """Give a value that every JSON parser takes: infinite numbers as protobuf writes them in JSON."""
    if isinstance(value, dict):
        return {key: standard(item) for key, item in value.items()}
    if isinstance(value, list):
        return [standard(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def record(file: Path, content: dict) -> None:
    """Write whole or not at all, and durably."""
    draft = file.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, allow_nan=False)
        stream.flush()
        os.fsync(stream.fileno())
    draft.rename(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
