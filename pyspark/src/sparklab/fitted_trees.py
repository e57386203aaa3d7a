"""The trees of a fitted forest as plain arrays: what a bundle holds and what a forest of another depth is cut from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from pyspark import SparkContext
from pyspark.ml.classification import RandomForestClassificationModel

LEAF = -1


@dataclass(frozen=True)
class Tree:
    """A tree by node, parents before their children, the root first.

    A customer goes to `left` if the slot `feature` of the vector is at most `threshold`, else to `right`; a leaf has
    LEAF for all three. `counts` are the training customers of each class that reached the node, weighted by the bag.
    """

    feature: list[int]
    threshold: list[float]
    left: list[int]
    right: list[int]
    counts: list[tuple[float, ...]]


def fitted_trees(forest: RandomForestClassificationModel) -> list[Tree]:
    """Read all trees of a forest, every number as Spark has it.

    In the form in which Spark saves a model, one call per tree: node by node a deep forest takes half a minute.
    """
    jvm = SparkContext.getOrCreate()._jvm
    jackson = jvm.com.fasterxml.jackson
    mapper = jackson.databind.ObjectMapper().registerModule(jackson.module.scala.DefaultScalaModule())
    hidden, shown = (
        getattr(getattr(jackson.annotation, "JsonAutoDetect$Visibility"), name) for name in ("NONE", "ANY")
    )
    mapper.setVisibility(jackson.annotation.PropertyAccessor.ALL, hidden)
    mapper.setVisibility(jackson.annotation.PropertyAccessor.FIELD, shown)
    saved = getattr(getattr(jvm.org.apache.spark.ml.tree, "DecisionTreeModelReadWrite$NodeData$"), "MODULE$")
    return [
        _tree(json.loads(mapper.writeValueAsString(saved.build(tree.rootNode(), 0)._1())))
        for tree in forest._java_obj.trees()
    ]


def _tree(nodes: list[dict]) -> Tree:
    # Spark numbers the nodes so that a parent comes before its children.
    if [node["id"] for node in nodes] != list(range(len(nodes))):
        raise RuntimeError(f"fitted tree: got node ids {[node['id'] for node in nodes][:8]}...; expected 0, 1, 2, ...")
    columns = zip(*(_node(node) for node in nodes), strict=True)
    return Tree(*(list(column) for column in columns))


def _node(node: dict) -> Iterator[object]:
    feature, threshold, left, right = LEAF, 0.0, node["leftChild"], node["rightChild"]
    if left != LEAF:
        split = node["split"]
        feature, values = split["featureIndex"], split["leftCategoriesOrThreshold"]
        if split["numCategories"] == -1:
            (threshold,) = values
        elif split["numCategories"] == 2 and values in ([0.0], [1.0]):
            # A slot of 0 or 1: which of the two goes left becomes a threshold between them.
            threshold = 0.5
            if values == [1.0]:
                left, right = right, left
        else:
            raise RuntimeError(
                f"fitted tree: got a split of feature {feature} into {split['numCategories']} categories;"
                " expected amounts and slots of 0 or 1."
            )
    return iter((feature, threshold, left, right, tuple(node["impurityStats"])))
