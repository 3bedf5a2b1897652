"""The few seams of Nightschool: what the flows ask of the rooms, and nothing more.

Each has at least one real implementation and a deterministic fake that ships in the product.
`tests/contract` runs one suite over all implementations of a seam.
"""

from nightschool.protocols.engines import Bar, Embedder, Engine, Progress, Prompt, Sampler, Writer
from nightschool.protocols.memory import Extractor, Store
from nightschool.protocols.nights import Author, Trainer, Verifier
from nightschool.protocols.practice import Attempt, Environment, Policy, RolloutEngine

__all__ = [
    "Attempt",
    "Author",
    "Bar",
    "Embedder",
    "Engine",
    "Environment",
    "Extractor",
    "Policy",
    "Progress",
    "Prompt",
    "RolloutEngine",
    "Sampler",
    "Store",
    "Trainer",
    "Verifier",
    "Writer",
]
