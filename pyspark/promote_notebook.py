"""Writes what a notebook's tagged cells become: jobs/<name>.py, an entry in jobs.yaml, dags/<name>.py.

Usage: promote_notebook.py NOTEBOOK [--force]

A second time it changes nothing. A file that was changed by hand since is refused, unless it is forced. All problems
are told at once, before anything is written.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).with_name("src")))

from sparklab.promotion import Promotion, PromotionError, marked, promote, tagged_cells, was_changed

PLACEHOLDER = re.compile(r"\{(\w+)\}")


def main(notebook: Path, force: bool, folder: Path) -> int:
    """Promote one notebook into the Python project in `folder`."""
    try:
        promotion = read_promotion(notebook)
        planned = plan(promotion, notebook.name, folder)
        problems = [*entry_problems(promotion, folder), *([] if force else edit_problems(promotion, planned))]
        if problems:
            raise PromotionError(notebook.name, problems)
    except PromotionError as error:
        print(error, file=sys.stderr)
        return 2
    for path, content in planned.items():
        changes = not path.exists() or path.read_text(encoding="utf-8") != content
        if changes:
            path.write_text(content, encoding="utf-8")
        print(f"{path.relative_to(folder.parent)}: {'written' if changes else 'there already, left as it is'}")
    print(f"Deploy it: npx sparklab up. Run it: npx sparklab run {promotion.name}")
    return 0


def read_promotion(notebook: Path) -> Promotion:
    """Read a notebook and what its catalogue cell says."""
    try:
        content = json.loads(notebook.read_text(encoding="utf-8"))
        cells = tagged_cells(content)["catalogue"]
        described = yaml.safe_load(cells[0]) if cells else {}
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise PromotionError(notebook.name, [f"not a notebook with a catalogue cell in YAML: {error}"]) from error
    return promote(content, notebook.name, described)


def plan(promotion: Promotion, notebook: str, folder: Path) -> dict[Path, str]:
    """Give the content of each file after the promotion."""
    catalogue = folder / "jobs.yaml"
    entry = entry_text(promotion, notebook)
    text = catalogue.read_text(encoding="utf-8")
    block = entry_block(text, promotion.name)
    return {
        folder / "jobs" / f"{promotion.name}.py": promotion.job,
        catalogue: text.replace(block, entry) if block else f"{text.rstrip()}\n\n{entry}",
        folder / "dags" / f"{promotion.name}.py": promotion.dag,
    }


def entry_text(promotion: Promotion, notebook: str) -> str:
    """Give the lines of jobs.yaml, marked like a file."""
    lines = yaml.safe_dump(dict(promotion.entry), sort_keys=False, width=1000, allow_unicode=True).splitlines()
    content = "\n".join([f"  {promotion.name}:", *(f"    {line}" for line in lines), ""])
    name, _, mark, rest = marked(content, notebook).split("\n", 3)
    return "\n".join([name, f"    {mark}", rest])


def entry_block(catalogue: str, name: str) -> str | None:
    """Find the lines of a job's entry, from its name to the next entry or the end."""
    found = re.search(rf"^  {name}:\n(?:    .*\n|\n(?=    ))*", catalogue, re.MULTILINE)
    return found[0] if found else None


def entry_problems(promotion: Promotion, folder: Path) -> Iterator[str]:
    """Say what the rest of the project does not have."""
    catalogue = yaml.safe_load((folder / "jobs.yaml").read_text(encoding="utf-8"))
    arguments: Mapping[str, str] = promotion.entry["arguments"]
    for flag, text in arguments.items():
        for setting in PLACEHOLDER.findall(text):
            if setting not in catalogue["settings"]:
                yield f"tag arguments, {flag}: got {{{setting}}}; expected one of {', '.join(catalogue['settings'])}."
    for table in [*promotion.entry["reads"], *promotion.entry["writes"]]:
        if not (folder / "tables" / f"{table}.json").is_file():
            yield f"tag catalogue, reads and writes: no table {table}; expected a schema tables/{table}.json."


def edit_problems(promotion: Promotion, planned: Mapping[Path, str]) -> Iterator[str]:
    """Name what somebody has changed by hand and this promotion would lose."""
    for path, content in planned.items():
        if not path.exists():
            continue
        current = path.read_text(encoding="utf-8")
        part = entry_block(current, promotion.name) if path.name == "jobs.yaml" else current
        what = f"{path.name}, job {promotion.name}" if path.name == "jobs.yaml" else f"{path.parent.name}/{path.name}"
        if part is not None and current != content and was_changed(part):
            yield f"{what}: was changed by hand; expected what an earlier promotion wrote. Write over it with --force."


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--force", action="store_true")
    given = parser.parse_args()
    sys.exit(main(given.notebook, given.force, Path(__file__).parent))
