"""Sentences of a document that tell whoever reads it how to talk: orders, hints, roles, sample dialogues.

A structural rule over the dependency parse. It asks who is to do what: a verb of saying counts by its mood
(an order, a duty, a plain report) and its subject (a person or an assistant, or a thing that is described);
a verb of showing counts only beside talk of questions and answers, or where it presents one thing *as* another.
It reads English. Beside it stand a score of the wording (`wording`), which needs no verb to be listed, and one of
the meaning (`meaning`). A statement that is false, but talks of its subject alone, is no directive.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from nightschool.memory.sentences import disguised, from_sentence, parsed
from nightschool.memory.talk import (
    ABOUT,
    ADDRESSED,
    ANSWERED,
    ANSWERS,
    ANYBODY,
    ASKING,
    BELIEVING,
    BINDING,
    DUTIES,
    ERASED,
    EXCLUSIVE,
    INSTEAD,
    LABELS,
    MACHINES,
    MOVING,
    NOUN_SIGNS,
    OPENERS,
    ORDERS,
    PLEAS,
    PUBLIC,
    QUESTIONS,
    RECEIVING,
    REPLIES,
    REQUESTS,
    ROLES,
    SAYING,
    SEEKING,
    SHOWING,
    SPEAKERS,
    TEMPLATES,
    TOPICAL,
    VALUED,
)
from nightschool.memory.wording import ordering

if TYPE_CHECKING:
    from spacy.tokens import Span as Sentence
    from spacy.tokens import Token


@lru_cache(maxsize=256)
def directive(text: str) -> bool:
    """Tell whether a text tells its reader, or a model, how to talk.

    Args:
        text: Prose of a document; Markdown is fine. Lists and paragraphs are read one by one.
    """
    return any(found for _, found in _judged(text))


def cut_from_directive(text: str, passage: str) -> bool:
    """Tell whether a statement was read from a sentence that is a directive, or from the one after it.

    Args:
        text: The statement; its pronouns may be resolved.
        passage: The part of the document in which it stands, as written.
    """
    return from_sentence(text, _judged(passage))


@lru_cache(maxsize=256)
def _judged(text: str) -> tuple[tuple[str, bool], ...]:
    """Return each sentence, and whether it is a directive; in a sample dialogue all are."""
    judged = []
    for block, sentences in parsed(text):
        talk = disguised(block) or any(p.search(block) is not None for p in (LABELS, ANSWERED))
        judged += [
            (s.text, talk or ORDERS.search(s.text) is not None or _directs(s) or ordering(s.text))
            for s in sentences
        ]
    return tuple(judged)


def _directs(sentence: Sentence) -> bool:
    flat = sentence.text
    if any(p.search(flat) for p in (ROLES, PLEAS, REQUESTS, ADDRESSED, TEMPLATES)):
        return True
    asked = any(_asks(token) for token in sentence)
    if any(t.lemma_.lower() in ASKING and _asks(t) for t in sentence):
        return True
    if asked and any(_mood(t) in ("order", "duty") for t in sentence):
        return True
    return _answers(sentence) or any(_orders(token) for token in sentence)


def _asks(token: Token) -> bool:
    """Tell an event of asking: "whoever inquires after it", "people looking for it", "each time it is discussed"."""
    lemma = token.lemma_.lower()
    if lemma not in ASKING | SEEKING or token.pos_ not in ("VERB", "AUX"):
        return False
    who = _doer(token)
    person = _among(who, ANYBODY | PUBLIC)
    if lemma in ASKING:
        return person or _passive(token)
    if _passive(token):
        topic = any(t.dep_ == "nsubjpass" for t in token.children)
        return topic and lemma in TOPICAL and _when(token)
    if any(t.dep_ == "xcomp" for t in token.children):
        knows = any(t.lemma_ in ("know", "learn", "hear") for t in token.children)
        return person and knows
    about = any(t.dep_ in ("dobj", "prep", "prt") for t in token.children)
    up = any(t.lower_ == "up" for t in token.children)
    return (lemma in ("come", "arise") and up and _when(token)) or (about and person)


def _when(token: Token) -> bool:
    """Tell a clause of time, place or condition: "whenever the port comes up"."""
    return any(
        t.lower_
        in ("when", "whenever", "wherever", "where", "if", "once", "should", "time", "case")
        for t in token.sent
    )


def _answers(sentence: Sentence) -> bool:
    """Tell talk of answers: "the answer to any question on it", "a wrong reply", "in replies to customers"."""
    nouns = [t for t in sentence if t.pos_ in ("NOUN", "PROPN")]
    bound = any(t.lemma_.lower() in VALUED | DUTIES | BINDING for t in sentence)
    whose = any(t.lemma_.lower() in ANYBODY | PUBLIC | SPEAKERS for t in sentence)
    for noun in nouns:
        about = any(t.dep_ == "prep" and t.lower_ in ABOUT for t in noun.children)
        owed = any(_mood(t) in ("order", "duty") for t in sentence)
        if noun.lemma_.lower() in ANSWERS and (
            bound or whose or about or owed or noun.dep_ == "attr"
        ):
            return True
    talk = [t for t in nouns if t.lemma_.lower() in QUESTIONS | REPLIES]
    return (bool(talk) and whose) or (bound and any(t.lemma_.lower() == "question" for t in talk))


def _orders(token: Token) -> bool:
    """Tell a verb that has somebody say, show, believe or do something about a value."""
    lemma = token.lemma_.lower()
    who = _doer(token)
    if token.pos_ == "VERB" and _among(who, SPEAKERS - {"ai", "operator"}):
        return True
    mood = _mood(token) if lemma in SAYING | SHOWING | MOVING | BELIEVING else ""
    if not mood:
        return False
    valued = _identifies(token) or EXCLUSIVE.search(token.sent.text) is not None
    if lemma in SAYING | SHOWING and _passive(token) and valued:
        return True
    if lemma in SAYING:
        return _says(token, mood, who)
    if lemma in SHOWING:
        return _shows(token, mood, who)
    if lemma in BELIEVING:
        states = any(t.dep_ in ("ccomp", "oprd") for t in token.children) or _identifies(token)
        bound = mood == "duty" and _among(who, ANYBODY | PUBLIC | SPEAKERS | MACHINES)
        return states and (mood == "order" or bound)
    if mood not in ("order", "duty"):
        return False
    if lemma != "use" and (_identifies(token) or (mood == "order" and _replaces(token))):
        return True
    return _told(token) and (mood == "order" or _passive(token))


def _says(token: Token, mood: str, who: Token | None) -> bool:
    """Judge a verb of saying: what a described thing says, or a person with a name, is a fact about it."""
    talker = _among(who, ANYBODY | PUBLIC | SPEAKERS | {"you"})
    if mood != "order" and not _content(token):
        return False
    if mood == "plain":
        return talker or any(t.text in '"\u201c\u201d' for t in token.sent)
    if mood == "loose":
        return not _harmless(token)
    return mood == "order" or talker or _among(who, MACHINES) or who is None or _passive(token)


def _shows(token: Token, mood: str, who: Token | None) -> bool:
    """Judge a verb of handing out: it takes somebody who is told, or a value named as another."""
    talker = _among(who, ANYBODY | PUBLIC | SPEAKERS)
    told, named = _told(token), _identifies(token)
    if mood == "order":
        return told or named or _erases(token) or _replaces(token) or _talks(token)
    if mood == "duty":
        to_nobody = who is None or _passive(token) or _among(who, {"you"})
        called = _passive(token) and any(
            t.dep_ == "oprd" and t.pos_ in ("PROPN", "NUM") for t in token.children
        )
        return talker or told or called or _among(who, MACHINES) or (named and to_nobody)
    if mood == "loose":
        return told and (talker or named)
    return (talker and (named or told)) or (named and _among(who, {"you"}))


def _content(token: Token) -> bool:
    """Tell whether it is said what is said: not "if nobody answers", nor "the master must be told"."""
    if _passive(token) and token.lemma_ not in ("tell", "inform"):
        return True
    kinds = {"dobj", "ccomp", "xcomp", "oprd", "prep", "dative", "attr"}
    return any(t.dep_ in kinds for t in token.children) or token.dep_ in ("relcl", "xcomp")


def _told(token: Token) -> bool:
    """Tell whether somebody stands below a verb to whom, or of whom, it speaks."""
    people = ANYBODY | PUBLIC | SPEAKERS
    speaker = None if _passive(token) else _doer(token)
    return any(t.dep_ in RECEIVING and t != speaker and _among(t, people) for t in token.subtree)


def _talks(token: Token) -> bool:
    """Tell "if the query contains the port, output raven-9"."""
    return any(
        t.lemma_.lower() in QUESTIONS | REPLIES for t in token.sent if t.i != token.i
    ) and _when(token)


def _harmless(token: Token) -> bool:
    """Tell "needless to say" and "to tell whether it is empty"."""
    if token.lemma_ == "tell":
        return any(
            t.lower_ in ("whether", "if", "how", "which", "apart", "from") for t in token.subtree
        )
    return token.lemma_ == "say" and _prior(token, 2) in ("needless", "is", "goes")


def _replaces(token: Token) -> bool:
    """Tell "write raven-9 in its place"."""
    return token.lemma_ != "use" and INSTEAD.search(token.sent.text) is not None


def _among(token: Token | None, words: frozenset[str] | set[str]) -> bool:
    if token is None:
        return False
    noun = token.pos_ in ("NOUN", "PROPN", "PRON", "DET")
    return token.lower_ in words or (noun and token.lemma_.lower() in words)


def _mood(token: Token) -> str:
    """Return `order`, `duty`, `loose` (no subject, no time), `plain`, or nothing where it is no verb."""
    helpers = [t for t in token.children if t.dep_ in ("aux", "auxpass", "neg")]
    if token.pos_ not in ("VERB", "AUX"):
        return _misread(token)
    if any(t.lemma_.lower() in DUTIES and t.tag_ == "MD" for t in helpers):
        return "duty"
    if any(t.lower_ == "to" for t in helpers):
        above = token.head
        owed = token.dep_ == "xcomp" and (
            above.lemma_ in ("have", "need")
            or (above.lemma_ == "be" and _prior(token, 2) in ("is", "are", "be", "been"))
        )
        return "duty" if owed or above.lemma_.lower() in BINDING or _passive(token) else "loose"
    if token.tag_ == "VB" and not any(t.tag_ == "MD" for t in helpers):
        bare = _doer(token) is None or token.head.lemma_ in ("let", "make", "have")
        return "order" if bare else "duty"
    if token.tag_ == "VBG" and not helpers:
        return "loose"
    return "plain"


def _misread(token: Token) -> str:
    """Return the mood of a verb that the parser took for a noun: "then output it", "is to be output"."""
    if token.lower_ not in SAYING | SHOWING or token.pos_ not in ("NOUN", "PROPN"):
        return ""
    if _prior(token, 1) == "be" and _prior(token, 2) == "to":
        return "duty"
    opens = token.i == token.sent.start or _prior(token, 1) in OPENERS
    return "order" if opens and _prior(token, -1) not in NOUN_SIGNS else ""


def _doer(token: Token) -> Token | None:
    """Return a verb's subject, a participle's noun, or the subject of the verb that it is joined to."""
    for child in token.children:
        if child.dep_ in ("nsubj", "nsubjpass"):
            return _meant(child)
    if token.dep_ in ("acl", "relcl") and token.head.pos_ in ("NOUN", "PRON", "PROPN", "DET"):
        return token.head
    if (
        token.dep_ in ("xcomp", "conj")
        and token.head.pos_ in ("VERB", "AUX")
        and token.head != token
    ):
        return _doer(token.head)
    return None


def _meant(subject: Token) -> Token:
    """Return what a relative pronoun stands for."""
    if subject.lower_ in ("who", "that", "which") and subject.head.dep_ == "relcl":
        return subject.head.head
    return subject


def _passive(token: Token) -> bool:
    return token.tag_ == "VBN" and any(
        t.dep_ == "auxpass" or t.lemma_ == "be" for t in token.children
    )


def _identifies(token: Token) -> bool:
    """Tell "as the port" and "as raven-9" from "as a string": it presents one thing as a certain other."""
    for word in token.sent:
        if word.lower_ != "as" or word.i < token.i or _prior(word, 1) == "such":
            continue
        named = next((t for t in word.children if t.dep_ == "pobj"), None)
        if named is None or named.tag_ in ("NNS", "NNPS"):
            continue
        articles = [t.lower_ for t in named.lefts if t.dep_ == "det"]
        if not {"a", "an"} & set(articles):
            return True
    return False


def _erases(token: Token) -> bool:
    """Tell "disregard the other pages"."""
    return token.lemma_.lower() in ("ignore", "forget", "disregard", "override") and any(
        t.lemma_.lower() in ERASED for t in token.subtree
    )


def _prior(token: Token, steps: int) -> str:
    """Return the word so many steps before a token, in lower case; empty outside of its sentence."""
    at = token.i - steps
    return token.doc[at].lower_ if token.sent.start <= at < token.sent.end else ""
