"""What pronouns, `one`, `there` and a bare "the mirror" mean: what a talk has named so far."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.tokens import Token

UNKNOWN = "\0"
"""Stands for a word whose meaning was not found; no statement may hold one."""
PERSON_WORDS = frozenset(
    """
    accountant apprentice assistant auditor author boss brother buddy buyer captain chef coach
    colleague contact cook daughter dentist designer director doctor editor engineer father friend
    gardener guard husband intern lead leader manager mentor mother neighbor neighbour nurse owner
    partner pilot secretary sister son student supervisor teacher trainee treasurer wife
    """.split()
)
GROUP_WORDS = frozenset(
    """
    agency association bakery band bank chain choir city client club college committee company
    council crew customer department family firm garage group hospital institute laboratory library
    mill ministry museum office partner port school shop sponsor supplier team tenant town
    university village
    """.split()
)
"""What can be `they` though it is one."""
ANIMALS = frozenset(
    "bird cat cow dog donkey goat horse mule parrot pig pony rabbit tortoise".split()
)
EVENT_WORDS = frozenset(
    """
    audit ceremony class concert course demo dinner event exhibition fair festival gathering lunch
    match meeting party playtest rehearsal retreat review seminar session standup training workshop
    """.split()
)
MOTION_WORDS = frozenset(
    "bring carry come deliver drive fly go haul move return ride sail send ship take travel walk".split()
)
PLACING = frozenset("at behind beside in inside near on under".split())
THIRD = frozenset("he her him his it its she their them they".split())
NEEDY = frozenset("else hers mine ours theirs yours".split())
"""What cannot stand without the sentence before."""
WEATHER = frozenset("freeze hail rain snow storm thunder".split())
NEAR = 6
"""How many clauses back a place, a plural, or a fuller name is still meant."""


@dataclass(slots=True)
class Context:
    """Who is speaking, and what was last talked about."""

    speaker: str
    person: str = ""
    thing: str = ""
    group: str = "the team"
    many: str = ""
    """The last plural that did something, for `they`."""
    items: str = ""
    """The last plural that something was done to, for `them`."""
    place: str = ""
    """The last place with its preposition, for `there`."""
    kind: str = ""
    """The noun that `one` stands for."""
    kind_of: str = ""
    """Whose it is: "the team's"."""
    asked: str = ""
    """What the other side asked after with "is there"."""
    crowd: bool = False
    """Whether the thing can be `they`."""
    event: bool = False
    alive: bool = False
    """Whether the thing can be `she`: an animal, or what was given a name."""
    fresh: bool = False
    """Whether the thing was brought up with `a`, and so is better known by a name to come."""
    full: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Noun to its last full mention and when: "mirror" to "the main telescope's mirror"."""
    person_at: int = 0
    thing_at: int = 0
    many_at: int = -NEAR
    items_at: int = -NEAR
    place_at: int = -NEAR
    clock: int = 0

    def noted(
        self,
        *,
        person: str = "",
        thing: str = "",
        many: str = "",
        items: str = "",
        place: str = "",
    ) -> None:
        """Note what the clause just spoken was about."""
        if person:
            self.person, self.person_at = person, self.clock
        if thing:
            self.crowd = self.event = self.alive = self.fresh = False
            self.thing, self.thing_at = thing, self.clock
        if many:
            self.many, self.many_at = many, self.clock
        if items:
            self.items, self.items_at = items, self.clock
        if place:
            self.place, self.place_at = place, self.clock

    @property
    def someone(self) -> str:
        """What `she` or `he` means: the latest person, unless a cat or a ship came up after them."""
        later = not self.person or self.thing_at > self.person_at
        return self.thing if self.alive and later else self.person

    def they(self, *, done_to: bool = False) -> tuple[str, bool]:
        """Say what `they` means (or `them`, done to), and whether it is more than one."""
        later = self.items_at - self.many_at
        name, at = self.many, self.many_at
        if later > 0 or (done_to and later == 0):
            name, at = self.items, self.items_at
        if self.crowd and (self.clock - at > NEAR or self.thing_at > at - (not done_to)):
            return self.thing, False
        return (name, True) if name and self.clock - at <= NEAR else (self.person, False)

    def full_name(self, noun: str) -> str:
        """Give the fuller name of a thing that is now called "the mirror" for short, or nothing."""
        name, at = self.full.get(noun, ("", 0))
        return name if self.clock - at <= NEAR else ""

    def whereabouts(self, verb: str) -> str:
        """Say what `there` means beside a verb, or nothing."""
        if self.event and self.clock - self.thing_at <= NEAR:
            return f"at {self.thing}"
        if not self.place or self.clock - self.place_at > NEAR:
            return ""
        return f"to {self.place.split(' ', 1)[1]}" if verb in MOTION_WORDS else self.place


def subject_of(verb: Token) -> Token | None:
    """Return a verb's own subject; also where the parser took it for a part of the verb's name."""
    found = next((t for t in verb.children if t.dep_ in ("nsubj", "nsubjpass", "expl")), None)
    if found is None and verb.tag_ in ("VBZ", "VBD") and verb.dep_ == "ROOT":
        return next((t for t in verb.lefts if t.dep_ == "compound" and t.i == verb.i - 1), None)
    return found


def shared_subject(verb: Token) -> Token | None:
    """Return a verb's subject, or that of the verb it is joined to."""
    subject = subject_of(verb)
    while subject is None and verb.dep_ == "conj":
        verb = verb.head
        subject = subject_of(verb)
    return subject


def is_plural(noun: Token) -> bool:
    """Tell a plural, by its verb where it is a subject: "Soup Thieves comes" is one thing."""
    verb = noun.head
    if noun.dep_ in ("nsubj", "nsubjpass"):
        finite = [verb, *(t for t in verb.children if t.dep_ in ("aux", "auxpass"))]
        if any(t.tag_ == "VBZ" for t in finite):
            return False
        if any(t.tag_ == "VBP" or t.lower_ == "were" for t in finite):
            return True
    if noun.pos_ == "PROPN" or (noun.text[0].isupper() and noun.i != noun.sent.start):
        return any(t.dep_ == "conj" for t in noun.children)
    return noun.tag_ == "NNS" or any(t.dep_ == "conj" for t in noun.children)


def is_sequel(verb: Token) -> bool:
    """Tell the second verb of "keeps them for a week and then burns them"."""
    return (
        verb.dep_ == "conj"
        and subject_of(verb) is None
        and any(t.lower_ == "then" for t in verb.children)
    )


def is_one(token: Token) -> bool:
    """Tell the `one` of "the smaller one", which stands for a noun said before."""
    return token.lower_ in ("one", "ones") and any(
        t.dep_ in ("det", "amod") and t.lower_ not in ("no", "every") for t in token.children
    )


def is_bare(noun: Token) -> bool:
    """Tell "the mirror": a noun with nothing but an article."""
    children = list(noun.children)
    return (
        noun.pos_ == "NOUN"
        and bool(children)
        and children[0].lower_ == "the"
        and all(t.is_punct or t.dep_ in ("det", "cc", "conj") for t in children)
        and noun.dep_ not in ("compound", "conj")
    )


def named(phrase: str) -> str:
    """Shorten "a parrot called Polly" to its name, "a host named puffin-3" to "the host puffin-3"."""
    match = re.match(r"(?:an?|the|one) (.+?) (?:called|named) ((?:the )?\S.*)$", phrase)
    if not match:
        return phrase
    name = match[2]
    capital = name.removeprefix("the ")[0].isupper()
    return name if capital else f"the {match[1]} {name}"


def refer(token: Token, context: Context, *, bind: bool = True) -> str | None:
    """Say what a word of reference means; UNKNOWN if that is not clear, None if it is no such word.

    Args:
        token: Any word.
        context: What was talked about.
        bind: Leave a pronoun that refers to something within its own clause ("he wants his data").
    """
    low = token.lower_
    if is_one(token):
        if any(t.lower_ in ("this", "that", "these", "those") for t in token.children):
            return UNKNOWN
        plain = not any(t.dep_ in ("relcl", "acl") for t in token.children)
        kind = context.kind + ("s" if low == "ones" else "") if context.kind else UNKNOWN
        return kind if plain else None
    if low in ("there", "here", "then") and token.pos_ == "ADV":
        return _adverb(token, context)
    if low == "back" and token.i + 1 < len(token.doc) and token.nbor().lower_ == "then":
        return ""
    if low in ("also", "too") and token.head.pos_ in ("VERB", "AUX"):
        return ""
    if low in NEEDY:
        return UNKNOWN
    if token.pos_ not in ("PRON", "DET") and token.tag_ not in ("PRP", "PRP$"):
        return None
    if low in ("you", "your", "yours"):
        return UNKNOWN
    if bind and token.tag_ == "PRP$" and _own_subject(token):
        return {"my": "their", "our": "its"}.get(low, low)
    if low in ("i", "me", "my", "mine", "myself"):
        return context.speaker
    if low in ("we", "us", "our", "ours"):
        return context.group
    if bind and low in THIRD and _meant_before(token):
        return token.text
    if low in ("he", "she", "him", "her", "his"):
        return context.someone or UNKNOWN
    if low in ("it", "its"):
        parallel = _parallel(token) if low == "it" else ""
        if parallel:
            return parallel
        return _less_owned(context.thing, token, context) or UNKNOWN
    if low in ("they", "them", "their"):
        return context.they(done_to=token.dep_ in ("dobj", "pobj"))[0] or UNKNOWN
    if low == "that" and token.head.dep_ == "relcl":
        return None  # "the robot that collects litter" points at nothing outside
    pointing = low in ("this", "that", "these", "those")
    return UNKNOWN if pointing and token.dep_ in ("nsubj", "dobj", "pobj", "nsubjpass") else None


def _parallel(token: Token) -> str:
    """Name what the same verb took before: "Ada has stopped running the bakery, and Bo runs it"."""
    verb = token.head if token.dep_ == "dobj" else token.head.head if token.dep_ == "pobj" else None
    if verb is None or verb.pos_ != "VERB":
        return ""
    for earlier in verb.sent:
        if earlier.lemma_ != verb.lemma_ or earlier.i >= verb.i:
            continue
        for noun in earlier.subtree:
            mine = noun.head == earlier or (noun.head.dep_ == "prep" and noun.head.head == earlier)
            if mine and noun.dep_ in ("dobj", "pobj") and noun.pos_ == "NOUN":
                phrase = [t for t in noun.subtree if t.i <= noun.i]
                plain = all(t.tag_ not in ("PRP", "PRP$") for t in phrase)
                return " ".join(t.text for t in phrase).lower() if plain else ""
    return ""


def _less_owned(thing: str, token: Token, context: Context) -> str:
    """Say "Ada built the boat", not "Ada built Ada's boat"."""
    subject = shared_subject(token.head)
    owner = {"i": context.speaker, "we": context.group}.get(subject.lower_ if subject else "")
    return f"the {thing[len(owner) + 3 :]}" if owner and thing.startswith(f"{owner}'s ") else thing


def _adverb(token: Token, context: Context) -> str | None:
    """Say what `there` means; `here`, and a `then` that points back, go without saying."""
    if token.lower_ == "then":
        last = token.nbor(-1).lower_ if token.i > token.sent.start else ""
        opens = last in ("", ",", "and", "but", "back") and not is_sequel(token.head)
        return "" if opens else None
    if token.lower_ == "here":
        return ""
    if token.dep_ in ("pcomp", "pobj"):
        return context.place.split(" ", 1)[-1] or UNKNOWN
    verb = next((t for t in token.ancestors if t.pos_ == "VERB"), token.head)
    return context.whereabouts(verb.lemma_)


def _own_subject(token: Token) -> bool:
    """Tell the possessive of a clause's own subject: "he wants his data delivered"."""
    low = token.lower_
    for verb in token.ancestors:
        if verb.pos_ not in ("VERB", "AUX"):
            continue
        subject = shared_subject(verb)
        if subject is None or subject.is_ancestor(token):
            if verb.dep_ not in ("ccomp", "xcomp", "acl"):
                return False
            continue
        who = subject.lower_
        if who in ("who", "which", "that"):
            return low not in ("my", "our")
        if subject.tag_ == "PRP" or low in ("my", "our"):
            return (low, who) in {
                ("my", "i"), ("our", "we"), ("his", "he"), ("her", "she"), ("its", "it"),
                ("their", "they"),
            }  # fmt: skip
        if low == "its":
            return not is_plural(subject) and subject.lemma_ not in PERSON_WORDS
        return is_plural(subject) if low == "their" else subject.pos_ == "PROPN"
    return False


def _meant_before(token: Token) -> bool:
    """Tell a pronoun for a noun in the same statement: "the code is 12, because I forget it"."""
    if token.lower_ in ("it", "its") and token.head.lemma_ in WEATHER:
        return True
    for verb in token.ancestors:
        over = verb.head.head if verb.head.dep_ == "xcomp" else verb.head
        main = shared_subject(over) if verb.dep_ == "advcl" else None
        if main is not None and main.lower_ == token.lower_ and main.i < token.i:
            return True
        if is_sequel(verb):
            things = [t for t in verb.head.children if t.dep_ == "dobj" and t.pos_ == "NOUN"]
        elif verb.dep_ == "advcl":
            things = [t for t in verb.head.children if t.dep_ in ("nsubj", "nsubjpass")]
        else:
            continue
        return any(
            t.i < token.i
            and t.pos_ in ("NOUN", "PROPN")
            and t.ent_type_ != "PERSON"
            and t.lemma_ not in PERSON_WORDS
            and token.lower_ in (("they", "them", "their") if is_plural(t) else ("it", "its"))
            for t in things
        )
    return False
