"""The pipeline's decisions, as pure steps: which of a run's models is offered, and whether it becomes the champion.

A lightweight component carries its source with it, so everything that it uses is inside its function.
"""

from typing import NamedTuple

from evaluation import BASE_IMAGE
from kfp import dsl


@dsl.component(base_image=BASE_IMAGE)
def only_model(version: str, area: float) -> NamedTuple("Offered", [("version", str), ("area", float)]):
    """Offer the model that was trained, where none was tuned."""
    return version, area


@dsl.component(base_image=BASE_IMAGE)
def better_model(version: str, area: float, tuned_version: str, tuned_area: float) -> NamedTuple(
    "Offered", [("version", str), ("area", float)]
):
    """Offer the tuned model if it is the better one by its area under the precision-recall curve."""
    return (tuned_version, tuned_area) if tuned_area > area else (version, area)


@dsl.component(base_image=BASE_IMAGE)
def champion_or_challenger(version: str, area: float, champion: dsl.Input[dsl.Artifact]) -> NamedTuple(
    "Verdict", [("version", str), ("area", float), ("role", str), ("rival", str), ("reason", str)]
):
    """Say whether a model is to answer online, beside the one that does (champion.schema.json).

    An equal model changes nothing: the champion stays. `rival` is the version it was compared with, empty for none.
    """
    import json
    from pathlib import Path

    pointer = Path(champion.path)
    if not pointer.is_file():
        return version, area, "champion", "", "There was no champion before it."
    current = json.loads(pointer.read_text(encoding="utf-8"))
    rival, best = current["version"], current.get("areaPrc")
    if rival == version:
        return version, area, "champion", rival, f"{version} is the champion already."
    if best is None:
        return version, area, "champion", rival, f"How good {rival} is was not recorded."
    role = "champion" if area > best else "challenger"
    return version, area, role, rival, f"The champion {rival} has an AUPR of {best}."
