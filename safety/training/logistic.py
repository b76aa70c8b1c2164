"""Logistic regression on sparse rows, with a penalty on the squares of the weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from safety.classifier.classifier import sigmoid
from safety.classifier.features import FloatArray, Ids

Objective = Callable[[FloatArray], tuple[float, FloatArray]]


@dataclass(frozen=True, slots=True)
class Sparse:
    """Rows of a matrix with `width` columns: for each entry its row, its column and its value."""

    rows: Ids
    columns: Ids
    values: FloatArray
    height: int
    width: int

    def __post_init__(self) -> None:
        assert self.rows.shape == self.columns.shape == self.values.shape

    def times(self, weights: FloatArray) -> FloatArray:
        products = weights[self.columns] * self.values
        return np.asarray(np.bincount(self.rows, products, self.height), np.float64)

    def transposed_times(self, errors: FloatArray) -> FloatArray:
        products = errors[self.rows] * self.values
        return np.asarray(np.bincount(self.columns, products, self.width), np.float64)


def fit(
    matrix: Sparse, labels: FloatArray, importance: FloatArray, strength: float
) -> tuple[FloatArray, float]:
    """Fit weights [width] and a bias to labels [height] of 0 and 1; the bias has no penalty."""
    # Empty columns keep a weight of 0, and would take as much time as the others.
    used, columns = np.unique(matrix.columns, return_inverse=True)
    rows = Sparse(matrix.rows, columns, matrix.values, matrix.height, len(used))

    def objective(point: FloatArray) -> tuple[float, FloatArray]:
        weights, bias = point[:-1], point[-1]
        odds = rows.times(weights) + bias
        loss = importance @ (np.logaddexp(0, odds) - labels * odds)
        errors = strength * importance * (sigmoid(odds) - labels)
        gradient = np.append(rows.transposed_times(errors) + weights, errors.sum())
        return float(strength * loss + weights @ weights / 2), gradient

    point = minimum(objective, np.zeros(len(used) + 1))
    weights = np.zeros(matrix.width)
    weights[used] = point[:-1]
    return weights, float(point[-1])


def minimum(
    objective: Objective, point: FloatArray, rounds: int = 300, memory: int = 8
) -> FloatArray:
    """Return where a convex function is least: L-BFGS (Liu and Nocedal 1989) with backtracking."""
    value, gradient = objective(point)
    steps: list[tuple[FloatArray, FloatArray]] = []
    for _ in range(rounds):
        direction = _direction(gradient, steps)
        slope, length = float(gradient @ direction), 1.0
        while True:
            step = -length * direction
            new_value, new_gradient = objective(point + step)
            if new_value <= value - 1e-4 * length * slope or length < 1e-6:
                break
            length /= 2
        if step @ (new_gradient - gradient) > 1e-12:
            steps = [*steps, (step, new_gradient - gradient)][-memory:]
        is_done = value - new_value < 1e-6 * abs(value)
        point, value, gradient = point + step, new_value, new_gradient
        if is_done:
            break
    return point


def _direction(gradient: FloatArray, steps: Sequence[tuple[FloatArray, FloatArray]]) -> FloatArray:
    """Return the gradient, corrected by the curvature that the last steps show."""
    if not steps:
        return gradient / max(1.0, float(np.linalg.norm(gradient)))
    bent, shares = gradient.copy(), []
    for step, change in reversed(steps):
        shares.append(step @ bent / (change @ step))
        bent -= shares[-1] * change
    step, change = steps[-1]
    bent *= step @ change / (change @ change)
    for (step, change), share in zip(steps, reversed(shares), strict=True):
        bent += step * (share - change @ bent / (change @ step))
    return bent
