"""A job's arguments: named, typed, and refused with all their problems at once (exit 2)."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from datetime import datetime

from sparklab.lineage import batch_id, origin

REFUSED_FORMATS = {
    "mleap": (
        "MLeap has no release for Spark 3.5, which this runtime has:"
        " MLeap 0.23 is for Spark 3.4, 0.24 for Spark 4.0, 0.25 for Spark 4.1."
    ),
    "onnx": (
        "ONNX conversion of Spark's forests is wrong (onnxmltools 1.16.0, Spark 3.5.7, onnxruntime 1.31.1):"
        " it refuses this encoding, and with handleInvalid=keep in the encoder probabilities differ by up to 0.41."
    ),
}


def dataset(text: str) -> str:
    """Accept a BigQuery data set with its project, such as my-project.churn."""
    return _matching(text, r"[a-z][a-z0-9-]{4,28}[a-z0-9]\.[A-Za-z0-9_]+", "project.dataset")


def gcs_uri(text: str) -> str:
    """Accept a bucket or an object in Cloud Storage."""
    return _matching(text, r"gs://[a-z0-9][a-z0-9._-]+[a-z0-9](/\S+)?", "gs://bucket or gs://bucket/object")


def run_id(text: str) -> str:
    """Accept a pipeline id or model version, which becomes part of batch ids and object names."""
    return _matching(text, r"[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?", "1 to 42 of a-z, 0-9 and -, no - at an end")


def model_version(text: str) -> str:
    """Accept a model version: that of a run, or with what was done to it, as in 20261121-090000-tuned."""
    return _matching(text, r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "1 to 63 of a-z, 0-9 and -, no - at an end")


def bundle_format(text: str) -> str:
    """Accept the format of an exported model; the others that a reader may ask for are refused with their reason."""
    if text in REFUSED_FORMATS:
        raise ValueError(f"bundle. {REFUSED_FORMATS[text]} docs/adr/0008-model-bundle.md")
    return _matching(text, r"bundle", "bundle")


def search(text: str) -> str:
    """Accept a way of searching settings."""
    return _matching(text, r"full|small|random|optuna", "full, small, random or optuna")


def timestamp(text: str) -> datetime:
    """Accept a point in time with its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise ValueError("a time with its zone, such as 2026-11-21T09:00:00Z")
    return moment


def count(text: str) -> int:
    """Accept a whole number from 1."""
    return int(_matching(text, r"[1-9]\d{0,8}", "a whole number from 1"))


def share(text: str) -> float:
    """Accept a part of the whole, between 0 and 1."""
    return float(_matching(text, r"0\.\d*[1-9]\d*", "a number between 0 and 1, both excluded, such as 0.2"))


def read_arguments(
    description: str | None, argv: Sequence[str] | None = None, **types: Callable[[str], object]
) -> argparse.Namespace:
    """Read `--name value` for each name in `types` (with - for _), all of them required.

    `lineage` of the result holds the columns by which each written row can be traced: pipeline_id, execution time and,
    where the job has one, model_version; the batch, whose id has the name of the job's file; stack and commit.
    """
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    for name, type_ in types.items():
        parser.add_argument(_flag(name), help=(type_.__doc__ or "").removeprefix("Accept "))
    args, unknown = parser.parse_known_args(argv)
    problems = [f"{text}: not an argument of this job" for text in unknown]
    for name, type_ in types.items():
        text = getattr(args, name)
        try:
            setattr(args, name, None if text is None else type_(text))
        except ValueError as expected:
            problems.append(f"{_flag(name)}: got {text!r}; expected {expected}")
        if text is None:
            problems.append(f"{_flag(name)}: missing")
    if problems:
        parser.error("\n  ".join(["wrong arguments:", *problems]))
    args.lineage = {
        column: getattr(args, name)
        for column, name in (
            ("pipeline_id", "pipeline_id"),
            ("model_version", "model_version"),
            ("pipeline_execution_dt", "execution_time"),
        )
        if name in types
    }
    if "pipeline_id" in types:
        args.lineage |= {"batch_id": batch_id(parser.prog.removesuffix(".py"), args.pipeline_id), **origin()}
    return args


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _matching(text: str, pattern: str, expected: str) -> str:
    if re.fullmatch(pattern, text) is None:
        raise ValueError(expected)
    return text
