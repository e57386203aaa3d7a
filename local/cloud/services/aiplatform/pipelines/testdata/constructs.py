"""Small pipelines that together use every construct that is run: `python constructs.py` compiles them beside itself."""

from pathlib import Path
from typing import List

from google_cloud_pipeline_components.v1.dataproc import DataprocPySparkBatchOp
from kfp import compiler, dsl

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def add(a: float, b: float) -> float:
    return a + b


@dsl.component(base_image=IMAGE)
def join(words: list) -> str:
    return " ".join(str(word) for word in words)


@dsl.component(base_image=IMAGE)
def word(text: str) -> str:
    return text


@dsl.component(base_image=IMAGE)
def split(text: str) -> list:
    return [{"word": part, "length": len(part)} for part in text.split()]


@dsl.component(base_image=IMAGE)
def write(text: str, file: dsl.Output[dsl.Dataset], scores: dsl.Output[dsl.Metrics]):
    from pathlib import Path

    Path(file.path).write_text(text, encoding="utf-8")
    file.metadata["words"] = len(text.split())
    scores.log_metric("infinite", float("inf"))


@dsl.component(base_image=IMAGE)
def read(file: dsl.Input[dsl.Dataset]) -> str:
    from pathlib import Path

    return f"{Path(file.path).read_text(encoding='utf-8')} ({file.metadata.get('words')})"


@dsl.component(base_image=IMAGE)
def read_all(files: dsl.Input[List[dsl.Dataset]]) -> str:
    from pathlib import Path

    return " ".join(Path(file.path).read_text(encoding="utf-8") for file in files)


@dsl.component(base_image=IMAGE)
def variable(name: str) -> str:
    import os

    return os.environ[name]


@dsl.component(base_image=IMAGE)
def fail() -> str:
    raise RuntimeError("as it should")


@dsl.component(base_image=IMAGE)
def fail_until(marker: str, attempt: int) -> str:
    """Fail until as many attempts have left their mark."""
    from pathlib import Path

    marks = Path(marker)
    marks.mkdir(parents=True, exist_ok=True)
    count = len(list(marks.iterdir())) + 1
    (marks / str(count)).write_text("")
    if count < attempt:
        raise RuntimeError(f"attempt {count} of {attempt}")
    return f"attempt {count}"


@dsl.component(base_image=IMAGE)
def report(status: dsl.PipelineTaskFinalStatus) -> str:
    return f"{status.state}: {status.error_message}"


@dsl.component(base_image=IMAGE)
def wait_for(file: str) -> str:
    """End when the file is there."""
    import time
    from pathlib import Path

    while not Path(file).exists():
        time.sleep(0.05)
    return Path(file).read_text(encoding="utf-8")


@dsl.pipeline(name="values")
def values(a: float = 1.0, b: float = 2.5, name: str = "x", threshold: float = 3.5) -> float:
    total = add(a=a, b=b)
    word(text=f"{name} is {total.output} in {dsl.PIPELINE_JOB_NAME_PLACEHOLDER}")
    with dsl.If(total.output >= threshold, name="Enough"):
        more = add(a=total.output, b=10.0)
        add(a=more.output, b=1.0)
    return total.output


@dsl.pipeline(name="branches")
def branches(number: int = 3) -> str:
    with dsl.If(number == 3):
        three = word(text="three")
    with dsl.Elif(number > 3):
        more = word(text="more")
    with dsl.Else():
        less = word(text="less")
    chosen = dsl.OneOf(three.output, more.output, less.output)
    return word(text=chosen).output


@dsl.pipeline(name="loops")
def loops(text: str = "one three five") -> str:
    parts = split(text=text)
    with dsl.ParallelFor(parts.output, parallelism=2) as item:
        said = word(text=item.word)
    with dsl.ParallelFor(["a", "b"]):
        word(text="again")
    return join(words=dsl.Collected(said.output)).output


@dsl.pipeline(name="files")
def files(text: str, uri: str) -> str:
    written = write(text=text)
    read(file=written.outputs["file"])
    imported = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, reimport=True, metadata={"words": "imported"})
    return read(file=imported.output).output


@dsl.pipeline(name="artifacts")
def artifacts(choice: str = "first") -> str:
    with dsl.ParallelFor(["one", "two", "three"]) as text:
        written = write(text=text)
    all_of_them = read_all(files=dsl.Collected(written.outputs["file"]))
    with dsl.If(choice == "first"):
        first = write(text="the first")
    with dsl.Else():
        other = write(text="the other")
    chosen = read(file=dsl.OneOf(first.outputs["file"], other.outputs["file"]))
    return join(words=[all_of_them.output, chosen.output]).output


@dsl.pipeline(name="survivors")
def survivors() -> None:
    broken = fail().set_display_name("broken")
    word(text=broken.output).set_display_name("follows")
    word(text="anyway").after(broken).ignore_upstream_failure().set_display_name("ignores")
    variable(name="WHERE").set_env_variable("WHERE", "here").set_display_name("variable")


@dsl.pipeline(name="failures")
def failures(marker: str, attempt: int) -> None:
    last = report().set_display_name("report")
    with dsl.ExitHandler(last, name="guarded"):
        tried = fail_until(marker=marker, attempt=attempt).set_retry(num_retries=1, backoff_duration="0s")
        word(text=tried.output)
    word(text="beside")


@dsl.pipeline(name="waiting")
def waiting(first: str, second: str) -> None:
    word(text=wait_for(file=first).output).set_display_name("after first")
    wait_for(file=second)


@dsl.pipeline(name="batch")
def batch(batch_id: str, account: str) -> None:
    DataprocPySparkBatchOp(
        location="us-central1",
        batch_id=batch_id,
        main_python_file_uri="gs://sparklab-local-pipelines/job.py",
        args=["--x", "1"],
        runtime_config_version="2.3",
        service_account=account,
    ).set_display_name("batch")


@dsl.container_component
def shout():
    return dsl.ContainerSpec(image="alpine:3.20", command=["echo"], args=["hello"])


@dsl.component(base_image=IMAGE, packages_to_install=["polars==1.0.0"])
def uses_polars() -> str:
    return ""


@dsl.pipeline(name="unsupported")
def unsupported() -> None:
    shout()
    uses_polars()


if __name__ == "__main__":
    for pipeline in (values, branches, loops, files, artifacts, survivors, failures, waiting, batch, unsupported):
        compiler.Compiler().compile(pipeline, str(Path(__file__).with_name(f"{pipeline.name}.json")))
