"""What a clause leaves behind for later ones: the person, thing, plural, place and names it spoke of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nightschool.language import parse
from nightschool.sources.references import (
    ANIMALS,
    EVENT_WORDS,
    GROUP_WORDS,
    PERSON_WORDS,
    PLACING,
    UNKNOWN,
    Context,
    is_bare,
    is_one,
    is_plural,
    named,
    subject_of,
)
from nightschool.sources.wording import words

if TYPE_CHECKING:
    from spacy.tokens import Token

COUNTED = frozenset({"det", "nummod", "predet", "quantmod"})
CALENDAR = frozenset(
    """
    january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday
    """.split()
)
UNSPECIFIC = frozenset("all another any each every no some thing".split())
ORDINALS = frozenset("first second third fourth fifth sixth".split())


def hear(text: str, context: Context) -> None:
    """Note what the assistant asks about, for answers such as "There is. Juniper is the smaller one"."""
    for sentence in parse(text).sents:
        if not sentence.text.rstrip().endswith("?"):
            continue
        there = next((t for t in sentence if t.dep_ == "expl" and t.lower_ == "there"), None)
        if there is not None:
            asked = next((t for t in there.head.children if t.dep_ == "attr"), None)
            if asked is not None and not is_one(asked):
                context.kind, context.kind_of = asked.lemma_.lower(), ""
                context.asked = " ".join(t.text for t in asked.subtree if t.dep_ != "npadvmod")
                context.asked = re.sub(r" (this|next|last) \w+$", "", context.asked)
            continue
        for token in sentence:
            if token.dep_ == "nsubj" and token.tag_ == "NNS":
                left = [t.text for t in token.lefts if t.dep_ in ("amod", "compound", "det")]
                context.noted(many=" ".join([*left, token.text]))


def mention(tokens: Sequence[Token], context: Context) -> None:
    """Note what a remark that states nothing brings up: "Let me tell you about Brindle"."""
    context.clock += 1
    fragment = not any(t.pos_ in ("VERB", "AUX") for t in tokens)
    for token in tokens:
        if token.dep_ == "nsubj" and token.ent_type_ == "PERSON":
            context.noted(person=token.text)
    for token in reversed(tokens):
        if token.pos_ not in ("NOUN", "PROPN") or _is_time(token):
            continue
        if token.dep_ in ("dobj", "ROOT", "appos", "npadvmod") or (
            token.dep_ == "pobj" and not fragment
        ):
            phrase = _phrase(token, tokens, context)
            if token.tag_ == "NNS" and phrase:
                _note_kind(token, context)
                context.noted(items=phrase)
            elif phrase and token.ent_type_ == "PERSON":
                context.noted(person=phrase, thing=phrase)  # a robot can look like a person
            elif phrase and (fragment or token.pos_ == "PROPN"):
                context.noted(thing=phrase)
            return


def remember(head: Token, subject: Token, tokens: Sequence[Token], context: Context) -> None:
    """Note the person, thing, plural and place that a later word may mean."""
    context.clock += 1
    objects = [
        t
        for t in tokens
        if t.i != subject.i
        and t.pos_ in ("NOUN", "PROPN")
        and (
            t.dep_ in ("dobj", "attr", "oprd", "pobj")
            and (t.head == head or t.head.dep_ in ("prep", "xcomp", "agent"))
        )
    ]
    _note_subject(head, subject, objects, tokens, context)
    for token in objects:
        if token.dep_ in ("dobj", "pobj") and is_plural(token) and not _is_time(token):
            if token.dep_ == "dobj" or subject.lower_ in ("i", "we"):
                context.noted(items=_phrase(token, tokens, context))
            if subject.lower_ in ("i", "we"):
                _note_kind(token, context)
        _note_place(token, tokens, context)
    _note_people(head, subject, tokens, context)
    _note_full_names(subject, tokens, context)


def _note_subject(
    head: Token,
    subject: Token,
    objects: Sequence[Token],
    tokens: Sequence[Token],
    context: Context,
) -> None:
    value = next((t for t in head.children if t.dep_ in ("attr", "oprd")), None)
    low = subject.lower_
    if low in ("i", "we") or (subject.tag_ != "PRP" and _is_person(subject)) or is_plural(subject):
        if low in ("he", "she"):
            context.noted(person=context.person)
        elif low == "they" or (low not in ("i", "we") and is_plural(subject)):
            same = low == "they" or any(t.lower_ == "their" for t in subject.lefts)
            renewed = context.they()[0] if same else _phrase(subject, tokens, context)
            context.noted(many=renewed)
            if not same and subject.pos_ == "NOUN":
                _note_kind(subject, context)
        _note_thing_among(objects, tokens, context)
    elif low == "it" or any(t.lower_ == "its" for t in subject.lefts):
        context.thing_at = context.clock  # "its plate is AB 12, and it is blue": the owner still
        if value is not None and low == "it" and context.fresh and value.text[0].isupper():
            context.noted(thing=_phrase(value, tokens, context))
            context.alive = True
    elif low in ("he", "she") or any(t.lower_ in ("his", "her") for t in subject.lefts):
        if context.person_at >= context.thing_at:
            context.noted(person=context.person)
    elif subject.pos_ == "PROPN" and any(t.lower_ == "it" and t.dep_ == "dobj" for t in tokens):
        context.noted(person=words(list(subject.subtree), context))  # "Bo edits it": it stays it
        context.thing_at = context.clock
    elif low not in ("who", "which", "that", "there"):
        spoken = words([t for t in subject.subtree if t.text != ","], context)
        if UNKNOWN not in spoken:
            part = any(t.dep_ == "poss" and t.tag_ != "PRP$" for t in subject.lefts)
            name = _proper(value, tokens, context)
            label = next(
                (t for t in subject.children if t.dep_ == "appos" and t.pos_ == "PROPN"), None
            )
            if label is not None and subject.pos_ == "NOUN":
                name = words(list(label.subtree), context).strip(" ,")
            context.noted(thing=name or named(lowered(spoken)))
            context.alive = subject.lemma_.lower() in ANIMALS or _is_named(value)
            context.alive = context.alive or subject.pos_ == "PROPN"
            words_ = {subject.lemma_.lower(), value.lemma_.lower() if name and value else ""}
            context.crowd = (
                bool(words_ & GROUP_WORDS)
                or label is not None
                or subject.ent_type_ in ("ORG", "GPE")
            )
            context.event = subject.lemma_.lower() in EVENT_WORDS
            part = part or (is_bare(subject) and "'s " in spoken)
            if subject.pos_ == "NOUN" and not part and not is_one(subject):
                _note_kind(subject, context)
            elif subject.pos_ == "PROPN" and value is not None and value.pos_ == "NOUN":
                _note_kind(value, context)


def _note_thing_among(objects: Sequence[Token], tokens: Sequence[Token], context: Context) -> None:
    """Note a single thing that the clause did something to: the object, or else what it led to."""
    if any(t.lower_ == "it" and t.dep_ == "dobj" for t in tokens):
        context.thing_at = context.clock  # it is still what is talked about
        return
    ranked = [t for t in objects if t.dep_ != "pobj"] + [t for t in objects if t.dep_ == "pobj"]
    for token in ranked:
        if is_plural(token) or _is_time(token) or _is_person(token):
            continue
        phrase = _phrase(token, tokens, context)
        if not phrase:
            continue
        fresh = any(t.lower_ in ("a", "an") for t in token.lefts)
        context.noted(thing=phrase)
        context.fresh = fresh
        context.alive = token.lemma_.lower() in ANIMALS
        context.crowd = token.lemma_.lower() in GROUP_WORDS
        if token.pos_ == "NOUN" and token.dep_ == "dobj":
            _note_kind(token, context)
        return


def _is_named(value: Token | None) -> bool:
    return value is not None and value.dep_ == "oprd" and value.text[0].isupper()


def _note_kind(noun: Token, context: Context) -> None:
    """Note what `one` will stand for, and whose it is."""
    if not is_one(noun):
        owner = next((t for t in noun.lefts if t.dep_ == "poss"), None)
        context.kind = noun.lemma_.lower()
        context.kind_of = words(list(owner.subtree), context, bind=False) if owner else ""


def _note_people(head: Token, subject: Token, tokens: Sequence[Token], context: Context) -> None:
    """Note who was named, by the parser's word or as "my contact is Greta Plume"."""
    owner = next((t for t in subject.lefts if t.dep_ == "poss" and t.pos_ == "PROPN"), None)
    if owner is not None:
        context.noted(person=words([t for t in owner.subtree if t.dep_ != "case"], context))
    if _is_person(subject) and subject.lower_ != "who" and not is_plural(subject):
        names = [t.text for t in subject.subtree if t.ent_type_ == "PERSON"]
        spoken = words([t for t in subject.subtree if t.text != ","], context)
        if names or UNKNOWN not in spoken:
            context.noted(person=" ".join(names) or spoken)
    rest = {t.i for t in tokens} - {t.i for t in subject.subtree}
    named_ = [e for e in head.doc.ents if e.label_ == "PERSON" and {t.i for t in e} <= rest]
    if named_:
        context.noted(person=named_[0].text)
    for token in tokens:
        if token.dep_ == "pobj" and token.head.dep_ == "agent" and token.pos_ == "PROPN":
            context.noted(person=_phrase(token, tokens, context))
    value = next((t for t in head.children if t.dep_ == "attr" and t.pos_ == "PROPN"), None)
    role = subject.lemma_.lower() in PERSON_WORDS | {"name"} and subject.tag_ != "PRP"
    full = value is not None and [t.pos_ for t in value.lefts] == ["PROPN"]
    if value is not None and (role or full):
        context.noted(person=_phrase(value, tokens, context))
    for token in tokens:
        if token.dep_ == "dobj" and token.lemma_.lower() in PERSON_WORDS and not named_:
            context.noted(person=_phrase(token, tokens, context))


def _note_place(token: Token, tokens: Sequence[Token], context: Context) -> None:
    by = token.head
    if token.dep_ == "pobj" and by.lower_ in PLACING and not _is_time(token):
        verbal = by.head.pos_ in ("VERB", "AUX") or by.head.dep_ in ("dobj", "acomp")
        phrase = _phrase(token, tokens, context) if verbal else ""
        context.noted(place=f"{by.lower_} {phrase}" if phrase else "")
    elif token.dep_ == "dobj" and by.lemma_ in ("reach", "visit", "enter"):
        phrase = _phrase(token, tokens, context)
        context.noted(place=f"at {phrase}" if phrase else "")


def _note_full_names(subject: Token, tokens: Sequence[Token], context: Context) -> None:
    """Note how a thing was named in full, for when it is called "the mirror"."""
    for token in tokens:
        if token.pos_ != "NOUN" or token.dep_ == "compound" or is_one(token):
            continue
        if token.dep_ == "attr" and subject.pos_ == "PROPN":
            phrase = words(list(subject.subtree), context)
        else:
            phrase = _phrase(token, tokens, context)
        noun = token.lemma_.lower()
        bare = phrase.lower() in (f"the {token.lower_}", token.lower_, "")
        if bare and not any(t.dep_ == "det" for t in token.lefts):
            continue
        if bare and context.full_name(noun):
            continue  # it was called by its short name again
        if bare or UNKNOWN in phrase:
            context.full.pop(noun, None)
        else:
            context.full[noun] = (phrase, context.clock)


def _phrase(noun: Token, tokens: Sequence[Token], context: Context) -> str:
    """Name a thing for later: its words without counts and asides, "a second van" as "the second van"."""
    if is_bare(noun) and context.full_name(noun.lemma_):
        return context.full_name(noun.lemma_)
    label = next((t for t in noun.children if t.dep_ == "appos" and t.pos_ == "PROPN"), None)
    if label is not None and noun.pos_ == "NOUN":
        return words(list(label.subtree), context).strip(" ,")  # "two dogs, Moss and Fern"
    within = {t.i for t in tokens}
    kept = [
        t
        for t in noun.subtree
        if t.i in within
        and not any(
            a.dep_ in ("relcl", "appos", "advmod", "conj", "cc")
            or (a.dep_ == "prep" and a.lower_ not in ("of", "for"))
            for a in [t, *t.ancestors]
            if a != noun and noun.is_ancestor(a)
        )
        and not (t.head == noun and t.dep_ in COUNTED and t.lower_ not in ORDINALS)
    ]
    article = next((t for t in noun.lefts if t.dep_ == "det"), None)
    if not kept or (article is not None and article.lower_ in UNSPECIFIC):
        return ""
    text = words(kept, context, bind=False).strip(" ,")
    if UNKNOWN in text:
        return ""
    if kept[0].pos_ != "PROPN":
        text = text[0].lower() + text[1:]
    counted = article is not None or any(t.dep_ == "nummod" for t in noun.lefts)
    owned = any(t.dep_ == "poss" for t in noun.lefts)
    proper = noun.pos_ == "PROPN" and (article is None or text.startswith("the "))
    if (
        noun.pos_ == "NUM"
        or owned
        or proper
        or (noun.tag_ == "NNS" and " of " not in text and not counted)
    ):
        return named(f"a {text}").removeprefix("a ") if article is not None else text
    return named(f"the {text}") if not text.startswith("the ") else named(text)


def _proper(value: Token | None, tokens: Sequence[Token], context: Context) -> str:
    """Return the name in "our biggest customer is the port of Ellermouth", or nothing."""
    if value is None or value.dep_ != "attr":
        return ""
    phrase = words([t for t in value.subtree if t in tokens], context)
    capital = any(w[0].isupper() for w in phrase.split())
    article = phrase.startswith("the ") and "," not in phrase and len(phrase.split()) < 7
    return phrase if article and capital and value.dep_ == "attr" else ""


def _is_person(noun: Token) -> bool:
    value = next((t for t in noun.head.children if t.dep_ == "attr"), None)
    made = (
        value is not None
        and (value.pos_ == "NOUN" or is_one(value))
        and value.lemma_ not in PERSON_WORDS
    )
    role = noun.lemma_.lower() in PERSON_WORDS or (
        noun.pos_ == "PROPN"
        and value is not None
        and subject_of(noun.head) == noun
        and value.lemma_ in PERSON_WORDS
    )
    return role or (noun.ent_type_ == "PERSON" and not (made and subject_of(noun.head) == noun))


def _is_time(noun: Token) -> bool:
    counted = noun.ent_type_ in ("DATE", "TIME", "MONEY", "QUANTITY") and noun.tag_ != "NNP"
    return counted or noun.lower_.removesuffix("s") in CALENDAR


def lowered(phrase: str) -> str:
    """Put a leading article in lower case."""
    return re.sub(r"^(The|A|An) ", lambda m: m[0].lower(), phrase)
