"""Use case: find the forest's best settings by cross-validation, every score kept.

Forests that differ in depth alone share one fit. Spark grows all trees level by level and draws bags and candidate
features in that order, so the first levels of a deep forest are, bit for bit, the forest of less depth; it is cut off
and pruned as Spark prunes. Fewer trees are no part of more trees: Spark draws each row's bags for all trees at once,
so another number of trees is another forest from the first row on, and is fitted of its own.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
from pyspark import inheritable_thread_target
from pyspark.ml.classification import RandomForestClassifier
from pyspark.ml.functions import vector_to_array
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from sparklab.cut_forest import CutForest
from sparklab.evaluation import areas_under_curves
from sparklab.fitted_trees import fitted_trees

SEED = 6


@dataclass(frozen=True)
class Combination:
    """One choice of settings."""

    max_depth: int
    max_bins: int
    num_trees: int

    def forest(self) -> dict[str, int | bool]:
        """Give the settings as Spark names them.

        A customer's place in each tree is kept from level to level: the forest is the same, and is not sent to the
        executors again for each level, which is half of the work on deep ones.
        """
        sizes = {"numTrees": self.num_trees, "maxDepth": self.max_depth, "maxBins": self.max_bins}
        return {**sizes, "seed": SEED, "cacheNodeIds": True}


@dataclass(frozen=True)
class FoldScore:
    """What one combination reached on the customers of one fold, fitted on those of the others."""

    combination: Combination
    fold: int
    area_roc: float
    area_prc: float


SPACES = {
    "full": tuple(Combination(*values) for values in product((5, 10, 15), (24, 32, 40), (25, 30, 35))),
    "small": tuple(Combination(*values) for values in product((5, 10), (32,), (25,))),
}

Proposals = Generator[Combination, float, None]
"""Gives combinations one after the other; is sent the mean score of each before it gives the next."""


def deepest(search: str) -> int:
    """Give the greatest depth that a search may propose."""
    return max(combination.max_depth for combination in SPACES.get(search, SPACES["full"]))


def proposals(search: str, trials: int) -> Proposals:
    """Start a search: all of a space, or up to `trials` combinations of the full space, at random or by Optuna."""
    if search in SPACES:
        return _listed(SPACES[search][:trials])
    if search == "random":
        space = SPACES["full"]
        return _listed(random.Random(SEED).sample(space, min(trials, len(space))))  # noqa: S311 (seeded, no secret)
    if search == "optuna":
        return _suggested(trials)
    raise ValueError(f"search: got {search!r}; expected one of {', '.join([*SPACES, 'random', 'optuna'])}.")


def tune(
    score: Callable[[Combination], list[FoldScore]], search: Proposals, *, seconds: float, clock: Callable[[], float]
) -> list[FoldScore]:
    """Score what a search proposes until it ends or its time is up; the combination under way is finished."""
    end = clock() + seconds
    scores: list[FoldScore] = []
    try:
        combination = next(search)
        while True:
            found = score(combination)
            scores += found
            if clock() >= end:
                break
            combination = search.send(statistics.fmean(one.area_prc for one in found))
    except StopIteration:
        pass
    return scores


def best_combination(scores: Sequence[FoldScore]) -> Combination:
    """Give the combination of the highest mean area under the precision-recall curve; of equals the smallest forest."""
    means: dict[Combination, list[float]] = {}
    for one in scores:
        means.setdefault(one.combination, []).append(one.area_prc)
    return max(means, key=lambda c: (statistics.fmean(means[c]), -c.num_trees, -c.max_depth, -c.max_bins))


def fold_of(folds: int) -> Column:
    """Give the fold of a customer, from a hash of the id alone."""
    digest = F.sha2(F.concat(F.lit("fold:"), F.col("customer_id")), 256)
    return F.conv(F.substring(digest, 1, 8), 16, 10).cast("bigint") % folds + 1


class CrossValidation:
    """Scores combinations on encoded customers (customer_id, label, features), fitting each deep forest once.

    The customers are one partition: a fit is many small stages, and fits side by side use the processors better than
    one fit whose parts wait for each other. All folds are side by side, so that none is left to run alone at the end,
    and one is scored while others are still fitted.
    """

    def __init__(self, encoded: DataFrame, folds: int, greatest_depth: int) -> None:
        self._rows = encoded.withColumn("fold", fold_of(folds)).coalesce(1).cache()
        self._folds = range(1, folds + 1)
        self._greatest_depth = greatest_depth
        self._fitted: dict[tuple[int, int, int], CutForest] = {}
        rows = self._rows.select("fold", "label", vector_to_array("features")).collect()
        self._held_out = {
            fold: ([row[1] for row in rows if row[0] == fold], np.array([row[2] for row in rows if row[0] == fold]))
            for fold in self._folds
        }

    def score(self, combination: Combination) -> list[FoldScore]:
        """Give a combination's score on each fold."""

        def score_fold(fold: int) -> FoldScore:
            labels, vectors = self._held_out[fold]
            forest = self._forest(fold, combination.max_bins, combination.num_trees)
            chances = forest.probabilities(vectors, combination.max_depth)
            return FoldScore(combination, fold, *areas_under_curves(list(zip(chances.tolist(), labels, strict=True))))

        with ThreadPoolExecutor(max_workers=len(self._folds)) as threads:
            return list(threads.map(inheritable_thread_target(score_fold), self._folds))

    def _forest(self, fold: int, max_bins: int, num_trees: int) -> CutForest:
        key = (fold, max_bins, num_trees)
        if key not in self._fitted:
            settings = Combination(self._greatest_depth, max_bins, num_trees).forest()
            forest = RandomForestClassifier(**settings).fit(self._rows.where(F.col("fold") != fold))
            self._fitted[key] = CutForest(fitted_trees(forest))
        return self._fitted[key]


def _listed(combinations: Sequence[Combination]) -> Proposals:
    for combination in combinations:  # noqa: UP028 (a sequence takes no scores)
        yield combination


def _suggested(trials: int) -> Proposals:
    try:
        import optuna
    except ModuleNotFoundError as missing:
        raise ValueError(
            "search: got 'optuna', which this runtime does not have; expected it to be installed. Use --search random,"
            " or a runtime image with the package optuna."
        ) from missing
    choices = {
        name: sorted({getattr(combination, name) for combination in SPACES["full"]})
        for name in ("max_depth", "max_bins", "num_trees")
    }
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=SEED))
    seen: dict[Combination, float] = {}
    for _ in range(trials):
        trial = study.ask()
        combination = Combination(**{name: trial.suggest_categorical(name, values) for name, values in choices.items()})
        if combination not in seen:
            seen[combination] = yield combination
        study.tell(trial, seen[combination])


def score_rows(scores: Sequence[FoldScore]) -> list[tuple[object, ...]]:
    """Give every score as a row of tuning_scores, with the mark of the combination that was chosen."""
    chosen = best_combination(scores)
    return [
        (c.max_depth, c.max_bins, c.num_trees, one.fold, one.area_roc, one.area_prc, c == chosen)
        for one in scores
        for c in (one.combination,)
    ]


SCORE_COLUMNS = (
    "max_depth long, max_bins long, num_trees long, fold long, area_roc double, area_prc double, chosen boolean"
)
