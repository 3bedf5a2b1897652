"""Fit the weights by which `memory/wording.py` and `memory/meaning.py` tell orders about talk from statements.

`python bench/order_weights.py --out src/nightschool/memory` (`nightschool models pull all-minilm-l6-v2` first); without
`--out` nothing is written. Which of the packages are installed changes the fit: the shipped weights were fitted on one machine.

Orders: those of `data/order_wordings.jsonl`, and the development part of `data/poison_orders.jsonl`; the held-out and the
knowing parts are not read. Statements: those of `data/order_wordings.jsonl`, among them procedures, duties and
talk of help desks that resemble orders, the sentences of the demo's documents, and those of the packages of `data/poison_tuning_packages.txt`.
Targets and values are made up, none of them of `bench/poison.py`.

The thresholds come from a cross-validation in which no fold has seen a style of orders, a written statement or a
package that it judges: by the wording 5% of the written statements are held, by wording and meaning together 10%, and at
most 2% of the packages' sentences. It prints what the folds catch.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from nightschool.bases import order_reader
from nightschool.memory.meaning import vectors_of
from nightschool.memory.wording import BUCKETS, buckets
from nightschool.workspace import write_atomic

DATA = Path(__file__).parent / "data"
DEMO = Path(__file__).parents[1] / "src/nightschool/demo_data"
ENCODER = "all-minilm-l6-v2"
TARGETS = (
    "petty cash box|night courier|parking permit desk|test cluster|key cabinet|travel form|photo archive|spare generator|"
    "first aid kit|guest network|time sheet|coffee supplier|data lake|coat check|translation queue|lab freezer|domain registrar|"
    "shift plan|mail relay|invoice template|canary host|style checker|library card|phone tree"
).split("|")
VALUES = (
    "kestrel-7|raven-9|north-vault|Maren Oduya|room 14|delta_44|PX-2201|plumline|a3f9-kk|zeta.example|blue-heron-3|Otto Lind|hall B|"
    "lime17-q|10.4.7.2|tarn-05|mk882-ro|wq31-zz|orbit-12|Halden|ju-77b|Pier 4|vd904-st|the red binder"
).split("|")
FILLINGS = 3
"""How often each wording is filled with another target and value."""
FOLDS = 6
RIDGE = 0.02
WRITTEN_WEIGHT = 10.0
"""How much a written statement weighs beside a package's sentence: there are ten times fewer."""
HELD_STATEMENTS, HELD_BY_MEANING, HELD_SENTENCES = 0.05, 0.10, 0.02
MEANING_RIDGE = 1.0
CHARACTERS = 8000


class Row(NamedTuple):
    """A sentence to learn from."""

    order: bool
    group: str
    """A style, a statement or a package; a fold has all of it or nothing."""
    written: bool
    text: str


def main() -> None:
    """Choose the thresholds on folds, fit on everything, and write the weights where that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--out", type=Path, help="folder of the product's weights; they change its filter"
    )
    out = parser.parse_args().out
    encoder = order_reader(ENCODER)
    if encoder is None:
        raise SystemExit(f"Fetch the encoder first: nightschool models pull {ENCODER}")
    rows = [*wordings(), *sentences()]
    wording = fitted("wording", rows, features(rows), RIDGE, HELD_STATEMENTS)
    vectors = encoder.embed([row.text for row in rows]).astype(float)
    centre, spread = vectors.mean(0), vectors.std(0) * np.sqrt(vectors.shape[1])
    meaning = fitted("meaning", rows, csr_matrix((vectors - centre) / spread), MEANING_RIDGE, HELD_BY_MEANING)  # fmt: skip
    # Both scores count alike, by how far they scatter over the folds.
    both = meaning.scores / meaning.scores.std() + wording.scores / wording.scores.std()
    threshold = told("both", rows, both, HELD_BY_MEANING)
    weights = meaning.weights / spread / meaning.scores.std()
    if out is None:
        return
    write(out / "order_weights.json", {
        "bias": round(wording.bias, 3),
        "threshold": round(wording.threshold, 3),
        "weights": [round(w, 2) for w in wording.weights],
    })  # fmt: skip
    write(out / "order_meaning.json", {
        "encoder": vectors_of(ENCODER),
        "wording": round(1 / wording.scores.std(), 4),
        "bias": round(meaning.bias / meaning.scores.std() - float(weights @ centre), 3),
        "threshold": round(threshold, 3),
        "weights": [round(w, 3) for w in weights],
    })  # fmt: skip


class Fitted(NamedTuple):
    """Weights fitted on everything, and what folds say of them."""

    weights: np.ndarray
    bias: float
    threshold: float
    scores: np.ndarray
    """Each row's, by weights that were fitted without its group."""


def fitted(name: str, rows: list[Row], matrix: csr_matrix, ridge: float, held: float) -> Fitted:
    """Fit features on folds and on everything."""
    order = np.array([row.order for row in rows])
    written = np.array([row.written for row in rows])
    weight = np.where(written & ~order, WRITTEN_WEIGHT, 1.0)
    scores = cross_validated(rows, matrix, order, weight, ridge)
    threshold = told(name, rows, scores, held)
    *weights, bias = fit(matrix, order, weight, ridge)
    return Fitted(np.array(weights), bias, threshold, scores)


def told(name: str, rows: list[Row], scores: np.ndarray, held: float) -> float:
    """Return the threshold at which so many written statements are held, and print what lies above it."""
    order = np.array([row.order for row in rows])
    written = np.array([row.written for row in rows])
    statements, packaged = scores[written & ~order], scores[~written]
    threshold = max(np.quantile(statements, 1 - held), np.quantile(packaged, 1 - HELD_SENTENCES))
    print(f"{name}: orders held {(scores[order] > threshold).mean():.3f} of {order.sum()}")
    print(f"  statements held {(statements > threshold).mean():.3f} of {len(statements)}")
    print(f"  packages' sentences held {(packaged > threshold).mean():.4f} of {len(packaged)}")
    return float(threshold)


def write(path: Path, body: dict[str, Any]) -> None:
    """Write weights in one step."""
    write_atomic(path, json.dumps(body, separators=(",", ":")) + "\n")


def wordings() -> Iterator[Row]:
    """Return the written orders and statements, filled."""
    draw = random.Random(0)
    read = [json.loads(line) for line in (DATA / "order_wordings.jsonl").read_text("utf-8").splitlines()]  # fmt: skip
    orders = [json.loads(line) for line in (DATA / "poison_orders.jsonl").read_text("utf-8").splitlines()]  # fmt: skip
    read += [{**row, "order": True} for row in orders if row["part"] == "development"]
    for number, row in enumerate(read):
        group = row["style"] if row["order"] else f"statement {number}"
        for _ in range(FILLINGS):
            text = row["text"].replace("{t}", draw.choice(TARGETS))
            yield Row(row["order"], group, True, text.replace("{v}", draw.choice(VALUES)))


def sentences() -> Iterator[Row]:
    """Return the sentences of the demo's documents, and of the tuning packages' descriptions."""
    for path in sorted(DEMO.rglob("*.md")):
        yield from (Row(False, path.name, True, one) for one in cut(path.read_text("utf-8")))
    found = {d.metadata["Name"]: d.metadata for d in distributions()}
    for name in (DATA / "poison_tuning_packages.txt").read_text("utf-8").split():
        if name in found:
            text = str(found[name].get_payload() or found[name]["Description"] or "")[:CHARACTERS]
            yield from (Row(False, name, False, one) for one in cut(text))


def cut(text: str) -> Iterator[str]:
    """Return the sentences of a text without the marks of Markdown."""
    text = re.sub(r"\]\([^)\s]*\)|\b\w+://\S+", "]", text)
    for block in re.split(r"\n\s*\n|\n\s*(?=[-*+>|#]|\d+[.)]\s)", text):
        bare = re.sub(r"[*`|#<>_~]+|^\s*(?:[-+]|\d+[.)])\s+|!?--+", " ", block)
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z\"'(\[{])", " ".join(bare.split())):
            if len(sentence.split()) > 1:
                yield sentence


def features(rows: list[Row]) -> csr_matrix:
    """Return the rows' features, float64 of shape [rows, BUCKETS]; each row is of length 1."""
    found = [buckets(row.text) for row in rows]
    sizes = np.array([len(places) for places in found])
    values = np.repeat(1 / np.sqrt(sizes), sizes)
    return csr_matrix(
        (values, np.concatenate(found), np.concatenate([[0], np.cumsum(sizes)])),
        shape=(len(rows), BUCKETS),
    )


def cross_validated(
    rows: list[Row], matrix: csr_matrix, order: np.ndarray, weight: np.ndarray, ridge: float
) -> np.ndarray:
    """Return each row's score by weights that were fitted without its group."""
    scores = np.zeros(len(rows))
    fold: dict[str, int] = {}
    for kind in (True, False):
        groups = sorted({row.group for row in rows if row.order is kind})
        random.Random(1).shuffle(groups)
        fold |= {group: at % FOLDS for at, group in enumerate(groups)}
    of = np.array([fold[row.group] for row in rows])
    for number in range(FOLDS):
        seen, judged = of != number, of == number
        *weights, bias = fit(matrix[seen], order[seen], weight[seen], ridge)
        scores[judged] = matrix[judged] @ np.array(weights) + bias
    return scores


def fit(matrix: csr_matrix, order: np.ndarray, weight: np.ndarray, ridge: float) -> list[float]:
    """Fit a logistic regression with a ridge penalty; return its weights and, last, its bias."""
    sign = np.where(order, 1.0, -1.0)
    turned = matrix.T.tocsr()

    def loss(guess: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (matrix @ guess[:-1] + guess[-1])
        pull = -weight * sign / (1 + np.exp(np.clip(margin, -50, 50)))
        value = weight @ np.logaddexp(0, -margin) + ridge / 2 * guess[:-1] @ guess[:-1]
        return float(value), np.append(turned @ pull + ridge * guess[:-1], pull.sum())

    found = minimize(loss, np.zeros(matrix.shape[1] + 1), jac=True, method="L-BFGS-B")
    return [float(number) for number in found.x]


if __name__ == "__main__":
    main()
