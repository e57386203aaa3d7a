"""The pointer to the champion: what its schema describes, byte for byte the same for the same promotion."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone

from conftest import PYSPARK
from sparklab.champion import POINTER, champion_pointer

FOLDER = "gs://lab-bundles/customer-churn-model"
SCHEMA = json.loads((PYSPARK / "champion.schema.json").read_text(encoding="utf-8"))
PROMOTION = {"pipeline_id": "run-1", "pipeline_job": "projects/1/locations/us-central1/pipelineJobs/run-1"}
NINE = datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_the_pointer_names_the_bundle_of_its_version_and_who_promoted_it() -> None:
    assert json.loads(champion_pointer(FOLDER, "model-1", **PROMOTION, set_at=NINE)) == {
        "version": "model-1",
        "bundle": f"{FOLDER}/model-1/bundle.json",
        "pipelineId": "run-1",
        "pipelineJob": "projects/1/locations/us-central1/pipelineJobs/run-1",
        "setAt": "2026-11-21T09:00:00Z",
    }
    assert POINTER == "champion.json"


def test_the_pointer_is_what_its_schema_describes() -> None:
    registered = "projects/1/locations/us-central1/models/2@3"
    pointer = json.loads(champion_pointer(FOLDER, "model-1", **PROMOTION, set_at=NINE, area_prc=0.66, model=registered))
    assert pointer.keys() == SCHEMA["properties"].keys()
    for name, rule in SCHEMA["properties"].items():
        if rule["type"] == "number":
            assert isinstance(pointer[name], float), name
            continue
        assert re.search(rule.get("pattern", ""), pointer[name]), name
        assert len(pointer[name]) >= rule.get("minLength", 0), name
    assert SCHEMA["required"] == [name for name in SCHEMA["properties"] if name not in ("areaPrc", "model")]


def test_the_same_moment_in_another_zone_gives_the_same_bytes() -> None:
    tokyo = NINE.astimezone(timezone(timedelta(hours=9)))
    texts = {champion_pointer(FOLDER, "model-1", **PROMOTION, set_at=moment) for moment in (NINE, tokyo)}
    assert len(texts) == 1
