"""Predicts churn from a model bundle with nothing but Python: no Spark, no Java, no package.

python -m sparklab.bundle bundle.json < customers.jsonl    one customer a line in, one prediction a line out
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

FORMAT, FORMAT_VERSION = "sparklab-model-bundle", 1


class Bundle:
    """A model as its bundle describes it (model-bundle.schema.json)."""

    def __init__(self, document: Mapping) -> None:
        got = (document.get("format"), document.get("format_version"))
        if got != (FORMAT, FORMAT_VERSION):
            raise ValueError(f"bundle: got format {got}; expected {(FORMAT, FORMAT_VERSION)}. Export the model again.")
        self.model = document["model"]
        self._inputs = document["inputs"]
        self._slots = document["slots"]
        self._trees = document["trees"]

    def probability(self, customer: Mapping[str, object]) -> float:
        """Give the probability that a customer leaves; every problem of the customer in one error."""
        vector, problems = [0.0] * self._slots, []
        for name in customer.keys() - {entry["name"] for entry in self._inputs}:
            problems.append(f"{name}: is not an input of this model.")
        for entry in self._inputs:
            try:
                self._encode(entry, customer[entry["name"]], vector)
            except KeyError:
                problems.append(f"{entry['name']}: is missing.")
            except (TypeError, ValueError) as error:
                problems.append(f"{entry['name']}: {error}")
        if problems:
            raise ValueError("\n  ".join(["customer:", *sorted(problems)]))
        # As Spark does: the shares of each tree's leaf are added up in order, then divided by their sum.
        votes = [0.0, 0.0]
        for counts in self._leaves(vector):
            total = counts[0] + counts[1]
            votes = [vote + count / total for vote, count in zip(votes, counts, strict=True)]
        return votes[1] / (votes[0] + votes[1])

    def _encode(self, entry: Mapping, value: object, vector: list[float]) -> None:
        if entry["kind"] == "amount":
            vector[entry["slot"]] = _amount(value, entry.get("blank"))
            return
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise TypeError(f"got {value!r}; expected a category as text.")
        category = entry["same_as"].get(str(value), str(value))
        if category in entry["categories"]:  # one that training never saw sets no slot
            vector[entry["slot"] + entry["categories"].index(category)] = 1.0

    def _leaves(self, vector: list[float]) -> Iterator[list[float]]:
        for tree in self._trees:
            feature, threshold, left, right = (tree[key] for key in ("feature", "threshold", "left", "right"))
            node = 0
            while feature[node] >= 0:
                node = left[node] if vector[feature[node]] <= threshold[node] else right[node]
            yield tree["counts"][node]


def _amount(value: object, blank: float | None) -> float:
    if value is None or (isinstance(value, str) and not value.strip()):
        if blank is None:
            raise ValueError(f"got {value!r}; expected an amount, which may not be blank here.")
        return blank
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"got {value!r}; expected a finite number.")
    return float(value)


def _object(text: str, where: str) -> dict:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{where}: is not JSON ({len(text)} characters): {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{where}: got {type(found).__name__}; expected an object.")
    return found


def main(words: Sequence[str]) -> int:
    """Predict for customers on standard input."""
    if len(words) != 1:
        print(f"bundle: got {len(words)} files; expected one.", file=sys.stderr)
        return 2
    try:
        bundle = Bundle(_object(Path(words[0]).read_text(encoding="utf-8"), words[0]))
        for number, line in enumerate(sys.stdin, start=1):
            if line.strip():
                probability = bundle.probability(_object(line, f"customer in line {number}"))
                print(json.dumps({"churn": "yes" if probability > 0.5 else "no", "probability": probability}))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
