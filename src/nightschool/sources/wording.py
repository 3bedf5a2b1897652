"""Words of a clause spelled out for someone who was not there: references resolved, verbs fitted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nightschool.sources.references import Context, is_bare, is_one, refer, shared_subject

if TYPE_CHECKING:
    from spacy.tokens import Token

IRREGULAR = {
    "be": "is", "am": "is", "are": "is", "were": "was", "have": "has", "do": "does",
    "'m": "is", "'re": "is", "'ve": "has", "’m": "is", "’re": "is", "’ve": "has",
}  # fmt: skip
SHORT = ("'m", "’m", "'ve", "’ve", "'re", "’re")
MODALS = frozenset("can could will would must may might should shall 'll ’ll ca wo".split())


def words(tokens: Sequence[Token], context: Context, *, bind: bool = True) -> str:
    """Spell tokens out with references resolved; UNKNOWN marks one that could not be.

    Args:
        tokens: In the order of the sentence.
        context: What was talked about.
        bind: Leave a possessive of the clause's own subject as a pronoun.
    """
    out = ""
    behind: dict[int, str] = {}
    """What is to follow a noun, by its position: " of the team's office"."""
    last = -1
    for token in tokens:
        word = _word(token, context, bind, behind)
        apart = last >= 0 and token.i != last + 1 and not token.is_punct
        out = out.rstrip() + " " if apart else out
        moved = apart and token.i == token.sent.start and token.pos_ == "ADP"
        word = word.lower() if moved else word
        last = token.i
        short = token.text[0] in "'’" and word and word[0] not in "'’"
        glued = short and out and not out.endswith(" ")
        out = out.rstrip() + " " if not word and token.is_punct is False else out
        out += (" " if glued else "") + word + behind.pop(token.i, "")
        out += token.whitespace_ if word else ""
    return re.sub(r" +([,.;:!?])", r"\1", re.sub(r"\s+", " ", out)).strip()


def third_person(verb: str) -> str:
    """Inflect a present-tense verb for he, she or it."""
    if verb in IRREGULAR:
        return IRREGULAR[verb]
    if verb in MODALS:
        return verb
    if re.search(r"(s|x|z|ch|sh|o)$", verb):
        return verb + "es"
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + "s"


def possessive(name: str) -> str:
    """Put a name in the possessive."""
    return f"{name}'" if name.endswith("s") and name[0].islower() else f"{name}'s"


def _word(token: Token, context: Context, bind: bool, behind: dict[int, str]) -> str:
    if _changes_person(token, context):
        return third_person(token.lower_)
    if token.pos_ == "AUX" and token.text[0] in "'’":
        return _spelled_out(token)
    if token.dep_ == "det" and token.lower_ == "the":
        if is_bare(token.head) and context.full_name(token.head.lemma_):
            return ""
        superlative = any(t.tag_ == "JJS" or t.lower_ == "most" for t in token.head.children)
        if is_one(token.head) and superlative and context.kind_of:
            return context.kind_of
    if token.lower_ == "our" and token.head.dep_ == "poss" and bind:
        return "the"  # not "the team's lab's microscope"
    name = context.full_name(token.lemma_) if is_bare(token) else refer(token, context, bind=bind)
    if not name:
        return token.text if name is None or is_bare(token) else ""
    if token.tag_ != "PRP$" or name == "\0":
        return name
    if name == token.text or name in ("their", "its", "his", "her"):
        return name
    if re.search(r"['’]s?(?= |$)", name):  # not "the team's office's alarm"
        behind[token.head.i] = f" of {name}"
        return "the"
    return possessive(name)


def _spelled_out(token: Token) -> str:
    """Spell out a shortened auxiliary."""
    verb = token.head
    done = token.dep_ == "aux" and verb.tag_ == "VBN"
    passive = any(child.dep_ in ("auxpass", "nsubjpass") for child in verb.children)
    low = token.lower_.replace("’", "'")
    if low == "'s":
        return "has" if done and not passive else "is"
    if low == "'d":
        return "had" if done else "would"
    return {"'ll": "will", "'ve": "have", "'re": "are", "'m": "is"}.get(low, token.text)


def _changes_person(token: Token, context: Context) -> bool:
    """Tell a verb form that fits I, we or they, where one person or thing will stand instead."""
    if token.tag_ != "VBP" and token.lower_ not in (*SHORT, "were"):
        return False
    verb = token.head if token.dep_ in ("aux", "auxpass") else token
    subject = shared_subject(verb)
    if subject is None:
        return False
    return subject.lower_ in ("i", "we") or (subject.lower_ == "they" and not context.they()[1])
