"""Data sets and models of google-cloud-aiplatform, unmodified.

Usage: python registry.py BUCKET
"""

import sys

from google.api_core.exceptions import NotFound
from google.cloud import aiplatform

(bucket,) = sys.argv[1:]


def registers_a_table() -> None:
    table = "bq://sparklab-local.churn.training_data"
    made = aiplatform.TabularDataset.create(display_name="customers", bq_source=table)
    assert (
        aiplatform.TabularDataset(made.resource_name).gca_resource.metadata["inputConfig"]["bigquerySource"]["uri"]
        == table
    )
    assert [found.name for found in aiplatform.TabularDataset.list(filter='display_name="customers"')] == [made.name]
    made.delete()
    assert aiplatform.TabularDataset.list() == []


def keeps_versions_with_aliases() -> None:
    given = {
        "display_name": "churn",
        "artifact_uri": f"gs://{bucket}/model",
        "serving_container_image_uri": "lab/scoring-api:1",
    }
    first = aiplatform.Model.upload(**given, version_aliases=["champion"])
    assert (first.version_id, sorted(first.version_aliases)) == ("1", ["champion", "default"])
    second = aiplatform.Model.upload(
        **given, parent_model=first.resource_name, is_default_version=False, version_aliases=["challenger"]
    )
    assert (second.version_id, list(second.version_aliases)) == ("2", ["challenger"])
    registry = aiplatform.models.ModelRegistry(first.resource_name)
    assert [version.version_id for version in registry.list_versions()] == ["1", "2"]
    registry.add_version_aliases(["champion"], "2")
    assert aiplatform.Model(first.resource_name, version="champion").version_id == "2"
    assert aiplatform.Model(first.resource_name).version_id == "1"
    registry.remove_version_aliases(["challenger"], "2")
    first.update(display_name="renamed", labels={"stage": "test"})
    assert [model.display_name for model in aiplatform.Model.list()] == ["renamed"]


def deletes() -> None:
    (model,) = aiplatform.Model.list()
    registry = aiplatform.models.ModelRegistry(model.resource_name)
    registry.delete_version("2")
    model.delete()
    try:
        aiplatform.Model(model.resource_name)
    except NotFound:
        return
    raise AssertionError("a deleted model was found")


aiplatform.init(project="sparklab-local", location="us-central1")
for check in (registers_a_table, keeps_versions_with_aliases, deletes):
    check()
    print(check.__name__, flush=True)
