"""Spoken sentences to self-contained statements: clauses apart, pronouns and `I` resolved.

Rules over a dependency parse. They are conservative: what still has an unresolved pronoun,
a question, a wish, a greeting or a command gives no statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightschool.language import parse
from nightschool.sources.earnest import attributed, in_earnest, takes_back
from nightschool.sources.forms import SELF, existence, finished, full_name, introduced
from nightschool.sources.framing import core
from nightschool.sources.references import (
    UNKNOWN,
    Context,
    is_plural,
    is_sequel,
    named,
    shared_subject,
    subject_of,
)
from nightschool.sources.relations import MISREAD
from nightschool.sources.remarks import HEDGES, commands, is_framed, is_remark, leans, reported
from nightschool.sources.topics import mention, remember
from nightschool.sources.wording import words

if TYPE_CHECKING:
    from spacy.tokens import Span as Sentence
    from spacy.tokens import Token

__all__ = ["Context", "Statement", "statements"]

OPENERS = frozenset("actually so also well ok okay yes no oh and but by please".split())
GREETINGS = frozenset("dear good hello hey hi morning thanks".split())
TELLING = frozenset("forget know mention note remember say see understand write".split())
YOU = frozenset({"you", "your", "yours"})
SO = re.compile(r", so (?!that\b|far\b|long\b|many\b|much\b|on\b)(?![^.!]*\?)")


@dataclass(frozen=True, slots=True)
class Statement:
    """One self-contained sentence and where it was said."""

    text: str
    start: int
    end: int


def statements(text: str, context: Context) -> list[Statement]:
    """Split a turn into statements; `context` carries names over sentences and turns.

    Args:
        text: What was said, in whole sentences.
        context: Updated in place, so that a later turn's `it` finds its thing.
    """
    flat = re.sub(r"\s+", " ", text).strip()
    found: list[Statement] = []
    at = 0
    for match in SELF.finditer(flat):
        mine = context.speaker in match["name"].split()
        if not mine and match["said"] is None:
            continue
        name = full_name(match["name"], context)
        found += _read(flat[at : match.start()], at, context)
        if name:
            found.append(Statement(name, *match.span("name")))
        at = match.end()
    return found + _read(flat[at:], at, context)


def _read(text: str, at: int, context: Context) -> list[Statement]:
    """Read sentences that start at an offset; ", so" always parts two clauses."""
    found = []
    ends = [(m.start(), m.end()) for m in SO.finditer(text)] + [(len(text), len(text))]
    begin = 0
    for end, after in ends:
        piece = text[begin:end]
        sentences = list(parse(piece).sents) if piece.strip() else []
        shift = at + begin + len(piece) - len(piece.lstrip())
        for number, sentence in enumerate(sentences):
            if not in_earnest(sentence.text):
                continue
            said = not attributed(sentence.text) and not any(
                takes_back(later.text) for later in sentences[number + 1 : number + 2]
            )
            whole = (shift + sentence.start_char, shift + sentence.end_char)
            claim = core(sentence.text)
            if not claim:
                continue
            inner = [sentence] if claim == sentence.text.strip() else list(parse(claim).sents)
            for head, tokens in (pair for part in inner for pair in _clauses(part)):
                start, stop = tokens[0].idx, tokens[-1].idx + len(tokens[-1])
                place = (shift + start, shift + stop) if inner[0] is sentence else whole
                for statement in _statements(head, tokens, context):
                    if said and not reported(head):
                        found.append(Statement(statement, *place))
        begin = after
    return found


def _clauses(sentence: Sentence) -> list[tuple[Token, list[Token]]]:
    """Cut a sentence at its coordinated and relative clauses."""
    root = sentence.root
    if any(t.lower_ in HEDGES for t in sentence):
        return []
    if root.pos_ not in ("VERB", "AUX"):
        return [(root, _trim(list(sentence)))] if _trim(list(sentence)) else []
    root = _told(root)
    framed = is_framed(root)
    heads = [root]
    for token in sentence:
        if token.i == root.i or token.pos_ not in ("VERB", "AUX"):
            continue
        joined = token.dep_ == "conj" and token.head in heads and not is_sequel(token)
        joined = joined and not leans(token) and (not framed or is_framed(token))
        beside = (
            token.dep_ == "ccomp"
            and token.head.i == root.i
            and token.i < root.i
            and subject_of(token)
        )
        apart = token.dep_ in ("xcomp", "ccomp") and token.doc[token.left_edge.i - 1].text in ":;"
        if (
            joined
            or beside
            or (apart and token.left_edge.i > 0)
            or (_detachable(token) and not framed)
        ):
            heads.append(token)
    clauses = []
    for head in heads:
        others = {
            t.i
            for other in heads
            if other.i != head.i and head in other.ancestors
            for t in other.subtree
        }
        tokens = [t for t in head.subtree if t.i not in others]
        clauses.append((head, _trim(tokens)))
    return sorted(((h, t) for h, t in clauses if t), key=lambda pair: pair[1][0].i)


def _told(root: Token) -> Token:
    """Return what is said in "remember that the lab is closed", or else the main verb itself."""
    subject = subject_of(root)
    if root.lemma_ in TELLING and (subject is None or subject.lower_ == "you"):
        told = (t for t in root.children if t.dep_ == "ccomp" and t.i > root.i and subject_of(t))
        return next(told, root)
    return root


def _detachable(token: Token) -> bool:
    """Tell a relative clause that only adds something: behind a comma, its subject a relative pronoun."""
    if token.dep_ != "relcl":
        return False
    subject = subject_of(token)
    first = min(token.subtree, key=lambda t: t.i)
    return bool(
        subject is not None
        and subject.lower_ in ("who", "which")
        and first.i > 0
        and first.doc[first.i - 1].text == ","
    )


def _trim(tokens: list[Token]) -> list[Token]:
    while (
        tokens and (tokens[-1].is_punct or tokens[-1].dep_ == "cc") and tokens[-1].text not in '")%'
    ):
        tokens = tokens[:-1]
    comma = next((k for k, t in enumerate(tokens[:4]) if t.text == ","), None)
    if comma is not None and tokens[0].lower_ in GREETINGS:
        tokens = tokens[comma + 1 :]
    colon = next((k for k, t in enumerate(tokens[:4]) if t.text == ":"), None)
    if colon is not None and all(t.pos_ not in ("VERB", "AUX") for t in tokens[:colon]):
        tokens = tokens[colon + 1 :]  # "Big news: we have a robot"
    while tokens and _opens(tokens):
        tokens = tokens[1:]
    return tokens


def _opens(tokens: list[Token]) -> bool:
    """Tell a first word that belongs to the talk and not to the statement."""
    first = tokens[0]
    if first.dep_ == "det":
        return False  # "no pack may be charged" is not "pack may be charged"
    return (
        first.dep_ == "cc"
        or (first.dep_ == "mark" and first.lower_ == "that")
        or first.lower_ in OPENERS
        or (first.is_punct and first.text not in '"(')
    )


def _statements(head: Token, tokens: list[Token], context: Context) -> Iterator[str]:
    """Give what a clause states, mostly one sentence, and note what it was about."""
    subject = subject_of(head)
    if subject is not None and subject.dep_ == "expl" and subject.lower_ == "there":
        yield from existence(head, tokens, context)
        return
    text = _stated(head, subject, tokens, context)
    subject = subject or shared_subject(head) or (None if head.pos_ in ("VERB", "AUX") else head)
    if text is None or subject is None:
        mention(tokens, context)
        return
    names = introduced(head, text, context)
    if names is None:
        yield from [] if is_remark(head) else [text]
        remember(head, subject, tokens, context)
    else:
        yield from names


def _stated(
    head: Token, subject: Token | None, tokens: list[Token], context: Context
) -> str | None:
    carried = ""
    if head.pos_ not in ("VERB", "AUX"):
        if not _misread(head, tokens):
            return None
    elif subject is None:
        subject = shared_subject(head)
        if subject is None or subject.dep_ == "expl" or commands(head):
            return None  # a command, a greeting, a fragment
        carried = words(sorted(subject.subtree, key=lambda t: t.i), context)
        tokens = [t for t in tokens if t.i != subject.i]
    elif subject.dep_ == "expl" or (subject.lower_ == "you"):
        return None
    elif head.dep_ == "relcl":
        carried = _antecedent(head, subject, context)
        tokens = [t for t in tokens if t.i != subject.i]
    tokens = _time_last(head, tokens)
    text = words(tokens, context)
    if UNKNOWN in text:  # a remark to the listener may hang on a statement that stands without it
        text = words(_trim([t for t in tokens if t.i not in _asides(head)]), context)
    text = f"{carried} {text}" if carried else text
    return None if len(text.split()) < 3 else finished(text)


def _time_last(head: Token, tokens: list[Token]) -> list[Token]:
    """Put a time that stands first behind the rest: "on Thursdays we hold our game night"."""
    if not tokens:
        return tokens
    first = tokens[0]
    when = {t.i for t in first.subtree if t in tokens}
    time = any(t.dep_ == "pobj" and t.ent_type_ in ("DATE", "TIME") for t in first.children)
    if first.dep_ != "prep" or first.head != head or not time:
        return tokens
    rest = [t for t in tokens if t.i not in when]
    if any(t.text == "," for t in rest[1:]):
        return tokens
    return [*rest[rest[0].is_punct :], *(t for t in tokens if t.i in when)]


def _misread(head: Token, tokens: list[Token]) -> bool:
    """Tell a whole sentence in which the parser found no main verb: "the key to the shed hangs here"."""
    verbs = [t for t in tokens if t.tag_ in ("VBZ", "VBP", "VBD") and t.dep_ != "relcl"]
    whole = tokens[0].dep_ in ("det", "poss", "compound", "amod") or tokens[0].pos_ == "PROPN"
    if head.lower_ in MISREAD and head.i > 0 and not verbs and head.nbor(-1).tag_ != "NNS":
        return head.nbor(-1).head == head and any(t.dep_ in ("prep", "dobj") for t in head.rights)
    lost = head.pos_ == "NOUN" and any(t.dep_ in ("pobj", "appos", "acl") for t in verbs)
    return whole and (lost or (head.pos_ == "ADP" and subject_of(head) is not None))


def _antecedent(head: Token, subject: Token, context: Context) -> str:
    """Name what `who` or `which` stands for: the nearest noun before it that fits the verb's number."""
    name = head.head
    many = is_plural(subject)
    while (
        many != is_plural(name)
        and not any(t.dep_ == "conj" for t in name.children)
        and name.dep_ == "pobj"
        and name.head.head.pos_ == "NOUN"
        and is_plural(name.head.head) == many
    ):
        name = name.head.head
    start = min(x.i for x in head.subtree)
    words_ = [t for t in name.subtree if t.i < start and t.text != ","]
    if name.dep_ in ("attr", "appos") and name.pos_ == "PROPN":
        words_ = [t for t in words_ if t.i >= name.left_edge.i]
    return named(re.sub(r"^an? (?!.*\b(?:called|named|of)\b)", "the ", words(words_, context)))


def _asides(head: Token) -> set[int]:
    """Find what hangs on a clause and speaks to the listener: "in case you want to", "so be careful"."""
    return {
        token.i
        for child in head.children
        if child.dep_ == "advcl"
        or (child.dep_ in ("prep", "ccomp") and any(t.lower_ in YOU for t in child.subtree))
        for token in child.subtree
    }
