"""From a statement to questions: one wh-question for each thing that it says.

Syntactic transformation over a dependency parse: an answer slot is cut out, the verb is brought
before the subject, and the wh-word that fits the slot is put in front.

Source:
    Overgenerate-and-filter question generation (Heilman and Smith 2010), with the statistical
    ranking left out: doubtful slots are dropped instead.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from nightschool.language import parse
from nightschool.negation import affirmed, denies
from nightschool.study.clause import (
    AUXILIARIES,
    SUBJECTS,
    Asked,
    front,
    inside,
    is_person,
    phrase,
    predicate,
    subtree,
)
from nightschool.study.lexicon import FILLERS, HUMAN_VERBS, NUMBERED, PEOPLE, PLACES, inflect
from nightschool.study.quantities import counted, limited, measured, typed

NOBODY = frozenset(["nobody", "no one", "nothing", "none", "it", "this", "that"])
"""Subjects of a denial that nothing can be asked about."""

if TYPE_CHECKING:
    from spacy.tokens import Token


def questions(text: str) -> list[Asked]:
    """Turn one statement into questions, the main ones first; none when it has no plain clause.

    A value that is set against the right one is left out. Of a denial only those questions are asked that deny it, too.
    """
    text = affirmed(text)
    doc = parse(text)
    root = next((token for token in doc if token.dep_ == "ROOT"), None)
    if root is None or root.pos_ not in ("VERB", "AUX"):
        return []
    subject = next((t for t in root.children if t.dep_ in SUBJECTS), None)
    if subject is None:
        return []
    if denies(text):
        asked = [a for a in _complements(root, subject) if _asks_of_denial(a)]
    else:
        asked = [*_complements(root, subject), *_about_subject(root, subject)]
    seen: set[str] = set()
    kept = []
    for one in sorted(asked, key=lambda a: not a.main):
        clean = re.sub(r"\s+([,.?])", r"\1", " ".join(one.question.split()))
        if clean.lower() not in seen and one.answer and one.answer.lower() not in clean.lower():
            seen.add(clean.lower())
            kept.append(replace(one, question=clean))
    return kept


def _asks_of_denial(asked: Asked) -> bool:
    """Tell whether a question still says what is not so, of somebody, and the answer does not."""
    return (
        denies(asked.question) and not denies(asked.answer) and asked.subject.lower() not in NOBODY
    )


def _named(subject: Token) -> list[Token]:
    """Spell a subject out without what only describes it ("Ana, the cook," -> "Ana")."""
    aside = {
        t.i
        for c in subject.children
        if c.dep_ in ("appos", "relcl") and subject.doc[c.left_edge.i - 1].text == ","
        for t in c.subtree
    }
    return [t for t in subtree(subject) if t.i not in aside]


def _complements(root: Token, subject: Token) -> list[Asked]:
    about = inside(subject, phrase(_named(subject)))
    slots: list[tuple[Token, Token | None]] = []
    for child in root.children:
        if child.dep_ in ("attr", "dobj", "oprd", "acomp", "npadvmod", "dative", "xcomp"):
            slots.append((child, None))
        if child.dep_ == "acomp" and any(c.dep_ == "prep" for c in child.children):
            slots = slots[:-1]
            slots += [
                (o, p)
                for p in child.children
                if p.dep_ == "prep"
                for o in p.children
                if o.dep_ == "pobj"
            ]
        elif child.i > root.i and (
            (child.dep_ == "advmod" and child.text[0].isupper())
            or (child.dep_ == "punct" and child.text[0].isalnum())
        ):
            slots.append((child, None))  # a name or code that the parser took for something else
        elif child.dep_ in ("prep", "agent"):
            slots += [(inner, child) for inner in child.children if inner.dep_ in ("pobj", "pcomp")]
    found = [*_circumstances(root, subject, about), *_active(root, subject, about)]
    for slot, preposition in slots:
        limits = limited(root, subject, preposition, about)
        if limits:
            found += limits
            continue
        wh = _wh(slot, preposition, root)
        if wh is None:
            continue
        word, answer, cut, stranded = wh
        rest = [t for t in predicate(root, subject) if t.i not in cut]
        question = front(word, root, about, rest, stranded)
        if question:
            found.append(Asked(question, answer, True, about))
        if slot.dep_ == "dobj":
            found += counted(root, slot, about, rest)
        found += typed(root, slot, preposition, about, [t for t in rest if t != preposition])
        found += measured(root, slot, preposition, about, [t for t in rest if t != preposition])
    return found


CLAUSE_WORDS = {
    "because": "Why",
    "until": "Until when",
    "if": "When",
    "when": "When",
    "while": "When",
}


def _circumstances(root: Token, subject: Token, about: str) -> list[Asked]:
    """Ask `when`, `why` and `how often` for what is said of the circumstances."""
    found = []
    rest = predicate(root, subject)
    for clause in root.children:
        if clause.dep_ != "advcl" or clause.i < root.i:
            continue
        words = phrase(subtree(clause))
        first = words.split()[0].lower()
        word = "When" if words.lower().startswith("as soon as") else CLAUSE_WORDS.get(first)
        question = front(word, root, about, rest, "") if word else ""
        found += [Asked(question, words, True, about)] if question else []
    for token in root.subtree:
        if token.lower_ == "every" and token.head.i > root.i and token.head.dep_ == "npadvmod":
            answer = subtree(token.head)
            gone = {t.i for t in answer}
            question = front("How often", root, about, [t for t in rest if t.i not in gone], "")
            found += [Asked(question, phrase(answer), True, about)] if question else []
    return found


def _active(root: Token, subject: Token, about: str) -> list[Asked]:
    """Ask in the active voice for who does what the passive tells: "Who manages the café?"."""
    agent = next((c for c in root.children if c.dep_ == "agent"), None)
    doer = next((c for c in agent.children if c.dep_ == "pobj"), None) if agent else None
    if doer is None or subject.dep_ != "nsubjpass":
        return []
    helper = next((c.lower_ for c in root.children if c.dep_ == "auxpass"), "is")
    verb = inflect(root.lemma_, "did" if helper in ("was", "were") else "does")
    kept = {root.i} | {t.i for c in root.children if c.dep_ in AUXILIARIES for t in c.subtree}
    kept |= {t.i for t in agent.subtree} if agent else set()
    after = phrase([t for t in predicate(root, subject) if t.i not in kept])
    word = "Who" if doer.pos_ == "PROPN" or is_person(doer) else "What"
    return [Asked(f"{word} {verb} {about} {after}?", phrase(subtree(doer)), True, about)]


def _wh(
    slot: Token, preposition: Token | None, root: Token
) -> tuple[str, str, set[int], str] | None:
    """Choose the wh-word: (word, answer, tokens cut out, preposition left at the end)."""
    own = subtree(slot)
    cut = {t.i for t in own}
    answer = phrase(own)
    kinds = {t.ent_type_ for t in own}
    if slot.lemma_.lower() in NUMBERED:
        kinds -= {"DATE", "TIME"}  # "port 47315" is no year
    if preposition is None:
        if slot.dep_ == "npadvmod":
            return ("When", answer, cut, "") if kinds & {"DATE", "TIME"} else None
        if slot.dep_ == "xcomp" and slot.pos_ == "VERB":
            return None
        person = is_person(slot)
        subject = next((t for t in root.children if t.dep_ in SUBJECTS), None)
        if (
            slot.dep_ in ("attr", "oprd")
            and subject is not None
            and subject.lemma_.lower() in PEOPLE
        ):
            person = True
        return ("Who" if person and slot.dep_ != "oprd" else "What", answer, cut, "")
    whole = cut | {preposition.i}
    full = phrase(subtree(preposition))
    word = preposition.lower_
    if re.search(r"\d:\d|\b(?:noon|midnight|o'clock|[ap]\.?m)\b", answer):
        return (
            "What time" if word == "at" else "When",
            full if word != "at" else answer,
            whole,
            "",
        )
    if kinds & {"DATE"} and word in (
        "on",
        "in",
        "at",
        "until",
        "since",
        "from",
        "by",
        "before",
        "after",
        "to",
    ):
        return (
            ("Until when" if word == "until" else "Since when" if word == "since" else "When"),
            answer if word not in ("before", "after") else full,
            whole,
            "",
        )
    if preposition.dep_ == "agent" or word == "by":
        person = is_person(slot)
        return (
            ("Who" if person or "ORG" in kinds else "What", answer, cut, "")
            if person or root.tag_ == "VBN"
            else None
        )
    if word in PLACES and (
        kinds & {"GPE", "LOC", "FAC", "ORG"}
        or root.lemma_
        in (
            "be",
            "live",
            "work",
            "hang",
            "stand",
            "sit",
            "keep",
            "hold",
            "store",
            "lie",
            "stay",
            "park",
            "hide",
        )
    ):
        return ("Where", full if word not in ("in", "at") else answer, whole, "")
    person = is_person(slot)
    return ("Who" if person else "What", answer, cut, "")


def _spelled_clause(verb: Token) -> str:
    words = phrase(subtree(verb))
    return words[:1].lower() + words[1:]


def _about_subject(root: Token, subject: Token) -> list[Asked]:
    """Ask back: who or what does this?"""
    own = subtree(subject)
    answer = about = inside(subject, phrase(_named(subject)))
    clause = [t for t in subtree(root) if t.i not in {x.i for x in own} and t.i > subject.i]
    clause = [t for t in clause if t.lower_ not in FILLERS]
    if not clause or subject.pos_ == "PRON":
        return []
    human = root.lemma_ in HUMAN_VERBS or any(t.lemma_ == "allergic" for t in clause)
    person = is_person(subject) or (subject.pos_ == "PROPN" and human)
    asides = {t.i for c in root.children if c.dep_ == "advcl" for t in c.subtree}
    tail = phrase([t for t in clause if t.i not in asides])
    if len(tail.split()) < 3 and root.lemma_ != "be":
        return []
    if root.lemma_ == "be" and tail.split()[0].lower() in ("are", "were") and not person:
        return [Asked(f"What {tail}?", answer, False, about)]
    when = "".join(
        " " + _spelled_clause(c) for c in root.children if c.dep_ == "advcl" and c.i < subject.i
    )
    found = [Asked(f"{'Who' if person else 'What'} {tail}{when}?", answer, False, about, person)]
    owner = next((t for t in subject.children if t.dep_ == "poss"), None)
    if owner is not None and person is False and owner.ent_type_ == "PERSON":
        rest = phrase([t for t in own if t.i > max(x.i for x in owner.subtree)])
        found.append(
            Asked(f"Whose {rest} {tail}?", phrase(subtree(owner)).removesuffix("'s"), False, about)
        )
    return found
