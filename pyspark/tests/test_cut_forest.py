"""A forest that is cut off at a depth, on one literal tree beside one that never splits."""

import numpy as np
import pytest

from sparklab.cut_forest import CutForest
from sparklab.fitted_trees import LEAF, Tree

# Slot 0 up to 1 stays; above it, slot 1 decides, whose left side splits once more into two that both leave.
TREE = Tree(
    feature=[0, LEAF, 1, 0, LEAF, LEAF, LEAF],
    threshold=[1.0, 0.0, 5.0, 2.0, 0.0, 0.0, 0.0],
    left=[1, LEAF, 3, 4, LEAF, LEAF, LEAF],
    right=[2, LEAF, 6, 5, LEAF, LEAF, LEAF],
    counts=[(10, 10), (8, 2), (2, 8), (1, 7), (1, 3), (0, 4), (1, 1)],
)
STUMP = Tree([LEAF], [0.0], [LEAF], [LEAF], [(1, 1)])
CUSTOMERS = np.array([[1.0, 9.0], [2.0, 5.0], [3.0, 5.0], [3.0, 6.0]])


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (0, [0.5, 0.5, 0.5, 0.5]),
        (1, [0.2, 0.8, 0.8, 0.8]),
        (2, [0.2, 0.875, 0.875, 0.5]),
        (3, [0.2, 0.875, 0.875, 0.5]),
        (15, [0.2, 0.875, 0.875, 0.5]),
    ],
)
def test_a_walk_ends_at_the_depth_or_where_both_sides_predict_the_same_class(depth: int, expected: list[float]) -> None:
    assert CutForest([TREE]).probabilities(CUSTOMERS, depth).tolist() == expected
    # Each tree has the same weight: one that knows nothing draws all to the middle.
    both = CutForest([STUMP, TREE]).probabilities(CUSTOMERS, depth).tolist()
    assert both == pytest.approx([(chance + 0.5) / 2 for chance in expected])
