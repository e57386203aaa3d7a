"""Where exported models lie, and the pointer to the one that answers online (champion.schema.json describes it).

Below the folder of a model, gs://<bundles bucket>/customer-churn-model:

    <model version>/bundle.json    written once by churn_export; nothing else is in a version's folder
    champion.json                  the pointer, replaced as one object under a generation precondition
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

POINTER = "champion.json"


def bundle_uri(folder: str, version: str) -> str:
    """Give the place of a version's bundle; its folder is what a model registry takes as the model's artifacts."""
    return f"{folder}/{version}/bundle.json"


def champion_pointer(
    folder: str,
    version: str,
    *,
    pipeline_id: str,
    pipeline_job: str,
    set_at: datetime,
    area_prc: float | None = None,
    model: str = "",
) -> str:
    """Give the text of the pointer that makes a version the champion; equal arguments give equal bytes."""
    pointer: Mapping[str, object] = {
        "version": version,
        "bundle": bundle_uri(folder, version),
        "pipelineId": pipeline_id,
        "pipelineJob": pipeline_job,
        "setAt": set_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **({"areaPrc": area_prc} if area_prc is not None else {}),
        **({"model": model} if model else {}),
    }
    return json.dumps(pointer, indent=1) + "\n"
