"""Use case: predict who of the customers held out of training will leave."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, Row

from sparklab.schemas import contract


def tracked_model(tracker: DataFrame, model_version: str) -> Row:
    """Give the tracker's one row for a model version."""
    rows = tracker.where(tracker.model_version == model_version).collect()
    if len(rows) != 1:
        raise ValueError(
            f"model_asset_tracker: got {len(rows)} rows for model version {model_version!r}; expected exactly one."
            " Run churn_training with that model version first."
        )
    return rows[0]


def score_customers(candidates: DataFrame, model: PipelineModel, lineage: Mapping[str, object]) -> DataFrame:
    """Predict churn for each candidate: the class, and its probability."""
    if candidates.isEmpty():
        raise ValueError(
            "batch_scoring_candidates: got no customer of the pipeline that trained the model; expected those that it"
            " held out. Run churn_preprocessing with that pipeline id first."
        )
    scored = model.transform(candidates).withColumn("probability", vector_to_array("probability")[1])
    return contract(scored, "batch_predictions", lineage)
