"""Reads the job catalogue (`jobs.yaml`, which describes its own format) and refuses a wrong one with every problem."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import yaml

from sparklab.lineage import batch_id

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
# Of the 63 characters of a batch id a pipeline id takes up to 42 and a hyphen one.
_LONGEST_NAME = 20


class CatalogueError(ValueError):
    """A catalogue, or settings for it, that cannot be used; the message lists every problem."""

    def __init__(self, where: str, problems: list[str]) -> None:
        super().__init__("\n  ".join([f"{where}:", *problems]))
        self.problems = problems


@dataclass(frozen=True)
class Job:
    """One Spark job as the catalogue has it; `arguments` still hold their placeholders."""

    name: str
    description: str
    main: str
    pipeline: str
    after: tuple[str, ...]
    arguments: Mapping[str, str]
    properties: Mapping[str, str]
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    def batch_id(self, pipeline_id: str) -> str:
        """Give the id of this job's batch in a pipeline run: a retry of the run has the same."""
        return batch_id(self.name, pipeline_id)

    def command_arguments(self, settings: Mapping[str, str]) -> list[str]:
        """Give the job's arguments with the settings filled in."""
        needed = {name for text in self.arguments.values() for name in _PLACEHOLDER.findall(text)}
        if missing := sorted(name for name in needed if not settings.get(name)):
            raise CatalogueError(f"job {self.name}", [f"setting {name}: missing." for name in missing])
        filled = {flag: _PLACEHOLDER.sub(lambda m: settings[m[1]], text) for flag, text in self.arguments.items()}
        return [part for pair in filled.items() for part in pair]


@dataclass(frozen=True)
class Catalogue:
    """All jobs, and the settings that their arguments may name."""

    settings: Mapping[str, str]
    jobs: Mapping[str, Job]

    def in_order(self, pipeline: str | None = None) -> list[Job]:
        """List the jobs, of one pipeline or of all, so that each comes after those that it follows."""
        order = TopologicalSorter({name: job.after for name, job in self.jobs.items()}).static_order()
        return [self.jobs[name] for name in order if pipeline in (None, self.jobs[name].pipeline)]


def read_catalogue(path: Path) -> Catalogue:
    """Read and check the catalogue together with the files beside it that it names."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)  # noqa: S506 (derives from SafeLoader)
    except (OSError, yaml.YAMLError) as error:
        raise CatalogueError(str(path), [str(error)]) from error
    problems = list(_problems(content, path.parent))
    if problems:
        raise CatalogueError(str(path), problems)
    jobs = {
        name: Job(
            name=name,
            **{key: tuple(value) if isinstance(value, list) else value for key, value in job.items()},
        )
        for name, job in content["jobs"].items()
    }
    return Catalogue(content["settings"], jobs)


_TEXT, _LIST, _MAP = "text", "list of texts", "map of texts"
_FIELDS = {
    "description": _TEXT,
    "main": _TEXT,
    "pipeline": _TEXT,
    "after": _LIST,
    "arguments": _MAP,
    "properties": _MAP,
    "reads": _LIST,
    "writes": _LIST,
}


def _problems(content: object, folder: Path) -> Iterator[str]:
    if not isinstance(content, dict) or set(content) != {"settings", "jobs"}:
        yield f"top level: got {_shown(content)}; expected exactly settings and jobs."
    elif not _is(content["settings"], _MAP):
        yield f"settings: got {_shown(content['settings'])}; expected a {_MAP}."
    elif not isinstance(content["jobs"], dict) or not content["jobs"]:
        yield f"jobs: got {_shown(content['jobs'])}; expected at least one job."
    else:
        shapes = {name: list(_shape_problems(job)) for name, job in content["jobs"].items()}
        for name, wrong_shape in shapes.items():
            problems = wrong_shape or _job_problems(str(name), content["jobs"][name], content, folder)
            yield from (f"job {name}: {problem}" for problem in problems)
        if not any(shapes.values()):
            yield from _order_problems(content["jobs"])


def _shape_problems(job: object) -> Iterator[str]:
    if not isinstance(job, dict):
        yield f"got {_shown(job)}; expected {', '.join(_FIELDS)}."
        return
    for field, kind in _FIELDS.items():
        if field not in job:
            yield f"{field} is missing."
        elif not _is(job[field], kind):
            yield f"{field}: got {_shown(job[field])}; expected a {kind}."
    for field in job:
        if field not in _FIELDS:
            yield f"{field} is not expected."


def _job_problems(name: str, job: dict, content: dict, folder: Path) -> Iterator[str]:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        yield f"name: expected a-z, 0-9 and _, at most {_LONGEST_NAME} of them."
    if job["main"] != f"jobs/{name}.py" or not (folder / job["main"]).is_file():
        yield f"main: got {job['main']}; expected jobs/{name}.py, an existing file."
    for other in [other for other in job["after"] if other not in content["jobs"]]:
        yield f"after: no job {other}; expected one of {', '.join(content['jobs'])}."
    yield from _argument_problems(job["arguments"], content["settings"])
    for key in job["properties"]:
        if not key.startswith(("spark.", "dataproc.")):
            yield f"properties: got {key}; expected a Spark property (spark.*, dataproc.*)."
    for table in dict.fromkeys([*job["reads"], *job["writes"]]):
        if not (folder / "tables" / f"{table}.json").is_file():
            yield f"reads, writes: no schema tables/{table}.json."


def _argument_problems(arguments: Mapping[str, str], settings: Mapping[str, str]) -> Iterator[str]:
    for flag, text in arguments.items():
        if not re.fullmatch(r"--[a-z]+(-[a-z]+)*", flag):
            yield f"arguments: got {flag}; expected a flag such as --pipeline-id."
        for setting in _PLACEHOLDER.findall(text):
            if setting not in settings:
                yield f"arguments: {flag} names {{{setting}}}; expected one of {', '.join(settings)}."
        if set("{}") & set(_PLACEHOLDER.sub("", text)):
            yield f"arguments: {flag} has an unpaired brace in {text!r}."


def _order_problems(jobs: dict) -> Iterator[str]:
    try:
        TopologicalSorter({name: job["after"] for name, job in jobs.items()}).prepare()
    except CycleError as error:
        yield f"jobs: {' -> '.join(error.args[1])} follow each other in a circle."


def _is(value: object, kind: str) -> bool:
    if kind == _TEXT:
        return isinstance(value, str) and bool(value.strip())
    if kind == _LIST:
        return isinstance(value, list) and all(_is(item, _TEXT) for item in value)
    return isinstance(value, dict) and all(_is(item, _TEXT) for pair in value.items() for item in pair)


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, dict) else repr(value)


class _UniqueKeys(yaml.SafeLoader):
    """YAML forbids a key twice in one map, which PyYAML lets pass."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        """Build a map, refusing a key that is there."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise yaml.constructor.ConstructorError(
                None, None, f"key twice: {', '.join(map(str, sorted(twice)))}", node.start_mark
            )
        return super().construct_mapping(node, deep)
