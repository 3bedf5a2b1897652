"""The same question in many words: variety of expression is what makes a fact answerable.

Source:
    Physics of Language Models, part 3.1 (Allen-Zhu and Li 2023): a fact seen in one phrasing is
    memorised but cannot be extracted; about ten phrasings can. Here the phrasings are templates.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from itertools import zip_longest

from nightschool.language import parse
from nightschool.negation import denies
from nightschool.study.lexicon import inflect
from nightschool.study.wordings import synonyms, whole
from nightschool.types import digest

BE = ("is", "are", "was", "were")
FRAMES = (
    "Can you tell me {e}?",
    "I forgot. {q}",
    "Do you know {e}?",
    "Quick question: {l}",
    "Remind me, {l}",
    "Please tell me {e}.",
    "Someone wants to know {e}. What should I say?",
    "I need to know {e}.",
    "{q} Answer briefly.",
    "Do you remember {e}?",
    "For my notes: {l}",
    "I was asked {e}, and I had no answer. Do you?",
)
"""`q` the question, `e` its indirect form, `l` the question inside a sentence."""
SITUATIONS = (
    "I have a question about {s}. {q}",
    "It is about {s}. {q}",
    "A new colleague asked me about {s}. {q}",
    "I am writing a note on {s}. {q}",
    "We were just talking about {s}. {q}",
    "Somebody called because of {s}. {q}",
    "I have to deal with {s} today. {q}",
)
"""A sentence before the question, which must not put the model off; `s` is the subject."""
NOMINAL = (
    "{S}?",
    "Name {s}.",
    "{b}: what should I write down?",
    "I'm looking for {s}.",
    "What do we have as {s}?",
)
"""For a question `What is SUBJECT?`; `b` is the subject without its article."""
WHICH = (
    (r"Who(?= (?!am\b|are you\b))", ("Which person", "Which of us", "Which colleague")),
    (r"When", ("On what date", "On which day", "At which point in time")),
    (r"Where", ("In what place", "At which place", "In which spot")),
    (r"What time", ("At what hour", "At which time of day")),
    (r"What(?= (?:is|are|was|were) )", ("What exactly", "Which one")),
    (r"What(?= (?:does|do|did) )", ("What is it that", "Which thing")),
    (r"How many", ("What number of", "Exactly how many")),
    (r"Until when", ("Up to which date", "How long")),
)
"""Other question words for the same kind of answer."""


def vary(question: str, subject: str, attempts: int, *, about: str = "") -> list[str]:
    """Word a question in up to `attempts` distinct ways, the plainest first.

    The wordings take turns: synonyms, indirect forms, other question words, catchwords only, and
    a sentence of situation before the question.

    Args:
        question: A wh-question.
        subject: What it is about; a question `What is SUBJECT?` also gets noun-phrase forms.
        attempts: How many wordings are wanted at most.
        about: What a sentence of situation may name; empty where that would give the answer away.
    """
    rng = random.Random(digest(question))
    kinds = [
        _shuffled(rng, _with_synonyms(question)),
        _shuffled(rng, [_framed(frame, question, subject) for frame in FRAMES]),
        _nominal(question, subject),
        _shuffled(rng, _which(question)),
        _catchwords(question, rng),
        _shuffled(rng, [_framed(one, question, about) for one in SITUATIONS if about]),
    ]
    # Frames around synonyms: the words and the construction change together.
    kinds[1] = [
        _framed(FRAMES[k % len(FRAMES)], other, subject) for k, other in enumerate(kinds[0][1:4])
    ] + kinds[1]
    forms = [form for row in zip_longest(*kinds) for form in row if form]
    found = dict.fromkeys([question])
    for turn, form in enumerate(forms):
        if len(found) >= attempts:
            break
        found[_short_names(form, turn)] = None
    return list(found)[:attempts]


def _shuffled(rng: random.Random, forms: Sequence[str]) -> list[str]:
    return rng.sample(forms, len(forms))


def _short_names(form: str, turn: int) -> str:
    """Call people by their first name in every third wording, as colleagues do."""
    if turn % 3 != 1:
        return form
    for entity in parse(form).ents:
        words = entity.text.removesuffix("'s").split()
        if entity.label_ == "PERSON" and len(words) == 2 and all(w.isalpha() for w in words):
            form = form.replace(" ".join(words), words[0])
    return form


def _framed(frame: str, question: str, subject: str) -> str:
    lower = question[0].lower() + question[1:]
    embedded = embed(question) if "{e}" in frame else ""
    return frame.format(q=question, e=embedded, l=lower, s=subject)


def _nominal(question: str, subject: str) -> list[str]:
    plain = re.fullmatch(rf"(?:What|Who|Where|When) (?:{'|'.join(BE)}) (.+)\?", question)
    if not plain or (plain.group(1) != subject and not re.match("(the|our) ", plain.group(1))):
        return []
    if any(
        t.tag_ in ("VBN", "VBG") or (t.dep_ == "prep" and not list(t.children))
        for t in parse(question)
    ):
        return []  # "What is the cat called?" names no noun phrase
    subject = plain.group(1)
    bare = re.sub(r"^(the|a|an) ", "", subject)
    forms = [
        one.format(s=subject, S=subject[0].upper() + subject[1:], b=bare[0].upper() + bare[1:])
        for one in NOMINAL
    ]
    return [f"What's {subject}?", *forms] if question.startswith("What is") else forms


def _which(question: str) -> list[str]:
    """Exchange the question word."""
    found = []
    for pattern, others in WHICH:
        match = re.match(pattern + r"\b", question)
        for other in others if match else ():
            rest = question[match.end() :] if match else ""
            if other == "What is it that":
                rest = " " + embed(question).split(" ", 1)[1] + "?"
            found.append(other + rest)
    if re.match(r"Who (?!is|are|was|were|did|does|do)\w+", question):
        found.append("Who is it that" + question[3:])
    return found


def _catchwords(question: str, rng: random.Random) -> list[str]:
    """Keep the words that carry the meaning, in order and out of order, as in a search box."""
    doc = parse(question)
    word = doc[0].text
    kept = [t.text for t in doc[1:] if t.pos_ in CARRIERS and t.lemma_ not in ("be", "many", "do")]
    if len(kept) < 2 or denies(question):
        return []  # the words that carry the meaning are the same without "not"
    mixed = rng.sample(kept, len(kept))
    lead = word.lower() if word.lower() in ("who", "when", "where") else ""
    return [" ".join(filter(None, (lead, *words))) + "?" for words in (kept, mixed)]


CARRIERS = frozenset(["NOUN", "PROPN", "VERB", "ADJ", "NUM"])


KINDS = {"v": ("VERB", "AUX"), "n": ("NOUN", "PROPN"), "a": ("ADJ", "ADV")}


def _with_synonyms(question: str) -> list[str]:
    """Exchange one or two words for synonyms; the first word, the question word, stays."""
    parts = {token.idx: token.pos_ for token in parse(question)}
    spots: list[tuple[int, int, tuple[str, ...]]] = []
    for (kind, word), others in synonyms("synonyms.txt").items():
        match = whole(word, "-", "-").search(question)
        if match and match.start() and parts.get(match.start()) in KINDS[kind]:
            spots.append((match.start(), match.end(), others))
    # "work at" before "work": the longer match names the meaning.
    spots = [s for s in spots if not any(o[0] <= s[0] and s[1] < o[1] for o in spots)]
    single = [question[:a] + other + question[b:] for a, b, others in spots for other in others]
    double = []
    for (a, b, one), (c, d, two) in zip(sorted(spots), sorted(spots)[1:], strict=False):
        for x, y in zip(one, two, strict=False):
            double.append(question[:a] + x + question[b:c] + y + question[d:])
    return [*double, *single]


def embed(question: str) -> str:
    """Turn a direct question into an indirect one: "Where does Ines work?" -> "where Ines works"."""
    body = question.rstrip("?")
    match = re.match(
        r"((?:What time|Until when|Since when|How many [\w -]+?|Who|What|When|Where|Whose)) (does|do|did|is|are|was|were|has|have|can|will|may|must|should|could|would) (.+)$",
        body,
    )
    if not match:
        return body[0].lower() + body[1:]
    word, auxiliary, rest = match.groups()
    word = word[0].lower() + word[1:]
    doc = parse(question)
    verb = next((t for t in doc if t.dep_ == "ROOT"), None)
    if auxiliary in BE:
        verb = next(
            (t for t in doc if t.i > 2 and t.tag_ in ("VBN", "VBG") and t.pos_ == "VERB"), verb
        )
        if verb is not None and verb.i > 2 and verb.lemma_ != "be":
            return f"{word} {doc[len(word.split()) + 1 : verb.i].text} {auxiliary} {doc[verb.i :].text.rstrip(' ?')}"
    subject = (
        next((t for t in verb.children if t.dep_ in ("nsubj", "nsubjpass")), None) if verb else None
    )
    if auxiliary in BE and (verb is None or verb.lemma_ == "be"):
        if subject is not None and subject.i >= 2:
            end = max(t.i for t in subject.subtree) + 1
            after = doc[end:].text.rstrip(" ?")
            start = min(t.i for t in subject.subtree)
            return f"{word} {doc[start:end].text} {auxiliary} {after}".strip()
        return f"{word} {rest} {auxiliary}"
    if verb is None or subject is None or verb.i < subject.i or subject.i == 0:
        return body[0].lower() + body[1:]  # the wh-word is the subject: the order stays
    end = max(t.i for t in subject.subtree if t.i < verb.i) + 1
    between = doc[end : verb.i].text
    after = doc[verb.i + 1 :].text.rstrip(" ?")
    start = min(t.i for t in subject.subtree)
    name = doc[start:end].text
    if auxiliary in ("does", "do", "did"):
        finite = inflect(verb.text, auxiliary)
        return re.sub(r"\s+", " ", f"{word} {name} {between} {finite} {after}").strip()
    return re.sub(r"\s+", " ", f"{word} {name} {auxiliary} {between} {verb.text} {after}").strip()
