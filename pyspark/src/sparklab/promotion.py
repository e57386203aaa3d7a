"""From a notebook to a batch job: its tagged cells become a job file, an entry of the job catalogue and a DAG. Pure.

Tags of a notebook's cells (in Jupyter: the property inspector):

catalogue   one raw cell, YAML: name, description, reads, writes
imports     imports from sparklab that the job needs
arguments   one assignment `arguments = {"dataset": (dataset, "{dataset}"), ...}`: reader and text of each argument
job         what the job does with `spark` and `args`

All other cells stay in the notebook.
"""

from __future__ import annotations

import ast
import hashlib
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

TAGS = ("catalogue", "imports", "arguments", "job")
_ENTRY = ("name", "description", "reads", "writes")
_MARK = "# Promoted from {notebook}; what differs from {digest} was changed by hand."
_MARKED = re.compile(r"^ *# Promoted from .*; what differs from ([0-9a-f]{16}) was changed by hand\.\n", re.MULTILINE)


class PromotionError(ValueError):
    """A notebook that cannot become a job; the message lists every problem."""

    def __init__(self, notebook: str, problems: list[str]) -> None:
        super().__init__("\n  ".join([f"notebook {notebook}: {len(problems)} problems.", *problems]))
        self.problems = problems


@dataclass(frozen=True)
class Promotion:
    """What a notebook becomes."""

    name: str
    job: str
    """Content of jobs/<name>.py."""
    entry: Mapping[str, object]
    """The job in jobs.yaml."""
    dag: str
    """Content of dags/<name>.py."""


def tagged_cells(notebook: Mapping) -> dict[str, list[str]]:
    """Give the text of the cells of each tag, in their order."""
    found: dict[str, list[str]] = {tag: [] for tag in TAGS}
    for cell in notebook["cells"]:
        for tag in cell["metadata"].get("tags", ()):
            if tag in found:
                found[tag].append("".join(cell["source"]).strip())
    return found


def promote(notebook: Mapping, name: str, described: Mapping[str, object]) -> Promotion:
    """Make a job of a notebook; `described` is its catalogue cell, read as YAML."""
    cells = tagged_cells(notebook)
    arguments, problems = _arguments(cells["arguments"])
    problems = [*_cell_problems(cells), *_entry_problems(described), *problems]
    if problems:
        raise PromotionError(name, problems)
    job = str(described["name"])
    entry = {
        "description": described["description"],
        "main": f"jobs/{job}.py",
        "pipeline": job,
        "after": [],
        "arguments": {f"--{key.replace('_', '-')}": text for key, (_, text) in arguments.items()},
        "properties": {"spark.sql.shuffle.partitions": "2", "spark.dynamicAllocation.maxExecutors": "2"},
        "reads": described["reads"],
        "writes": described["writes"],
    }
    return Promotion(job, marked(_job(cells, arguments, described), name), entry, marked(_dag(described), name))


def marked(content: str, notebook: str) -> str:
    """Add the line by which a later look tells whether the file was changed by hand; after the purpose line."""
    first, rest = content.split("\n", 1)
    return "\n".join([first, "", _MARK.format(notebook=notebook, digest=_digest(content)), rest.removeprefix("\n")])


def was_changed(content: str) -> bool:
    """Say whether a file is not, or no longer, what a promotion wrote."""
    found = _MARKED.search(content)
    return found is None or _digest(_MARKED.sub("", content, count=1)) != found[1]


def _digest(content: str) -> str:
    """Blank lines apart, so that the mark's own place does not count."""
    lines = [line for line in content.splitlines() if line.strip()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _job(cells: Mapping[str, list[str]], arguments: Mapping[str, tuple[str, str]], described: Mapping) -> str:
    imports = _imports([*cells["imports"], *_OWN_IMPORTS])
    body = "\n".join(
        [
            "args = read_arguments(",
            "    __doc__,",
            *(f"    {name}={reader}," for name, (reader, _) in arguments.items()),
            ")",
            f'spark = start_session("{described["name"]}")',
            "",
            "\n\n".join(cells["job"]),
        ]
    )
    return "\n".join(
        [
            f'"""{str(described["description"]).rstrip(".")}."""',
            "",
            *imports,
            "",
            "",
            "def main() -> None:",
            textwrap.indent(body, "    "),
            "",
            "",
            'if __name__ == "__main__":',
            "    main()",
            "",
        ]
    )


_OWN_IMPORTS = ("from sparklab.args import read_arguments", "from sparklab.spark import start_session")


def _imports(cells: Sequence[str]) -> list[str]:
    """One line for each module, in the order that the linter wants."""
    plain: set[str] = set()
    names: dict[str, set[str]] = {}
    for node in [node for cell in cells for node in ast.parse(cell).body]:
        if isinstance(node, ast.ImportFrom):
            names.setdefault(str(node.module), set()).update(ast.unparse(alias) for alias in node.names)
        else:
            plain.add(ast.unparse(node))
    return [*sorted(plain), *(f"from {module} import {', '.join(sorted(names[module]))}" for module in sorted(names))]


def _dag(described: Mapping) -> str:
    name, description = described["name"], str(described["description"]).rstrip(".")
    return f'''"""{description}: one batch."""

from airflow.sdk import DAG

from catalogue_batch import catalogue_batch

with DAG(
    dag_id="{name}",
    description="{description}",
    schedule=None,
    max_active_runs=1,
    tags=["promoted"],
):
    catalogue_batch("{name}")
'''


def _arguments(cells: list[str]) -> tuple[dict[str, tuple[str, str]], list[str]]:
    shape = 'expected one cell with arguments = {"name": (reader, "text"), ...}.'
    if len(cells) != 1:
        return {}, [f"tag arguments: got {len(cells)} cells; {shape}"]
    try:
        (statement,) = ast.parse(cells[0]).body
        entries = zip(statement.value.keys, statement.value.values, strict=True)
        found = {key.value: (value.elts[0].id, value.elts[1].value) for key, value in entries}
    except (SyntaxError, ValueError, AttributeError, IndexError):
        return {}, [f"tag arguments: got {cells[0]!r}; {shape}"]
    missing = [name for name in ("pipeline_id", "execution_time") if name not in found]
    return found, [f"tag arguments: no {name}; expected it, every run has one." for name in missing]


def _cell_problems(cells: Mapping[str, list[str]]) -> Iterator[str]:
    if not cells["job"]:
        yield "tag job: got no cell; expected those that do the job's work."
    if len(cells["catalogue"]) != 1:
        yield f"tag catalogue: got {len(cells['catalogue'])} cells; expected one."
    for tag in ("imports", "job"):
        for cell in cells[tag]:
            yield from _python_problems(tag, cell)


def _python_problems(tag: str, cell: str) -> Iterator[str]:
    first = cell.splitlines()[0] if cell else "nothing"
    try:
        tree = ast.parse(cell)
    except SyntaxError as error:
        yield f"tag {tag}, cell {first!r}: {error.msg}; expected plain Python, no magics."
        return
    if tag == "imports" and not all(isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body):
        yield f"tag imports, cell {first!r}: expected imports alone."
    if any(isinstance(node, ast.Constant) and "\n" in str(node.value) for node in ast.walk(tree)):
        yield f"tag {tag}, cell {first!r}: a text of several lines; expected texts of one line, which can be indented."


def _entry_problems(described: Mapping[str, object]) -> Iterator[str]:
    if not isinstance(described, Mapping) or set(described) != set(_ENTRY):
        yield f"tag catalogue: got {described!r}; expected YAML with exactly {', '.join(_ENTRY)}."
        return
    if not re.fullmatch(r"[a-z][a-z0-9_]{2,19}", str(described["name"])):
        yield f"tag catalogue, name: got {described['name']!r}; expected 3 to 20 of a-z, 0-9 and _, a letter first."
    if '"' in str(described["description"]) or "\n" in str(described["description"]).strip():
        yield f'tag catalogue, description: got {described["description"]!r}; expected one line without ".'
    for field in ("reads", "writes"):
        if not isinstance(described[field], list) or not all(isinstance(name, str) for name in described[field]):
            yield f"tag catalogue, {field}: got {described[field]!r}; expected a list of tables."
