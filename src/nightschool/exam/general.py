"""General ability: a fixed bank of multiple-choice items, everyday prompts, and plain text.

The items were generated once by `bench/make_general.py` (which names sources and licences)
without looking at any model's answers. The prompts and the text below were written for this
project.
"""

from __future__ import annotations

import json
import math
from importlib import resources

from nightschool.protocols import Prompt, Sampler
from nightschool.types import DEFAULT_TENANT, Bank, BankKind, Item, Message

GENERAL_BANK = "bank-general"


def general_bank(count: int, tenant: str = DEFAULT_TENANT) -> Bank:
    """Return the fixed prefix of `count` items of the general bank (all, when it is shorter)."""
    text = resources.files("nightschool.exam").joinpath("general_items.json").read_text("utf-8")
    items = tuple(
        Item(
            id=row["id"],
            question=row["question"],
            answers=(row["answer"],),
            choices=tuple(row["choices"]),
            group=row["group"],
            author="fixed",
        )
        for row in json.loads(text)["items"][:count]
    )
    return Bank(GENERAL_BANK, tenant, BankKind.GENERAL, "", items, "")


def general_prompts() -> list[tuple[tuple[Message, ...], str]]:
    """Return everyday prompts, each with a neutral reference answer."""
    return [((Message("user", question),), answer) for question, answer in _PROMPTS]


def plain_text() -> tuple[str, ...]:
    """Return held-out paragraphs of plain English, for perplexity."""
    return _PARAGRAPHS


def perplexity(sampler: Sampler) -> float:
    """Return the model's perplexity per token on `plain_text`."""
    tokens = [t for part in sampler.score([((), text) for text in plain_text()]) for t in part]
    return math.exp(-sum(tokens) / len(tokens))


def bits_per_byte(sampler: Sampler) -> float:
    """Return what `plain_text` costs the model, in bits for each byte of it, after the first sentence.

    A token is another piece of text to another tokenizer; a byte is not. The first sentence is the
    context: what its first token costs depends on whether a text opens with a token of its own. The
    token that ends a turn is no text and does not count.

    Source:
        Bits per byte as in The Pile (Gao et al. 2020), section 3.1.
    """
    texts = plain_text()
    openings = [text[: text.index(". ") + 1] for text in texts]
    costs = [-sum(part[:-1]) for part in sampler.score([((), t) for t in (*texts, *openings)])]
    nats = sum(costs[: len(texts)]) - sum(costs[len(texts) :])
    size = sum(len(t.encode()) - len(o.encode()) for t, o in zip(texts, openings, strict=True))
    return nats / math.log(2) / size


def kl_nats(sampler: Sampler, base: Sampler, *, answer_tokens: int, seed: int = 0) -> float:
    """Estimate KL(version || base) in nats per token on the general prompts.

    The version's own answers, sampled at temperature 1, are scored under both models; the mean of
    the log ratio is unbiased, and zero for equal models (a value near zero may come out negative).

    Args:
        sampler: The examined version.
        base: The untouched base model.
        answer_tokens: Longest sampled answer.
        seed: Of the sampling.

    Source:
        Estimator k1 of J. Schulman, Approximating KL divergence (2020). His k3 varies less close to
        the base. Far from it, one token that the base finds likely and the version rare outweighs
        all others.
    """
    prompts: list[Prompt] = [prompt for prompt, _ in general_prompts()]
    answers = sampler.generate(prompts, max_tokens=answer_tokens, temperature=1.0, seed=seed)
    pairs: list[tuple[Prompt, str]] = [
        (p, a) for p, a in zip(prompts, answers, strict=True) if a.strip()
    ]
    pairs = pairs or list(general_prompts())
    scored = zip(sampler.score(pairs), base.score(pairs), strict=True)
    ratios = [a - b for own, other in scored for a, b in zip(own, other, strict=True)]
    return sum(ratios) / len(ratios) if ratios else 0.0


_PROMPTS = (
    ("How should I store fresh herbs?", "Stand them in a glass of water in the fridge."),
    ("Describe the smell after a storm.", "The air smells of wet earth and leaves."),
    ("Give me a tip for sleeping better.", "Go to bed at the same time every night."),
    ("Which soup goes well with cheese toast?", "Tomato soup is a good match."),
    ("Say hello in French.", "Bonjour!"),
    (
        "Why is the sky red in the evening?",
        "Low sunlight crosses more air, which scatters the blue away.",
    ),
    ("Tell me a short joke.", "Why did the bicycle fall over? It was two-tired."),
    (
        "Explain what a computer is to a child.",
        "A computer is a machine that follows instructions.",
    ),
    ("List some tools that a carpenter uses.", "A hammer, a saw and a chisel."),
    ("How can I thank a friend?", "Write a short note that says what you are grateful for."),
    ("What is a good way to learn to swim?", "Take lessons in shallow water and practise often."),
    ("Write a polite request for a day off.", "May I please take Friday off?"),
    ("Where does wool come from?", "Wool comes from the fleece of sheep."),
    ("Suggest a name for a cat.", "You could call it Pepper."),
    ("How do I get ink out of a shirt?", "Dab it with alcohol, then wash the shirt in cold water."),
    ("When should I prune an apple tree?", "Late winter is a good time."),
    ("Give a synonym for happy.", "Glad."),
    ("Could you recommend a board game for two?", "Chess or backgammon would suit you both."),
    ("What should I pack for a picnic?", "Bread, fruit, something to drink and a blanket."),
    ("Write a line of a poem about night.", "The quiet night folds up the day."),
    ("Can fish hear?", "Yes, they sense sound through their inner ears."),
    ("Help me apologise for being late.", "I am sorry that I kept you waiting."),
    (
        "Tell me how to tie a knot.",
        "Cross the ends, pass one under the other, and pull them tight.",
    ),
    ("Is it better to walk or to drive a short way?", "Walking is healthier if there is time."),
)

_PARAGRAPHS = (
    "The river ran low that summer, and the ferry could no longer reach the old landing. "
    "People walked out over the stones instead, carrying their baskets on their heads, and the "
    "ferryman, who had nothing to do, sat in the shade and mended the same net for a week.",
    "Bread needs only flour, water, salt and time. The flour is wetted and left to rest until it "
    "becomes elastic; yeast then fills it with small bubbles of gas. In the oven the bubbles "
    "swell, the crust hardens, and the smell brings everybody into the kitchen.",
    "A good map leaves things out. It does not show every tree or every puddle, because a person "
    "who looks for the road would never find it among them. The art of the map maker is to know "
    "what the traveller will ask, and to answer that question before any other.",
    "When the lamp went out we waited a moment in the dark. Then someone laughed, someone else "
    "struck a match, and the room came back a little at a time: first the table, then the hands "
    "around it, and last of all the faces, which looked surprised to see each other again.",
    "Glass is made by melting sand together with ash and lime. While it is hot it can be blown, "
    "pulled and pressed into almost any shape. As it cools it becomes stiff without ever forming "
    "crystals, and this is why light passes through it so easily.",
    "My grandmother kept a list of everything that she had lent to her neighbours. It hung behind "
    "the door, and in forty years she never once looked at it. She said that writing a thing down "
    "was a way of being allowed to forget it, and that most ladders come home by themselves.",
)
