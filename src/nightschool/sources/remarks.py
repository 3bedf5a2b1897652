"""What is said without stating a fact: guesses, orders, comments, and news without a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightschool.sources.references import is_plural, shared_subject, subject_of

if TYPE_CHECKING:
    from spacy.tokens import Token

HEDGES = frozenset("maybe perhaps probably might guess hopefully wish".split())
COMMENTS = frozenset("cause explain help make mean please show surprise take tell".split())
"""Verbs of a `, which` that comments on the whole clause before it."""
VAGUE = frozenset("anything everything question something stuff thing".split())
CHANGES = frozenset("change differ move vary".split())
EMPTY = frozenset(
    "busy correct different done fine fun glad good great happy hungry late new nice ready right sorry sure "
    "tired true wrong mistaken".split()
)
AMBIENT = frozenset("cloudy cold dark early foggy hot late rainy sunny warm wet windy".split())
"""What `it` is by itself, without meaning a thing."""

BARE = frozenset("nsubj nsubjpass punct advmod aux neg cc conj intj mark".split())


SAYING = frozenset(
    "answer assume believe claim insist mention remember reply respond say state suggest tell think write".split()
)


def reported(verb: Token) -> bool:
    """Tell a clause that only repeats what the model said: "you said that ...", "..., as you told me"."""
    above = [verb.head, *verb.head.ancestors] if verb.dep_ in ("ccomp", "conj", "xcomp") else []
    beside = [t for t in verb.children if t.dep_ in ("advcl", "parataxis", "ccomp")]
    denial = any(t.dep_ == "neg" for t in verb.subtree) or "no longer" in verb.sent.text
    heard = [t for t in above if verb in t.subtree] + ([] if denial else beside)
    return any(
        t.lemma_ in SAYING
        and any(c.dep_ == "nsubj" and c.lower_ == "you" for c in t.children)
        and not any(
            c.dep_ == "aux" and c.lower_ != "did" and c.lower_ != "have" for c in t.children
        )
        and (t in beside or verb.dep_ == "ccomp")
        for t in heard
    )


REASONS = frozenset("although as because since so that though".split())
"""What an `advcl` begins with that is no condition; without it the main clause is as true."""


def is_framed(verb: Token) -> bool:
    """Tell what stands under a condition, a place, a time or another's word said first: "if the flag is set, ...".

    It holds for all clauses that are joined to it, so that none may be cut off.
    """
    subject = subject_of(verb)
    told = any(t.dep_ == "ccomp" for t in verb.rights)
    if subject is not None and verb.lemma_ in SAYING and told:
        return subject.lower_ not in ("i", "we", "you")
    first = subject.left_edge.i if subject is not None else verb.i
    for child in verb.lefts:
        if child.dep_ == "prep" and child.i < first:
            return True
        marks = {t.lower_ for t in child.children if t.dep_ in ("mark", "advmod")}
        if child.dep_ == "advcl" and child.i < first and not marks & REASONS:
            return True
    return False


def leans(verb: Token) -> bool:
    """Tell a joined verb that shares the auxiliary or the denial of the first: "won't start and process jobs"."""
    first = verb.head
    own = any(t.dep_ in ("aux", "auxpass", "neg") for t in verb.children)
    if subject_of(verb) is not None or own:
        return False
    if any(t.dep_ == "neg" for t in first.children):
        return not any(t.dep_ == "cc" and t.lower_ == "but" for t in first.children)
    helped = any(t.dep_ in ("aux", "auxpass") for t in first.children)
    return helped and verb.tag_ in ("VB", "VBG", "VBN")


def commands(verb: Token) -> bool:
    """Tell an order joined to a statement: "I can't swim, so please don't push me"."""
    helpers = [t for t in verb.children if t.dep_ in ("aux", "auxpass")]
    if any(t.lower_ == "please" for t in verb.children):
        return True
    if any(t.lower_ == "do" for t in helpers):
        return True
    if verb.tag_ not in ("VB", "VBP") or helpers:
        return False
    first, subject = verb.head, shared_subject(verb)
    if subject is None or any(t.dep_ == "aux" for t in first.children):
        return False
    return verb.tag_ == "VB" or not (is_plural(subject) or subject.lower_ in ("i", "we", "they"))


def is_remark(head: Token) -> bool:
    """Tell a clause that states no fact: "that has changed", "Ada is here", "I made a list of everything"."""
    kinds = {t.dep_: t for t in head.children}
    subject = kinds["nsubj"].lower_ if "nsubj" in kinds else ""
    if head.dep_ == "relcl" and subject == "which" and head.lemma_ in COMMENTS:
        return True
    if head.lemma_ == "be" and not kinds.keys() & {"attr", "prep"}:
        quality = kinds.get("acomp")
        more = quality.children if quality is not None else ()
        only = quality is not None and all(t.dep_ in ("advmod", "npadvmod") for t in more)
        only = only and quality is not None and quality.lower_ in EMPTY
        if quality is not None and subject == "it" and quality.lower_ in AMBIENT:
            return True
        here = quality is None and any(t.lower_ in ("here", "there", "back") for t in head.children)
        return only or here
    if subject == "it" and any(t.lower_ in AMBIENT for t in head.children):
        return True  # "it's getting late"
    if head.lemma_ in ("be", "do", "have") and not set(kinds) - BARE:
        return True  # "Ada does", "the lab is"
    if any(t.lower_ == "here" for t in head.children) or head.lemma_ in CHANGES:
        return not kinds.keys() & {"dobj", "prep", "xcomp", "oprd", "attr", "acomp", "advcl"}
    made = kinds.get("dobj") or kinds.get("attr")
    return made is not None and any(t.lemma_.lower() in VAGUE for t in made.subtree)
