"""Forms of speech with a meaning of their own: introductions, and `there is`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nightschool.language import CODE_LIKE
from nightschool.sources.references import UNKNOWN, Context, is_one, is_plural, named, subject_of
from nightschool.sources.topics import lowered
from nightschool.sources.wording import words

if TYPE_CHECKING:
    from spacy.tokens import Token

UNCERTAIN = frozenset("may might could perhaps maybe probably possibly".split())
USER = "the user"
"""A speaker whose name is not known."""
NAME = r"[A-Z][\w’'-]*(?: (?:[a-z]{1,3} )?[A-Z][\w’'-]*)+"
SELF = re.compile(
    rf"(?:(?<=^)|(?<=[.!,] ))(?P<name>{NAME})(?:,? (?P<said>here|speaking)(?:$|[,.:;!] ?)|, (?=(?:I|I[’']m|we|my|our) ))"
)
"""A speaker's own name before what they say: "Kaspar Linde speaking, ..."."""


def finished(text: str) -> str | None:
    """Make a sentence of a clause, or nothing if a word in it is unresolved."""
    text = re.sub(r"\s+([,.;:!?])", r"\1", text).strip(" ,;")
    text = re.sub(r",,\s*", " ", text)  # between them stood a clause that is told for itself
    text = re.sub(r" (?:is|was) the one who ", " ", text)
    if UNKNOWN in text or not text:
        return None
    first = text[0] if CODE_LIKE.match(text.split()[0]) else text[0].upper()
    return f"{first}{text[1:]}{'' if text[-1] in '.!' else '.'}"


def full_name(name: str, context: Context) -> str:
    """State a speaker's full name, if it says more than what they are called by."""
    if context.speaker == USER:
        return f"The user's name is {name}."
    return f"{context.speaker}'s full name is {name}." if name != context.speaker else ""


def introduced(head: Token, text: str, context: Context) -> list[str] | None:
    """Give the full name in "I'm Maren Oskvik from sales", and what else that says."""
    who = context.speaker[0].upper() + context.speaker[1:]
    pattern = (
        rf"{re.escape(who)}(?:'s name)? is (?P<name>{NAME}|[A-Z]\w+)(?:,? (?P<rest>[a-z].*))?\.$"
    )
    match = re.match(pattern, text)
    if match is None:
        return None
    person = any(t.dep_ == "attr" and t.ent_type_ == "PERSON" for t in head.children)
    if context.speaker not in match["name"].split() and (context.speaker != USER or not person):
        return None
    name = full_name(match["name"], context)
    rest = [f"{who} is {match['rest']}."] if match["rest"] else []
    return [name, *rest] if name else rest


def existence(head: Token, tokens: Sequence[Token], context: Context) -> Iterator[str]:
    """Give what `there is` states: a count of people, a name, or that something is somewhere."""
    noun = next((t for t in head.children if t.dep_ == "attr"), None)
    inner = {t.i for t in noun.subtree} if noun is not None else set()
    subject = subject_of(head)
    group_of_verb = _verb_group(head, subject, noun, tokens)
    plain = group_of_verb == [head]
    drop = inner | {subject.i if subject else -1, *(t.i for t in group_of_verb)}
    beside = [t for t in tokens if t.i not in drop]
    rest = words(beside, context).strip(" ,")
    if beside and beside[0].pos_ == "ADP":
        rest = rest[0].lower() + rest[1:]
    group = context.group[0].upper() + context.group[1:]
    text: str | None = None
    if noun is not None and noun.lower_ == "one" and not is_one(noun):
        return
    if any(t.lower_ in UNCERTAIN for t in group_of_verb) or any(
        t.dep_ == "neg" and t not in group_of_verb for t in head.children
    ):
        return  # what may be is no fact, and what is denied in a place of its own is not well understood
    if noun is None:
        verb = words(group_of_verb, context)
        text = finished(f"There {verb} {context.asked} {rest}") if context.asked and rest else None
        context.clock += 1
    elif any(t.lower_ == "us" for t in noun.subtree) and noun.pos_ == "NUM":
        count = " ".join(t.text for t in [*noun.lefts, noun])
        text = finished(f"{group} has {count} people {rest}") if plain else None
        context.clock += 1
    else:
        label = next((t for t in noun.children if t.dep_ == "appos" and t.text[0].isupper()), None)
        if label is not None:
            text = _named_there(noun, label, context) if plain else None
        else:
            spoken = words([t for t in tokens if t.i in inner], context)
            placed = rest or any(t.dep_ in ("prep", "acl") for t in noun.children)
            be = words(group_of_verb, context)
            be = re.sub("^['’]s\\b", "has" if "been" in be else "is", be)
            text = finished(f"There {be} {spoken} {rest}") if placed else None
            context.clock += 1
            thing = named(lowered(spoken))
            if UNKNOWN not in thing and plain:
                thing = re.sub(r"^(?:an?|another) ", "the ", thing)
                context.noted(**({"items": thing} if is_plural(noun) else {"thing": thing}))
            if not is_one(noun):
                context.kind, context.kind_of = noun.lemma_.lower(), ""
    if text:
        yield text


def _verb_group(
    head: Token, subject: Token | None, noun: Token | None, tokens: Sequence[Token]
) -> list[Token]:
    """Return the verb with what stands around it before the noun: "won't be", "is never"."""
    start = subject.i if subject is not None else -1
    end = noun.left_edge.i if noun is not None else head.i + 1
    beside = [t for t in tokens if t.head == head and t.dep_ not in ("prep", "advcl", "punct")]
    inside = {t.i for c in beside for t in c.subtree} | {head.i}
    neg = {c.i for c in beside if c.dep_ == "neg"} if noun is None else set()
    return [t for t in tokens if t.i in neg or (t.i in inside and start < t.i < end)]


def _named_there(noun: Token, label: Token, context: Context) -> str | None:
    """Turn "there is a smaller one, Thimble" into "Thimble is the smaller telescope"."""
    name = words(list(label.subtree), context)
    which = any(t.tag_ in ("JJR", "JJS") for t in noun.children)
    kind = [
        t for t in noun.subtree if t.i < label.left_edge.i and t.text != "," and t.dep_ != "det"
    ]
    article = next((t.lower_ for t in noun.children if t.dep_ == "det"), "a")
    spoken = words(kind, context)
    context.clock += 1
    context.noted(thing=name)
    if not is_one(noun):
        context.kind, context.kind_of = noun.lemma_.lower(), ""
    return finished(f"{name} is {'the' if which else article} {spoken}")
