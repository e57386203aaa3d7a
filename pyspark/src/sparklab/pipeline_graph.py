"""The steps of a compiled pipeline, as far as a reader wants to see them: order, nesting and conditions. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import count


@dataclass(frozen=True)
class Step:
    """One task, those that it follows, and the condition under which it runs."""

    name: str
    after: tuple[str, ...]
    condition: str | None


def pipeline_steps(spec: Mapping) -> list[Step]:
    """List every task of a compiled pipeline but importers, which only pass things on; branches are opened."""
    return _Reader(spec).read(spec["root"]["dag"]["tasks"], (), None)


def step_levels(steps: Sequence[Step]) -> list[list[str]]:
    """Arrange steps so that each stands right of all that it follows."""
    depth: dict[str, int] = {}
    after = {step.name: step.after for step in steps}
    for name in TopologicalSorter(after).static_order():
        depth[name] = max((depth[one] + 1 for one in after[name]), default=0)
    return [[step.name for step in steps if depth[step.name] == n] for n in range(max(depth.values(), default=-1) + 1)]


def step_arrows(steps: Sequence[Step]) -> list[tuple[str, str]]:
    """Give each pair of a step and one that follows it."""
    return [(before, step.name) for step in steps for before in step.after]


class _Reader:
    """Reads nested tasks; titles are unique in what it gives."""

    def __init__(self, spec: Mapping) -> None:
        self._components = spec["components"]
        self._executors = spec["deploymentSpec"]["executors"]
        self._titles: set[str] = set()

    def read(self, tasks: Mapping, outer: tuple[str, ...], condition: str | None) -> list[Step]:
        steps: list[Step] = []
        ends: dict[str, tuple[str, ...]] = {}
        for name in _ordered(tasks):
            task = tasks[name]
            before = [end for one in _before(task) for end in ends[one]]
            after = tuple(dict.fromkeys(before)) or outer
            text = _readable(task.get("triggerPolicy", {}).get("condition"))
            own = " and ".join(part for part in (condition, text) if part) or None
            component = self._components[task["componentRef"]["name"]]
            if "dag" in component:
                inner = self.read(component["dag"]["tasks"], after, own)
                followed = {one for step in inner for one in step.after}
                steps += inner
                ends[name] = tuple(step.name for step in inner if step.name not in followed) or after
            elif "importer" in self._executors[component["executorLabel"]]:
                ends[name] = after
            else:
                title = self._title(task.get("taskInfo", {}).get("name", name))
                steps.append(Step(title, after, own))
                ends[name] = (title,)
        return steps

    def _title(self, wanted: str) -> str:
        title = next(text for n in count(1) if (text := wanted if n == 1 else f"{wanted} {n}") not in self._titles)
        self._titles.add(title)
        return title


def _before(task: Mapping) -> tuple[str, ...]:
    """Name the tasks of the same level that a task waits for: those it says, and those whose output it takes."""
    inputs = task.get("inputs", {})
    given = [*inputs.get("parameters", {}).values(), *inputs.get("artifacts", {}).values()]
    taken = [value["producerTask"] for one in given for value in one.values() if "producerTask" in value]
    return tuple(dict.fromkeys([*task.get("dependentTasks", ()), *taken]))


def _ordered(tasks: Mapping) -> list[str]:
    return list(TopologicalSorter({name: _before(task) for name, task in tasks.items()}).static_order())


def _readable(condition: str | None) -> str | None:
    """Shorten inputs.parameter_values['pipelinechannel--threshold'] to threshold."""
    if condition is None:
        return None
    return re.sub(r"inputs\.parameter_values\['(?:pipelinechannel--)?([^']+)'\]", r"\1", condition)
