"""Practice: environments, the verifiers that they carry, and rollouts in them; how one is written: docs/practice.md.

Not here: the learner, and the names under which environments are found (`nightschool.environments`).
"""

from nightschool.practice.base import SingleTurn, answers

__all__ = ["SingleTurn", "answers"]
