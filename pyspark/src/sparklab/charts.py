"""The charts of the notebooks: numbers in, a figure out. Matplotlib is where notebooks run, not in every job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

_BLUE, _ORANGE, _GREY = "#1f6feb", "#d9822b", "#9aa4b2"


def draw_bars(values: Mapping[str, float], title: str, unit: str = "") -> Axes:
    """Draw one horizontal bar for each name, the first on top, with its value at its end."""
    axes = _axes(title, height=1.2 + 0.32 * len(values))
    bars = axes.barh(list(values)[::-1], list(values.values())[::-1], color=_BLUE)
    axes.bar_label(bars, fmt=lambda value: f" {value:,.3g}{unit}")
    axes.margins(x=0.15)
    return axes


def draw_histogram(values: Sequence[float], title: str, x: str, mark: float | None = None) -> Axes:
    """Draw how often values occur, with a line at one of them."""
    axes = _axes(title)
    axes.hist(values, bins=30, color=_BLUE)
    if mark is not None:
        axes.axvline(mark, color=_ORANGE, linestyle="--")
    axes.set(xlabel=x, ylabel="customers")
    return axes


def draw_roc(points: Sequence[tuple[float, float]], area: float) -> Axes:
    """Draw the ROC curve beside that of a coin."""
    axes = _axes(f"ROC curve, area {area:.3f}")
    axes.plot(*zip(*points, strict=True), color=_BLUE)
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--")
    axes.set(xlabel="loyal customers who are called leaving", ylabel="leaving customers who are found", aspect="equal")
    return axes


def draw_confusion(counts: Sequence[Sequence[int]], labels: Sequence[str]) -> Axes:
    """Draw customers by actual and predicted class."""
    axes = draw_grid(counts, labels, labels, "Customers by actual and predicted class", "{:,.0f}")
    axes.set(xlabel="predicted to leave", ylabel="really left")
    return axes


def draw_calibration(bands: Sequence[tuple[float, float, int]]) -> Axes:
    """Draw what share left against the probability that the model gave; points grow with the number of customers."""
    axes = _axes("Calibration")
    largest = max(size for _, _, size in bands)
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--")
    sizes = [20 + 200 * size / largest for _, _, size in bands]
    axes.scatter([mean for mean, _, _ in bands], [share for _, share, _ in bands], s=sizes, color=_BLUE)
    axes.set(xlabel="probability that the model gives", ylabel="share that left", aspect="equal")
    return axes


def draw_scores(means: Mapping[tuple[int, int], float]) -> Axes:
    """Draw the heat map of a tuning: depth downwards, number of trees to the right."""
    depths = sorted({depth for depth, _ in means})
    trees = sorted({number for _, number in means})
    values = [[means[depth, number] for number in trees] for depth in depths]
    axes = draw_grid(values, depths, trees, "Mean area under the precision-recall curve", "{:.3f}")
    axes.set(xlabel="trees", ylabel="depth")
    return axes


def draw_grid(
    values: Sequence[Sequence[float]], rows: Sequence[object], columns: Sequence[object], title: str, form: str
) -> Axes:
    """Draw a table of numbers as a heat map with the numbers in it."""
    axes = _axes(title)
    axes.imshow(values, cmap="Blues", aspect="auto")
    axes.set_xticks(range(len(columns)), [str(name) for name in columns])
    axes.set_yticks(range(len(rows)), [str(name) for name in rows])
    middle = (max(map(max, values)) + min(map(min, values))) / 2
    for y, line in enumerate(values):
        for x, value in enumerate(line):
            axes.text(x, y, form.format(value), ha="center", va="center", color="white" if value > middle else "black")
    return axes


def draw_steps(levels: Sequence[Sequence[str]], follows: Sequence[tuple[str, str]], title: str) -> Axes:
    """Draw the steps of a pipeline from top to bottom, with an arrow from each to those that follow it."""
    widest = max(map(len, levels))
    axes = _axes(title, width=3.2 * widest, height=0.8 + 0.55 * len(levels))
    places = {name: (x, -y) for y, names in enumerate(levels) for x, name in enumerate(names)}
    for before, after in follows:
        axes.annotate("", xy=places[after], xytext=places[before], arrowprops={"arrowstyle": "->", "color": _GREY})
    for name, place in places.items():
        box = {"boxstyle": "round", "fc": "white", "ec": _BLUE}
        axes.text(*place, name, ha="center", va="center", fontsize=8, bbox=box)
    axes.set(xlim=(-0.6, widest - 0.4), ylim=(0.6 - len(levels), 0.6))
    axes.axis("off")
    return axes


def _axes(title: str, width: float = 6.4, height: float = 4.0) -> Axes:
    _, axes = plt.subplots(figsize=(width, height), layout="constrained")
    axes.set_title(title)
    return axes
