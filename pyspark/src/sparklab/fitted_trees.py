"""The trees of a fitted forest as plain arrays: what a bundle holds and what a forest of another depth is cut from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from py4j.java_gateway import JavaObject, JVMView
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
    mapper = _mapper(jvm)
    saved = getattr(getattr(jvm.org.apache.spark.ml.tree, f"{_NODE}$"), "MODULE$")
    return [
        _tree(json.loads(mapper.writeValueAsString(saved.build(tree.rootNode(), 0)._1())))
        for tree in forest._java_obj.trees()
    ]


_NODE = "DecisionTreeModelReadWrite$NodeData"


@cache
def _mapper(jvm: JVMView) -> JavaObject:
    """Make what writes Spark's nodes as JSON, without what no tree here holds; it looks at their class only once."""
    jackson = jvm.com.fasterxml.jackson
    mapper = jackson.databind.ObjectMapper().registerModule(jackson.module.scala.DefaultScalaModule())
    hidden, shown = (
        getattr(getattr(jackson.annotation, "JsonAutoDetect$Visibility"), name) for name in ("NONE", "ANY")
    )
    mapper.setVisibility(jackson.annotation.PropertyAccessor.ALL, hidden)
    mapper.setVisibility(jackson.annotation.PropertyAccessor.FIELD, shown)
    unused = jvm.java.util.Set.of("prediction", "impurity", "rawCount", "gain")
    ignored = getattr(jackson.annotation, "JsonIgnoreProperties$Value").forIgnoredProperties(unused)
    mapper.configOverride(jvm.java.lang.Class.forName(f"org.apache.spark.ml.tree.{_NODE}")).setIgnorals(ignored)
    return mapper


def _tree(nodes: list[dict]) -> Tree:
    # Spark numbers the nodes so that a parent comes before its children.
    if [node["id"] for node in nodes] != list(range(len(nodes))):
        raise RuntimeError(f"fitted tree: got node ids {[node['id'] for node in nodes][:8]}...; expected 0, 1, 2, ...")
    columns = zip(*map(_node, nodes), strict=True)
    return Tree(*map(list, columns))


def _node(node: dict) -> tuple[int, float, int, int, tuple[float, ...]]:
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
    return feature, threshold, left, right, tuple(node["impurityStats"])
