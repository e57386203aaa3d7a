"""Use case: a fitted pipeline as a portable bundle, one JSON document that predicts the same without Spark.

The document is described by model-bundle.schema.json; sparklab.bundle and functions/scoring-api read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from pyspark.ml import PipelineModel
from pyspark.ml.classification import RandomForestClassificationModel
from pyspark.ml.feature import OneHotEncoderModel, StringIndexerModel, VectorAssembler
from pyspark.sql import Row

from sparklab.customers_csv import INTERNET_SERVICES
from sparklab.fitted_trees import fitted_trees
from sparklab.schemas import CHURN_LABELS

FORMAT = "sparklab-model-bundle"
FORMAT_VERSION = 1
STAGES = (StringIndexerModel, OneHotEncoderModel, VectorAssembler, RandomForestClassificationModel)
BLANKS = {"total_charges": 0.0}
"""What a blank amount stands for: a customer of the first month has not been charged yet. The others have no blank."""


def export_bundle(model: PipelineModel, tracked: Row) -> dict[str, object]:
    """Describe everything that a prediction depends on; `tracked` is the model's row of the model asset tracker."""
    indexer, encoder, assembler, forest = _stages(model)
    inputs = list(_inputs(indexer, encoder, assembler))
    slots = sum(len(entry.get("categories", [""])) for entry in inputs)
    if slots != forest.numFeatures or forest.numClasses != len(CHURN_LABELS):
        raise ValueError(
            f"model {tracked.model_version}: got a forest over {forest.numFeatures} slots and {forest.numClasses}"
            f" classes; expected {slots} slots, as its encoding has, and {len(CHURN_LABELS)} classes."
        )
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "model": {
            "name": tracked.model_nm,
            "version": tracked.model_version,
            "operation": tracked.operation,
            "pipeline_id": tracked.pipeline_id,
            "gcs_uri": tracked.model_gcs_uri,
        },
        "classes": list(CHURN_LABELS),
        "inputs": inputs,
        "slots": slots,
        "trees": [asdict(tree) for tree in fitted_trees(forest)],
    }


def _stages(model: PipelineModel) -> tuple[StringIndexerModel, OneHotEncoderModel, VectorAssembler, object]:
    if tuple(type(stage) for stage in model.stages) != STAGES:
        got = ", ".join(type(stage).__name__ for stage in model.stages)
        raise ValueError(f"fitted pipeline: got stages {got}; expected {', '.join(s.__name__ for s in STAGES)}.")
    indexer, encoder, _, forest = model.stages
    options = (
        indexer.getHandleInvalid(),
        encoder.getHandleInvalid(),
        encoder.getDropLast(),
        forest.getOrDefault("thresholds") if forest.isDefined("thresholds") else None,
    )
    if options != ("keep", "error", True, None):
        raise ValueError(
            f"fitted pipeline: got (handleInvalid of indexer and encoder, dropLast, thresholds) {options};"
            " expected ('keep', 'error', True, None), under which an unseen category sets no slot."
        )
    return tuple(model.stages)


def _inputs(
    indexer: StringIndexerModel, encoder: OneHotEncoderModel, assembler: VectorAssembler
) -> Iterator[Mapping[str, object]]:
    """Give each input in the order of the assembled vector, with its first slot."""
    indexed = dict(
        zip(indexer.getOutputCols(), zip(indexer.getInputCols(), indexer.labelsArray, strict=True), strict=True)
    )
    encoded = dict(zip(encoder.getOutputCols(), encoder.getInputCols(), strict=True))
    slot = 0
    for column in assembler.getInputCols():
        if column not in encoded:
            yield {"name": column, "kind": "amount", "slot": slot, **_blank(column)}
            slot += 1
            continue
        name, labels = indexed[encoded[column]]
        same_as = {"No internet service": "No"} if name in INTERNET_SERVICES else {}
        yield {
            "name": name,
            "kind": "category",
            "slot": slot,
            "categories": list(labels),
            "same_as": same_as,
            "unseen": "no slot",
        }
        slot += len(labels)


def _blank(column: str) -> dict[str, float]:
    return {"blank": BLANKS[column]} if column in BLANKS else {}
