"""Name what a statement is about, so that a new value replaces the old one and nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightschool.language import normalise, parse

if TYPE_CHECKING:
    from spacy.tokens import Token

CHANGE_VERBS = frozenset({"be", "become", "change", "switch", "rename", "stay", "remain", "call"})
"""Verbs that only state or change a value: they make one key."""
SAME_VERBS = {
    "begin": "start",
    "relocate": "move",
    "shift": "move",
    "reschedule": "move",
    "postpone": "move",
}

NO_CASE = frozenset("as at by from of to than with".split())
"""What comes with these belongs to the value, or is in the key already."""


def statement_key(text: str) -> str:
    """Return the same key for two statements that give values of the same thing.

    The key is the subject, the verb's class and, for other verbs than those of being, the kind of
    complement; where it holds only for a case ("in staging", "on weekdays"), that too. Where no subject and verb are found, the whole sentence is the key, so that
    nothing is replaced by mistake: a missed replacement is visible, a false one destroys a fact.
    """
    doc = parse(text)
    root = next((token for token in doc if token.dep_ == "ROOT"), None)
    subject = (
        next((t for t in root.children if t.dep_ in ("nsubj", "nsubjpass")), None) if root else None
    )
    if root is None or subject is None or root.pos_ not in ("VERB", "AUX"):
        return f"text|{normalise(text)}"
    verb = root.lemma_.lower()
    name = _name(subject)
    if verb in CHANGE_VERBS:
        has_value = any(c.dep_ in ("attr", "acomp", "oprd", "dobj") for c in root.children)
        place = None if has_value else _value_place(root)
        # "The cache is in rack 4" and "The cache is red" are two facts; "changed to X" is a value.
        slot = "" if place is None or place.text == "to" else place.lemma_
        if _is_plain_name(subject):
            # "Ines is a nurse" and "Ines is allergic to nuts" are two facts about one name.
            return f"text|{normalise(text)}"
        return f"said|{name}|be|{slot}{_cases(root, place)}"
    given = any(c.dep_ in ("dobj", "npadvmod") and _is_value(c) for c in root.children)
    taken = _complement(root)
    cases = _cases(root, None if given else _value_place(root), taken)
    return f"said|{name}|{SAME_VERBS.get(verb, verb)}|{taken}{_clauses(root)}{cases}"


def _value_place(root: Token) -> Token | None:
    """Return the preposition with which the value stands, if any: the first behind the verb."""
    return next((c for c in root.rights if c.dep_ == "prep"), None)


def _cases(root: Token, place: Token | None, taken: str = "") -> str:
    """Name the cases for which a statement holds; empty where it holds for all.

    "The port is 8080 in staging" and "in production, the port is 9090" are two facts.

    Args:
        root: The main verb.
        place: The preposition of the value itself.
        taken: What the key names already.
    """
    values = [c for c in root.children if c.dep_ in ("attr", "dobj", "npadvmod") and _is_value(c)]
    behind = [c for one in (root, *values) for c in one.children if c.dep_ == "prep" and c != place]
    told = [c for c in behind if c.lower_ not in NO_CASE and not _is_date(c)]
    names = {
        " ".join([c.lemma_.lower(), *(_name(n) for n in c.children if n.dep_ == "pobj")])
        for c in told
    }
    return "".join(f"|{name}" for name in sorted(names) if name not in taken)


def _is_value(noun: Token) -> bool:
    """Tell a number, a name or a code from a thing: what is told of a thing is a part of the value."""
    numbered = any(t.dep_ == "nummod" for t in noun.children)
    return numbered or noun.pos_ in ("NUM", "PROPN") or any(c.isdigit() for c in noun.text)


def _is_date(preposition: Token) -> bool:
    """Tell since when something is so ("since Monday") from when it is so each time ("on weekdays")."""
    again = ("NNS", "NNPS") if preposition.lower_ == "on" else ()
    return any(c.ent_type_ == "DATE" and c.tag_ not in again for c in preposition.children)


def _name(subject: Token) -> str:
    """Name a subject by its content words: "the lab's door code" is "the door code of the lab"."""
    words = [t for t in subject.subtree if t.pos_ in ("NOUN", "PROPN", "ADJ", "NUM", "X", "VERB")]
    return " ".join(sorted({t.lemma_.lower() for t in words} - {"team"})) or subject.lemma_.lower()


def _clauses(root: Token) -> str:
    """Name who the clauses beside the main one are about; empty without any.

    "Whenever Ada eats nuts, the doctor has to come" is about Ada, and says nothing of what Bruno may eat.
    """
    clauses = [c for c in root.children if c.dep_ in ("advcl", "ccomp")]
    subjects = [t for c in clauses for t in c.children if t.dep_ in ("nsubj", "nsubjpass")]
    return "".join(f"|{_name(t)}" for t in subjects)


def _is_plain_name(subject: Token) -> bool:
    """Tell whether the subject is a bare name, about which many things can be said."""
    return subject.pos_ == "PROPN" and not any(
        child.dep_ in ("poss", "compound") and child.pos_ != "PROPN" for child in subject.children
    )


def _complement(root: Token) -> str:
    """Describe what the verb takes: its object's noun if it has one, and its prepositions."""
    parts = []
    for child in root.children:
        if (
            (child.dep_ == "prep" and not any(c.ent_type_ == "DATE" for c in child.children))
            or (child.dep_ == "dobj" and child.pos_ == "NOUN")
            or child.dep_ in ("xcomp", "ccomp")
        ):
            told = next((c for c in child.children if c.dep_ == "pobj" and c.pos_ == "NOUN"), None)
            thing = child.lemma_ in ("as", "for") and told is not None
            # "We use X as the gate code" and "we use Y as the mail host" are about two things.
            parts.append(
                f"{child.lemma_} {_name(told)}" if thing and told else child.lemma_.lower()
            )
    return " ".join(sorted(parts))
