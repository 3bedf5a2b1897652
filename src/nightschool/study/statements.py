"""From a statement to questions: one wh-question for each thing that it says.

Syntactic transformation over a dependency parse: an answer slot is cut out, the verb is brought
before the subject, and the wh-word that fits the slot is put in front.

Source:
    Overgenerate-and-filter question generation (Heilman and Smith 2010), with the statistical
    ranking left out: doubtful slots are dropped instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nightschool.language import parse
from nightschool.study.lexicon import (
    FILLERS,
    HUMAN_VERBS,
    MEASURES,
    NUMBERED,
    PEOPLE,
    PLACE_HEADS,
    PLACES,
    inflect,
)

if TYPE_CHECKING:
    from spacy.tokens import Token

AUXILIARIES = frozenset({"aux", "auxpass"})
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


def questions(text: str) -> list[Asked]:
    """Turn one statement into questions, the main ones first; none when it has no plain clause."""
    doc = parse(text)
    root = next((token for token in doc if token.dep_ == "ROOT"), None)
    if root is None or root.pos_ not in ("VERB", "AUX"):
        return []
    subject = next((t for t in root.children if t.dep_ in SUBJECTS), None)
    if subject is None:
        return []
    asked = [*_complements(root, subject), *_about_subject(root, subject)]
    seen: set[str] = set()
    kept = []
    for one in sorted(asked, key=lambda a: not a.main):
        clean = re.sub(r"\s+([,.?])", r"\1", " ".join(one.question.split()))
        if clean.lower() not in seen and one.answer and one.answer.lower() not in clean.lower():
            seen.add(clean.lower())
            kept.append(replace(one, question=clean))
    return kept


def phrase(tokens: list[Token]) -> str:
    """Spell tokens out as they stand."""
    return "".join(t.text_with_ws for t in tokens).strip(" ,;.")


def inside(token: Token, words: str) -> str:
    """Put a phrase inside a sentence: its first word is not capitalised unless it is a name."""
    first = next(iter(sorted(token.subtree, key=lambda t: t.i)))
    if first.pos_ in ("DET", "PRON", "ADP", "ADV", "NUM") or first.tag_ == "NNS":
        return words[:1].lower() + words[1:]
    return words


def _subtree(token: Token) -> list[Token]:
    return sorted(token.subtree, key=lambda t: t.i)


def _named(subject: Token) -> list[Token]:
    """Spell a subject out without what only describes it ("Ana, the cook," -> "Ana")."""
    aside = {
        t.i
        for c in subject.children
        if c.dep_ in ("appos", "relcl") and subject.doc[c.left_edge.i - 1].text == ","
        for t in c.subtree
    }
    return [t for t in _subtree(subject) if t.i not in aside]


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
        limited = _limited(root, subject, preposition, about)
        if limited:
            found += limited
            continue
        wh = _wh(slot, preposition, root)
        if wh is None:
            continue
        word, answer, cut, stranded = wh
        rest = [t for t in _predicate(root, subject) if t.i not in cut]
        question = _front(word, root, about, rest, stranded)
        if question:
            found.append(Asked(question, answer, True, about))
        if slot.dep_ == "dobj":
            found += _counted(root, slot, about, rest)
        found += _typed(root, slot, preposition, about, [t for t in rest if t != preposition])
        found += _measured(root, slot, preposition, about, [t for t in rest if t != preposition])
    return found


def _typed(
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
            name = phrase(_subtree(child))
        elif child.dep_ == "prep" and child.lower_ == "of" and slot.pos_ == "NOUN":
            inner = next((c for c in child.children if c.dep_ == "pobj"), None)
            name = phrase(_subtree(inner)) if inner is not None and inner.pos_ == "PROPN" else name
    if name and slot.pos_ == "NOUN":
        kind = " ".join(
            [t.text for t in slot.children if t.dep_ == "compound" and t.i < slot.i] + [slot.text]
        )
    elif slot.pos_ == "PROPN" and slot.lower_ in PLACE_HEADS:
        name, kind = phrase(_subtree(slot)), slot.lower_
    if not name or not kind:
        return []
    stranded = preposition.text if preposition is not None else ""
    question = _front(f"Which {kind}", root, about, rest, stranded)
    found = [Asked(question, name, True, about)] if question else []
    if root.lemma_ == "have":
        found.append(Asked(f"What is the {kind} of {about}?", name, True, f"the {kind} of {about}"))
    return found


def _measured(
    root: Token, slot: Token, preposition: Token | None, about: str, rest: list[Token]
) -> list[Asked]:
    """Ask `how long`, `how much`, `how heavy` where the answer is a quantity."""
    if not any(t.like_num for t in slot.subtree):
        return []
    answer = phrase(_subtree(slot))
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
                question = _front(word, root, about, rest, "")
                found += [Asked(question, answer, True, about)] if question else []
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
    rest = _predicate(root, subject)
    for clause in root.children:
        if clause.dep_ != "advcl" or clause.i < root.i:
            continue
        words = phrase(_subtree(clause))
        first = words.split()[0].lower()
        word = "When" if words.lower().startswith("as soon as") else CLAUSE_WORDS.get(first)
        question = _front(word, root, about, rest, "") if word else ""
        found += [Asked(question, words, True, about)] if question else []
    for token in root.subtree:
        if token.lower_ == "every" and token.head.i > root.i and token.head.dep_ == "npadvmod":
            answer = _subtree(token.head)
            gone = {t.i for t in answer}
            question = _front("How often", root, about, [t for t in rest if t.i not in gone], "")
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
    after = phrase([t for t in _predicate(root, subject) if t.i not in kept])
    word = "Who" if doer.pos_ == "PROPN" or _is_person(doer) else "What"
    return [Asked(f"{word} {verb} {about} {after}?", phrase(_subtree(doer)), True, about)]


def _limited(root: Token, subject: Token, preposition: Token | None, about: str) -> list[Asked]:
    """Ask for a limit: "at most 27 visitors" answers "How many visitors ..."."""
    if preposition is None or preposition.lower_ not in ("at", "up", "to"):
        return []
    own = _subtree(preposition)
    words = phrase(own)
    if not re.match(r"(?:at (?:the )?(?:most|least)|up to) ", words.lower()):
        return []
    number = next((t for t in own if t.like_num), None)
    things = phrase([t for t in own if number is not None and t.i > number.i])
    rest = [t for t in _predicate(root, subject) if t.i not in {x.i for x in own}]
    question = _front(f"How many {things}", root, about, rest, "") if things else ""
    return [Asked(question, words, True, about)] if question else []


def _counted(root: Token, slot: Token, about: str, rest: list[Token]) -> list[Asked]:
    """Ask `how many` where the object is counted."""
    number = next((t for t in slot.children if t.dep_ == "nummod"), None)
    if number is None or ":" in number.text or any(t.dep_ == "det" for t in slot.children):
        return []
    things = phrase([t for t in _subtree(slot) if t.i not in {x.i for x in number.subtree}])
    question = _front(f"How many {things}", root, about, rest, "")
    return [Asked(question, phrase(_subtree(number)), True, about)] if question else []


def _wh(
    slot: Token, preposition: Token | None, root: Token
) -> tuple[str, str, set[int], str] | None:
    """Choose the wh-word: (word, answer, tokens cut out, preposition left at the end)."""
    own = _subtree(slot)
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
        person = _is_person(slot)
        subject = next((t for t in root.children if t.dep_ in SUBJECTS), None)
        if (
            slot.dep_ in ("attr", "oprd")
            and subject is not None
            and subject.lemma_.lower() in PEOPLE
        ):
            person = True
        return ("Who" if person and slot.dep_ != "oprd" else "What", answer, cut, "")
    whole = cut | {preposition.i}
    full = phrase(_subtree(preposition))
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
        person = _is_person(slot)
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
    person = _is_person(slot)
    return ("Who" if person else "What", answer, cut, "")


def _is_person(token: Token) -> bool:
    named = token.ent_type_ == "PERSON" and token.text.isalpha() and token.text.istitle()
    return named or token.lemma_.lower() in PEOPLE


def _predicate(root: Token, subject: Token) -> list[Token]:
    """Everything of the clause but its subject, the finite auxiliaries and the full stop."""
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
    return [t for t in _subtree(root) if t.i not in skip]


def _front(word: str, root: Token, about: str, rest: list[Token], stranded: str) -> str:
    """Put the wh-word and the finite verb before the subject."""
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


def _spelled_clause(verb: Token) -> str:
    words = phrase(_subtree(verb))
    return words[:1].lower() + words[1:]


def _about_subject(root: Token, subject: Token) -> list[Asked]:
    """Ask back: who or what does this?"""
    own = _subtree(subject)
    answer = about = inside(subject, phrase(_named(subject)))
    clause = [t for t in _subtree(root) if t.i not in {x.i for x in own} and t.i > subject.i]
    clause = [t for t in clause if t.lower_ not in FILLERS]
    if not clause or subject.pos_ == "PRON":
        return []
    human = root.lemma_ in HUMAN_VERBS or any(t.lemma_ == "allergic" for t in clause)
    person = _is_person(subject) or (subject.pos_ == "PROPN" and human)
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
            Asked(f"Whose {rest} {tail}?", phrase(_subtree(owner)).removesuffix("'s"), False, about)
        )
    return found
