"""One clause of a parsed statement, and the question that puts a wh-word in front of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightschool.study.lexicon import FILLERS, PEOPLE

if TYPE_CHECKING:
    from spacy.tokens import Token

AUXILIARIES = frozenset({"aux", "auxpass"})
OBJECTIVE = {"we": "us", "i": "me", "he": "him", "she": "her", "they": "them"}
SUBJECTS = frozenset({"nsubj", "nsubjpass"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, its short answer, and whether it asks for what the statement is told for."""

    question: str
    answer: str
    main: bool
    """True for the value (complement, object, time, place); False for asking back from it."""
    subject: str
    """What the statement is about, as a phrase inside a sentence."""
    person: bool = False
    """Asks back for a person: as likely a question as the main one."""


def phrase(tokens: list[Token]) -> str:
    """Spell tokens out as they stand."""
    return "".join(t.text_with_ws for t in tokens).strip(" ,;.")


def inside(token: Token, words: str) -> str:
    """Put a phrase inside a sentence: its first word is not capitalised unless it is a name."""
    first = next(iter(sorted(token.subtree, key=lambda t: t.i)))
    name = first.ent_type_ == "PERSON" or (first.is_oov and first.is_title)
    plural = first.tag_ == "NNS" and not name
    if first.pos_ in ("DET", "PRON", "ADP", "ADV", "NUM") or plural:
        return words[:1].lower() + words[1:]
    return words


def objective(subject: str) -> str:
    """Put a subject where it is spoken of: "we" -> "us"; nouns stay as they are."""
    return OBJECTIVE.get(subject.lower(), subject)


def subtree(token: Token) -> list[Token]:
    """List a token and all that depends on it, in order."""
    return sorted(token.subtree, key=lambda t: t.i)


def is_person(token: Token) -> bool:
    """Tell whether a noun names a person, or a kind of person."""
    named = token.ent_type_ == "PERSON" and token.text.isalpha() and token.text.istitle()
    return named or token.lemma_.lower() in PEOPLE


def predicate(root: Token, subject: Token) -> list[Token]:
    """List everything of the clause but its subject, the finite auxiliaries and the full stop."""
    skip = {t.i for t in subject.subtree}
    for child in root.children:
        if (
            child.dep_ in AUXILIARIES
            or child.dep_ in ("advcl", "cc", "conj")
            or child.lower_ in FILLERS
        ):
            skip |= {t.i for t in child.subtree}
        if child.dep_ == "punct" and not child.text[0].isalnum():
            skip.add(child.i)
    return [t for t in subtree(root) if t.i not in skip]


def front(word: str, root: Token, about: str, rest: list[Token], stranded: str) -> str:
    """Put the wh-word and the finite verb before the subject; empty where the verb is not finite."""
    auxiliaries = [t for t in root.children if t.dep_ in AUXILIARIES]
    body = list(rest)
    if auxiliaries:
        lead = auxiliaries[0].text
        middle = " ".join(t.text for t in auxiliaries[1:])
    elif root.lemma_ == "be":
        lead, middle = root.text, ""
        body = [t for t in body if t.i != root.i]
    else:
        lead = {"VBD": "did", "VBP": "do", "VBZ": "does"}.get(root.tag_, "")
        middle = ""
        if not lead:
            return ""
    tail = "".join(
        (root.lemma_ + t.whitespace_ if t.i == root.i and not auxiliaries else t.text_with_ws)
        for t in body
    ).strip(" ,.;")
    return f"{word} {_spelled(lead)} {about} {middle} {tail} {stranded}?".replace(" ?", "?")


def _spelled(auxiliary: str) -> str:
    return {"'s": "is", "'m": "am", "'re": "are", "'ve": "have", "'ll": "will"}.get(
        auxiliary, auxiliary
    )
