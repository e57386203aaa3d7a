"""Exports a tracked model as a portable bundle, which predicts the same without Spark."""

from sparklab.args import bundle_format, dataset, gcs_uri, model_version, read_arguments, run_id, timestamp
from sparklab.champion import bundle_uri
from sparklab.exporting import export_bundle
from sparklab.io import load_model, read_rows, write_json_once
from sparklab.scoring import tracked_model
from sparklab.spark import start_session


def main() -> None:
    args = read_arguments(
        __doc__,
        dataset=dataset,
        bundles=gcs_uri,
        format=bundle_format,
        pipeline_id=run_id,
        model_version=model_version,
        execution_time=timestamp,
    )
    spark = start_session("churn_export")

    tracker = read_rows(spark, f"{args.dataset}.model_asset_tracker", model_version=args.model_version)
    tracked = tracked_model(tracker, args.model_version)
    bundle = export_bundle(load_model(tracked.model_gcs_uri), tracked)
    write_json_once(spark, bundle_uri(args.bundles, args.model_version), bundle)


if __name__ == "__main__":
    main()
