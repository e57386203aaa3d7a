"""A job's arguments."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sparklab import lineage
from sparklab.args import (
    bundle_format,
    count,
    dataset,
    gcs_uri,
    model_version,
    read_arguments,
    run_id,
    search,
    share,
    timestamp,
)

TYPES = {
    "dataset": dataset,
    "models": gcs_uri,
    "splits": count,
    "test_share": share,
    "pipeline_id": run_id,
    "execution_time": timestamp,
}
RIGHT = {
    "--dataset": "my-project.churn",
    "--models": "gs://models/churn",
    "--splits": "5",
    "--test-share": "0.2",
    "--pipeline-id": "run-1",
    "--execution-time": "2026-11-21T09:00:00Z",
}


def argv(**changed: str) -> list[str]:
    flags = RIGHT | {"--" + name.replace("_", "-"): value for name, value in changed.items()}
    return [part for pair in flags.items() for part in pair]


def test_arguments_come_with_their_types_and_lineage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/tmp/spark-1/churn_training.py"])
    args = read_arguments("A job.", argv(), **TYPES)
    assert (args.dataset, args.splits, args.test_share) == ("my-project.churn", 5, 0.2)
    assert args.lineage == {
        "pipeline_id": "run-1",
        "pipeline_execution_dt": datetime(2026, 11, 21, 9, tzinfo=UTC),
        "batch_id": "churn-training-run-1",
        "stack": None,
        "git_commit": None,
    }


def test_a_deployed_package_says_by_which_stack_and_from_which_commit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "origin.json").write_text('{"stack": "dev", "git_commit": "0f0f-dirty"}')
    monkeypatch.setattr(lineage, "files", lambda _package: tmp_path)
    assert lineage.origin() == {"stack": "dev", "git_commit": "0f0f-dirty"}


def test_all_problems_are_named_at_once_and_the_job_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = argv(dataset="churn", splits="0", execution_time="2026-11-21 09:00", verbose="True")
    with pytest.raises(SystemExit) as exit_:
        read_arguments("A job.", wrong[2:4] + wrong[4:], **TYPES)
    assert exit_.value.code == 2
    message = capsys.readouterr().err
    for problem in (
        "--verbose: not an argument of this job",
        "--dataset: missing",
        "--splits: got '0'; expected a whole number from 1",
        "--execution-time: got '2026-11-21 09:00'; expected a time with its zone, such as 2026-11-21T09:00:00Z",
    ):
        assert problem in message


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("dataset", "my-project.churn; DROP"),
        ("models", "/tmp/models"),
        ("models", "file:///tmp/models"),
        ("test_share", "1"),
        ("test_share", "0.0"),
        ("pipeline_id", "Run_1"),
        ("pipeline_id", "x" * 43),
        ("pipeline_id", "a' OR '1'='1"),
        ("execution_time", "soon"),
    ],
)
def test_a_wrong_value_is_refused(flag: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_arguments("A job.", argv(**{flag: value}), **TYPES)
    assert f"--{flag.replace('_', '-')}: got {value!r}; expected" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        (model_version, "20261121-090000-tuned", "Model_1"),
        (model_version, "x" * 63, "x" * 64),
        (search, "optuna", "grid"),
        (bundle_format, "bundle", "pmml"),
    ],
)
def test_versions_searches_and_formats_are_checked(type_: object, good: str, bad: str) -> None:
    assert type_(good) == good
    with pytest.raises(ValueError):
        type_(bad)
