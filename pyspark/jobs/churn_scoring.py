"""Predicts churn, with its probability, for the customers that a model's training held out."""

from sparklab.args import dataset, gcs_uri, model_version, read_arguments, run_id, timestamp
from sparklab.features import AMOUNTS, CATEGORIES
from sparklab.io import load_model, read_rows, write_rows_once
from sparklab.quality import bounds_of, candidate_expectations, expect, population_stability, prediction_expectations
from sparklab.schemas import contract
from sparklab.scoring import score_customers, tracked_model
from sparklab.spark import start_session


def main() -> None:
    args = read_arguments(
        __doc__,
        dataset=dataset,
        staging=gcs_uri,
        pipeline_id=run_id,
        model_version=model_version,
        execution_time=timestamp,
    )
    spark = start_session("churn_scoring")

    tracker = read_rows(spark, f"{args.dataset}.model_asset_tracker", model_version=args.model_version)
    model = tracked_model(tracker, args.model_version)
    # The candidates of the pipeline that trained the model: no others are sure to be unknown to it.
    candidates = read_rows(spark, f"{args.dataset}.batch_scoring_candidates", pipeline_id=model.pipeline_id).cache()
    expect(candidates, f"batch_scoring_candidates of run {model.pipeline_id}", candidate_expectations())
    predictions = score_customers(candidates, load_model(model.model_gcs_uri), args.lineage)
    expect(predictions.cache(), "the predictions", prediction_expectations())
    write_rows_once(predictions, f"{args.dataset}.batch_predictions", args.lineage, args.staging)

    # Whether those who are scored are still like those whom the model has learned from.
    learned = read_rows(spark, f"{args.dataset}.training_data", pipeline_id=model.pipeline_id, scoring_candidate=False)
    features = bounds_of(learned.cache(), AMOUNTS) | dict.fromkeys(CATEGORIES, ())
    stability = population_stability(learned, candidates, features)
    stability = contract(stability, "population_stability", args.lineage)
    write_rows_once(stability, f"{args.dataset}.population_stability", args.lineage, args.staging)


if __name__ == "__main__":
    main()
