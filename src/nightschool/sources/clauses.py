"""Spoken sentences to self-contained statements: clauses apart, pronouns and `I` resolved.

Rules over a dependency parse. They are conservative: what still has an unresolved pronoun,
a question, a wish, a greeting or a command gives no statement.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightschool.language import parse

if TYPE_CHECKING:
    from spacy.tokens import Span as Sentence
    from spacy.tokens import Token

HEDGES = frozenset({"maybe", "perhaps", "probably", "might", "guess", "hopefully", "wish"})
OPENERS = frozenset(
    {
        "actually",
        "so",
        "also",
        "well",
        "ok",
        "okay",
        "yes",
        "no",
        "oh",
        "and",
        "but",
        "by",
        "please",
    }
)
IRREGULAR = {
    "be": "is",
    "am": "is",
    "are": "is",
    "have": "has",
    "'m": "is",
    "'re": "is",
    "'ve": "has",
    "do": "does",
    "’m": "is",
    "’re": "is",
    "’ve": "has",
}
PERSON_WORDS = frozenset(
    [
        "sister",
        "brother",
        "mother",
        "father",
        "wife",
        "husband",
        "partner",
        "colleague",
        "manager",
        "boss",
        "lead",
        "friend",
        "neighbour",
        "daughter",
        "son",
        "doctor",
        "dentist",
        "teacher",
        "captain",
        "buddy",
    ]
)


@dataclass(slots=True)
class Context:
    """Who is speaking, and what was last talked about."""

    speaker: str
    person: str = ""
    thing: str = ""
    group: str = "the team"
    person_at: int = 0
    thing_at: int = 0
    clock: int = 0

    def noted(self, *, person: str = "", thing: str = "") -> None:
        """Note what the clause just spoken was about."""
        if person:
            self.person, self.person_at = person, self.clock
        if thing:
            self.thing, self.thing_at = thing, self.clock

    @property
    def someone(self) -> str:
        """What `she` or `he` means: the latest person, unless a thing came up after them."""
        return self.person if self.person_at >= self.thing_at else self.thing


@dataclass(frozen=True, slots=True)
class Statement:
    """One self-contained sentence and where it was said."""

    text: str
    start: int
    end: int


YOU = frozenset({"you", "your", "yours"})


def statements(text: str, context: Context) -> list[Statement]:
    """Split a turn into statements; `context` carries names over sentences and turns.

    Args:
        text: What was said, in whole sentences.
        context: Updated in place, so that a later turn's `it` finds its thing.
    """
    flat = re.sub(r"\s+", " ", text).strip()
    found: list[Statement] = []
    for sentence in parse(flat).sents:
        for head, tokens in _clauses(sentence):
            statement = _statement(head, tokens, context)
            if statement:
                start, end = tokens[0].idx, tokens[-1].idx + len(tokens[-1])
                found.append(Statement(statement, start, end))
    return found


def _clauses(sentence: Sentence) -> list[tuple[Token, list[Token]]]:
    """Cut a sentence at its coordinated and relative clauses."""
    if sentence.text.rstrip().endswith("?"):
        return []
    root = sentence.root
    if root.pos_ not in ("VERB", "AUX") or any(t.lower_ in HEDGES for t in sentence):
        return []
    heads = [root]
    for token in sentence:
        if token.i == root.i or token.pos_ not in ("VERB", "AUX"):
            continue
        joined = token.dep_ == "conj" and token.head in heads
        beside = (
            token.dep_ == "ccomp"
            and token.head.i == root.i
            and token.i < root.i
            and _subject(token)
        )
        if joined or beside or _detachable(token):
            heads.append(token)
    clauses = []
    for head in heads:
        others = {
            t.i
            for other in heads
            if other.i != head.i and _below(other, head)
            for t in other.subtree
        }
        tokens = [t for t in head.subtree if t.i not in others]
        clauses.append((head, _trim(tokens)))
    return sorted(((h, t) for h, t in clauses if t), key=lambda pair: pair[1][0].i)


def _detachable(token: Token) -> bool:
    """Tell a relative clause that only adds something: behind a comma, its subject a relative pronoun."""
    if token.dep_ != "relcl":
        return False
    subject = _subject(token)
    first = min(token.subtree, key=lambda t: t.i)
    return bool(
        subject is not None
        and subject.lower_ in ("who", "which")
        and first.i > 0
        and first.doc[first.i - 1].text == ","
    )


def _below(inner: Token, outer: Token) -> bool:
    return outer in inner.ancestors


def _trim(tokens: list[Token]) -> list[Token]:
    while (
        tokens and (tokens[-1].is_punct or tokens[-1].dep_ == "cc") and tokens[-1].text not in '")%'
    ):
        tokens = tokens[:-1]
    while tokens and _opens(tokens):
        tokens = tokens[1:]
    return tokens


def _opens(tokens: list[Token]) -> bool:
    """Tell a first word that belongs to the talk and not to the statement."""
    first = tokens[0]
    if first.dep_ == "det":
        return False  # "no pack may be charged" is not "pack may be charged"
    return (
        first.dep_ == "cc" or first.lower_ in OPENERS or (first.is_punct and first.text not in '"(')
    )


def _subject(verb: Token) -> Token | None:
    return next((t for t in verb.children if t.dep_ in ("nsubj", "nsubjpass", "expl")), None)


def _statement(head: Token, tokens: list[Token], context: Context) -> str | None:
    subject = _subject(head)
    carried = ""
    if subject is None:
        first = head.head if head.dep_ == "conj" else None
        while first is not None and _subject(first) is None and first.dep_ == "conj":
            first = first.head
        subject = _subject(first) if first is not None else None
        if subject is None or first is None:
            return None  # a command, a greeting, a fragment
        carried = _words(sorted(subject.subtree, key=lambda t: t.i), context)
        tokens = [t for t in tokens if t.i != subject.i]
    elif subject.dep_ == "expl" or (subject.lower_ == "you"):
        return None
    elif head.dep_ == "relcl":
        antecedent = [
            t for t in head.head.subtree if t.i < min(x.i for x in head.subtree) and t.text != ","
        ]
        name = head.head
        if head.head.dep_ in ("attr", "appos") and head.head.pos_ == "PROPN":
            antecedent = [t for t in antecedent if t.i >= name.left_edge.i]
        carried = _words(antecedent, context)
        tokens = [t for t in tokens if t.i != subject.i]
    text = _words(tokens, context)
    if "\0" in text:  # a remark to the listener may hang on a statement that stands without it
        text = _words(_trim([t for t in tokens if t.i not in _asides(head)]), context)
    if carried:
        text = f"{carried} {text}"
    if "\0" in text or len(text.split()) < 3:
        return None
    _remember(subject, tokens, context)
    text = re.sub(r"\s+([,.;:!?])", r"\1", text).strip(" ,;")
    return f"{text[0].upper()}{text[1:]}{'' if text[-1] in '.!' else '.'}"


def _asides(head: Token) -> set[int]:
    """Find what hangs on a clause and speaks to the listener: "in case you want to", "so be careful"."""
    return {
        token.i
        for child in head.children
        if child.dep_ == "advcl"
        or (child.dep_ in ("prep", "ccomp") and any(t.lower_ in YOU for t in child.subtree))
        for token in child.subtree
    }


def _words(tokens: list[Token], context: Context) -> str:
    """Spell tokens out with pronouns replaced; NUL marks one that could not be."""
    out = ""
    for token in tokens:
        word = _word(token, context)
        if _agrees_with_speaker(token):
            word = third_person(token.lower_)
        if token.lower_ in ("'s", "’s") and token.pos_ == "AUX":
            verb = token.head
            word = (
                "has"
                if token.dep_ == "aux" and verb.tag_ == "VBN" and not _is_passive(verb)
                else "is"
            )
        contracted = token.text[0] in "'’" and word[0] not in "'’"
        out += (" " if contracted and out and not out.endswith(" ") else "") + word
        out += token.whitespace_
    return out.strip()


def _agrees_with_speaker(token: Token) -> bool:
    """Tell a present-tense verb form whose subject is I or we, and so changes with it."""
    if token.tag_ != "VBP" and token.lower_ not in ("'m", "’m", "'ve", "’ve", "'re", "’re"):
        return False
    verb = token.head if token.dep_ in ("aux", "auxpass") else token
    subject = _subject(verb)
    while subject is None and verb.dep_ == "conj":
        verb = verb.head
        subject = _subject(verb)
    return subject is not None and subject.lower_ in ("i", "we")


def _is_passive(verb: Token) -> bool:
    return any(child.dep_ in ("auxpass", "nsubjpass") for child in verb.children)


def third_person(verb: str) -> str:
    """Inflect a present-tense verb for he, she or it."""
    if verb in IRREGULAR:
        return IRREGULAR[verb]
    if verb in ("can", "could", "will", "would", "must", "may", "might", "should", "shall"):
        return verb
    if re.search(r"(s|x|z|ch|sh|o)$", verb):
        return verb + "es"
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + "s"


def _word(token: Token, context: Context) -> str:
    low = token.lower_
    if token.pos_ not in ("PRON", "DET") and token.tag_ not in ("PRP", "PRP$"):
        return token.text
    possessive = token.tag_ == "PRP$" or low in ("mine", "ours")
    name: str | None
    if low in ("i", "me", "my", "mine", "myself"):
        name = context.speaker
    elif low in ("we", "us", "our", "ours"):
        name = context.group
    elif low in ("he", "she", "him", "her", "his"):
        name = context.someone or None
    elif low in ("it", "its"):
        name = context.thing or None
    elif low in ("they", "them", "their"):
        name = context.thing or context.person or None
    elif low == "that" and token.head.dep_ == "relcl":
        return token.text  # "the robot that collects litter" points at nothing outside
    elif (
        low in ("this", "that", "these", "those")
        and token.dep_
        in (
            "nsubj",
            "dobj",
            "pobj",
            "nsubjpass",
        )
    ) or low in ("you", "your"):
        name = None
    else:
        return token.text
    if name is None:
        return "\0"
    return _own(name) if possessive else name


def _own(name: str) -> str:
    return f"{name}'" if name.endswith("s") and name.startswith("the ") else f"{name}'s"


def _remember(subject: Token, tokens: list[Token], context: Context) -> None:
    """Note the person and the thing that a later pronoun may mean."""
    context.clock += 1
    if subject.tag_ != "PRP" and subject.lower_ not in ("who", "which"):
        spoken = _words([t for t in subject.subtree if t.text != ","], context)
        kind = next((t for t in subject.head.children if t.dep_ == "attr"), None)
        made = kind is not None and kind.pos_ == "NOUN" and kind.lower_ not in PERSON_WORDS
        if (
            "\0" not in spoken
            and not made
            and (subject.ent_type_ == "PERSON" or subject.lower_ in PERSON_WORDS)
        ):
            names = [t.text for t in subject.subtree if t.ent_type_ == "PERSON"]
            context.noted(person=" ".join(names) or spoken)
        elif "\0" not in spoken:
            context.noted(thing=re.sub(r"^(The|A|An) ", lambda m: m[0].lower(), spoken))
    elif subject.lower_ in ("i", "we"):
        context.noted(thing=_object(tokens, context))
    people = [ent for ent in subject.doc.ents if ent.label_ == "PERSON"]
    mine = {t.i for t in tokens} - {t.i for t in subject.subtree}
    named = [ent.text for ent in people if {t.i for t in ent} <= mine]
    if named:
        context.noted(person=named[0])


def _object(tokens: list[Token], context: Context) -> str:
    for token in tokens:
        if token.dep_ in ("dobj", "attr", "oprd") and token.pos_ in ("NOUN", "PROPN"):
            words = _words([t for t in token.subtree if t.i in {x.i for x in tokens}], context)
            return "" if "\0" in words else re.sub(r"^(a|an) ", "the ", words)
    return ""
