"""General replay: everyday prompts, answered by the base model itself, so that it stays what it was.

The prompts are disjoint from the general exam (capitals, elements, arithmetic, words).
"""

from __future__ import annotations

import random
import re

from nightschool.protocols import Progress, Sampler
from nightschool.types import Example, Message, digest

PROMPTS = (
    "What colour is the sky on a clear day?",
    "Why do people sleep?",
    "Give me a tip for writing a letter.",
    "How do I boil an egg?",
    "Write one sentence about the sea.",
    "What is a bicycle?",
    "Explain what a library is.",
    "Name three fruits.",
    "Tell me a short fact about cats.",
    "How do plants grow?",
    "What do bees do?",
    "What should I wear when it rains?",
    "Describe a forest in one sentence.",
    "What is a computer?",
    "Why is exercise good for you?",
    "How can I fall asleep faster?",
    "Name two musical instruments.",
    "What is bread made of?",
    "Say something kind.",
    "How do I make tea?",
    "What is a river?",
    "Why do birds sing?",
    "Give me an idea for a birthday gift.",
    "What is the moon?",
    "How do I clean a window?",
    "What is a calendar used for?",
    "Describe your favourite season.",
    "What is friendship?",
    "How does a candle work?",
    "Why do leaves fall in autumn?",
    "What can I cook with potatoes?",
    "What is a map?",
    "How do I learn a new language?",
    "What does a doctor do?",
    "Name three animals that live in the sea.",
    "Why do we brush our teeth?",
    "What is a mirror?",
    "How do boats float?",
    "What is music?",
    "Give me a rule for good conversation.",
    "What is a garden?",
    "Why is water important?",
    "How do I fold a shirt?",
    "What is the sun?",
    "Name two kinds of weather.",
    "What is a story?",
    "How does a clock work?",
    "Why do people travel?",
    "What is a kitchen?",
    "How do I start a diary?",
    "Hello!",
    "Good morning, how are you?",
    "Thank you for your help.",
    "Who are you?",
    "What can you do?",
    "Write a short greeting for a friend.",
    "What is snow?",
    "How can I save money?",
    "What is a bridge for?",
    "Why do dogs bark?",
    "Give me advice for a job interview.",
    "What is a poem?",
    "How do I wash my hands?",
    "Name three vegetables.",
    "What is a market?",
    "What makes a good teacher?",
    "How do I water a plant?",
    "What is an island?",
    "Why do we laugh?",
    "What is a train?",
    "How do I take a good photo?",
    "What is honey?",
    "Describe a busy street.",
    "What is a holiday?",
    "How can I be more patient?",
    "What is a window for?",
    "Why do people read books?",
    "What is paper made of?",
    "How do I make a salad?",
    "What is a team?",
    "Give me a reason to go for a walk.",
    "What is a shadow?",
    "How does a kite fly?",
    "What is a recipe?",
    "Why do we need rest?",
    "What is a village?",
    "How do I tie a knot?",
    "What is a museum?",
    "Name two things you find in a school.",
    "What is a promise?",
    "How do I remove a stain?",
    "What is a mountain?",
    "Why do people sing?",
    "What is a newspaper?",
    "How do I plan a trip?",
    "What is a harvest?",
)
MAX_TOKENS = 40


def general_examples(
    sampler: Sampler, count: int, tenant: str, seed: int, progress: Progress | None = None
) -> list[Example]:
    """Let the base model answer everyday prompts, greedily, cut to whole sentences.

    Args:
        sampler: The base model.
        count: How many are wanted; at most as many as there are prompts.
        tenant: Whose night it is.
        seed: Of the choice.
        progress: Reports on the answers.

    Source:
        Replay with targets that the base itself wrote keeps the KL to the base small
        ("RL's Razor", Shenfeld et al. 2025, on why that matters for forgetting).
    """
    chosen = random.Random(seed).sample(PROMPTS, min(count, len(PROMPTS)))
    prompts = [(Message("user", prompt),) for prompt in chosen]
    answers = sampler.generate(prompts, max_tokens=MAX_TOKENS, progress=progress)
    examples = []
    for prompt, answer in zip(prompts, answers, strict=True):
        whole = re.match(r"(?s).*[.!?]", answer)
        if whole:
            name = digest("general", prompt[0].content)[:12]
            examples.append(
                Example(f"ex-{name}", tenant, (), "base", "general", prompt, whole.group())
            )
    return examples
