"""A fitted forest that predicts as the forest of any smaller depth does, which Spark would have had to fit as well.

Spark grows all trees level by level: the forest of less depth is the deep one without its lower levels, pruned as
Spark prunes. A cut is no copy: nodes that end a walk lead to themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sparklab.fitted_trees import LEAF, Tree


class CutForest:
    """The nodes of all trees in one table, so that a customer goes down all trees at once."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        sizes = [len(tree.feature) for tree in trees]
        self._roots = np.cumsum([0, *sizes[:-1]])
        self._nodes = np.arange(sum(sizes))
        self._feature = np.concatenate([tree.feature for tree in trees])
        self._threshold = np.concatenate([tree.threshold for tree in trees])
        starts = np.repeat(self._roots, sizes)
        self._left = starts + np.concatenate([tree.left for tree in trees])
        self._right = starts + np.concatenate([tree.right for tree in trees])
        counts = np.concatenate([tree.counts for tree in trees])
        self._shares = counts / counts.sum(axis=1, keepdims=True)
        # Of equal counts Spark predicts the first class.
        self._churn = counts[:, 1] > counts[:, 0]
        self._levels = [self._roots]
        while len(inner := self._inner(self._levels[-1])):
            self._levels.append(np.concatenate([self._left[inner], self._right[inner]]))

    def probabilities(self, vectors: np.ndarray, depth: int) -> np.ndarray:
        """Give the probability of churn by the forest of a depth, summed as Spark sums."""
        ends = self._ends(depth)
        left, right = (np.where(ends, self._nodes, child) for child in (self._left, self._right))
        node = np.tile(self._roots, (len(vectors), 1))
        for _ in range(depth):
            below = np.take_along_axis(vectors, self._feature[node], axis=1) <= self._threshold[node]
            node = np.where(below, left[node], right[node])
        votes = np.zeros((len(vectors), 2))
        for leaf in node.T:
            votes += self._shares[leaf]
        return votes[:, 1] / votes.sum(axis=1)

    def _ends(self, depth: int) -> np.ndarray:
        """Say which nodes end a walk: leaves, nodes at the depth, and parents whose two ends predict the same class."""
        ends = self._feature == LEAF
        for nodes in self._levels[depth : depth + 1]:
            ends[nodes] = True
        for nodes in reversed(self._levels[:depth]):
            inner = self._inner(nodes)
            left, right = self._left[inner], self._right[inner]
            ends[inner] = ends[left] & ends[right] & (self._churn[left] == self._churn[right])
        return ends

    def _inner(self, nodes: np.ndarray) -> np.ndarray:
        return nodes[self._feature[nodes] != LEAF]
