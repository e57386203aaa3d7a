"""The pipeline's own step: turns the metrics that a training batch wrote into what Vertex AI shows and the gate reads.

A lightweight component carries its source with it, so everything that it uses is inside its function.
"""

from kfp import dsl

BASE_IMAGE = "python:3.11"


@dsl.component(base_image=BASE_IMAGE)
def evaluate_model(
    metrics: dsl.Input[dsl.Artifact],
    scalars: dsl.Output[dsl.Metrics],
    curves: dsl.Output[dsl.ClassificationMetrics],
    prefix: str = "",
) -> float:
    """Give the area under the precision-recall curve; log the six metrics, ROC and confusion matrix as artifacts.

    `prefix` sets the metrics of a second model apart: a run is one line of its experiment.
    """
    import json
    from pathlib import Path

    points = 100
    names = ("area_roc", "area_prc", "accuracy", "f1", "precision", "recall")
    document = json.loads(Path(metrics.path).read_text(encoding="utf-8"))
    expected = [*(f"test_{name}" for name in names), "confusion_matrix", "true", "score"]
    if missing := [name for name in expected if name not in document]:
        raise ValueError(f"{metrics.uri}: got no {', '.join(missing)}; expected the full metrics of a training batch.")

    for name in names:
        scalars.log_metric(f"{prefix}{name}", document[f"test_{name}"])

    # The labels stand in the order of the matrix's rows and columns.
    matrix = document["confusion_matrix"]
    curves.log_confusion_matrix(matrix["labels"], matrix["actual_by_predicted"])

    scored = sorted(zip(document["score"], document["true"], strict=True), reverse=True)
    churned = sum(true for _, true in scored)
    curve, found = [(0.0, 0.0, 1.0)], 0.0
    for position, (score, true) in enumerate(scored, start=1):
        found += true
        # Equal scores are one point of the curve: no threshold stands between them.
        if position == len(scored) or scored[position][0] < score:
            curve.append(((position - found) / (len(scored) - churned), found / churned, score))
    step = max(1, len(curve) // points)
    shown = curve[::step] if curve[-1] in curve[::step] else [*curve[::step], curve[-1]]
    false_rates, true_rates, thresholds = (list(column) for column in zip(*shown, strict=True))
    curves.log_roc_curve(false_rates, true_rates, thresholds)

    return document["test_area_prc"]
