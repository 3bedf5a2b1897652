"""Questions for what a statement says in figures and kinds: how many, how long, which port."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nightschool.study.clause import Asked, front, phrase, predicate, subtree
from nightschool.study.lexicon import MEASURES, PLACE_HEADS

if TYPE_CHECKING:
    from spacy.tokens import Token


def typed(
    root: Token, slot: Token, preposition: Token | None, about: str, rest: list[Token]
) -> list[Asked]:
    """Ask `which port`, `which village`, where the answer says what kind of thing it names."""
    name = kind = ""
    for child in slot.children:
        if child.dep_ == "acl" and child.lemma_ in ("call", "name"):
            name = phrase([t for c in child.children if c.dep_ == "oprd" for t in c.subtree])
        elif child.i > slot.i and (
            child.dep_ in ("appos", "nummod")
            or (child.dep_ == "npadvmod" and child.pos_ in ("NUM", "PROPN"))
        ):
            name = phrase(subtree(child))
        elif child.dep_ == "prep" and child.lower_ == "of" and slot.pos_ == "NOUN":
            inner = next((c for c in child.children if c.dep_ == "pobj"), None)
            name = phrase(subtree(inner)) if inner is not None and inner.pos_ == "PROPN" else name
    if name and slot.pos_ == "NOUN":
        kind = " ".join(
            [t.text for t in slot.children if t.dep_ == "compound" and t.i < slot.i] + [slot.text]
        )
    elif slot.pos_ == "PROPN" and slot.lower_ in PLACE_HEADS:
        name, kind = phrase(subtree(slot)), slot.lower_
    if not name or not kind:
        return []
    stranded = preposition.text if preposition is not None else ""
    question = front(f"Which {kind}", root, about, rest, stranded)
    found = [Asked(question, name, True, about)] if question else []
    if root.lemma_ == "have":
        found.append(Asked(f"What is the {kind} of {about}?", name, True, f"the {kind} of {about}"))
    return found


def measured(
    root: Token, slot: Token, preposition: Token | None, about: str, rest: list[Token]
) -> list[Asked]:
    """Ask `how long`, `how much`, `how heavy` where the answer is a quantity."""
    if not any(t.like_num for t in slot.subtree):
        return []
    answer = phrase(subtree(slot))
    found = []
    for units, words, replaced in MEASURES:
        if slot.lemma_.lower() not in units:
            continue
        for word in words:
            if preposition is not None and not (preposition.lower_ == "for" and "long" in word):
                continue
            if replaced and root.lemma_ in replaced and word == words[0]:
                found.append(Asked(f"{word} is {about}?", answer, True, about))
            elif not replaced or root.lemma_ in replaced:
                question = front(word, root, about, rest, "")
                found += [Asked(question, answer, True, about)] if question else []
    return found


def limited(root: Token, subject: Token, preposition: Token | None, about: str) -> list[Asked]:
    """Ask for a limit: "at most 27 visitors" answers "How many visitors ..."."""
    if preposition is None or preposition.lower_ not in ("at", "up", "to"):
        return []
    own = subtree(preposition)
    words = phrase(own)
    if not re.match(r"(?:at (?:the )?(?:most|least)|up to) ", words.lower()):
        return []
    number = next((t for t in own if t.like_num), None)
    things = phrase([t for t in own if number is not None and t.i > number.i])
    rest = [t for t in predicate(root, subject) if t.i not in {x.i for x in own}]
    question = front(f"How many {things}", root, about, rest, "") if things else ""
    return [Asked(question, words, True, about)] if question else []


def counted(root: Token, slot: Token, about: str, rest: list[Token]) -> list[Asked]:
    """Ask `how many` where the object is counted."""
    number = next((t for t in slot.children if t.dep_ == "nummod"), None)
    if number is None or ":" in number.text or any(t.dep_ == "det" for t in slot.children):
        return []
    things = phrase([t for t in subtree(slot) if t.i not in {x.i for x in number.subtree}])
    question = front(f"How many {things}", root, about, rest, "")
    return [Asked(question, phrase(subtree(number)), True, about)] if question else []
