"""The same question in many words: variety of expression is what makes a fact answerable.

Source:
    Physics of Language Models, part 3.1 (Allen-Zhu and Li 2023): a fact seen in one phrasing is
    memorised but cannot be extracted; about ten phrasings can. Here the phrasings are templates.
"""

from __future__ import annotations

import re

from nightschool.language import parse

FRAMES = (
    "{q}",
    "Can you tell me {e}?",
    "I forgot. {q}",
    "Do you know {e}?",
    "Quick question: {l}",
    "Remind me, {l}",
    "Please tell me {e}.",
    "Someone wants to know {e}. What should I say?",
    "I need to know {e}.",
    "{q} Answer briefly.",
    "Do you remember {e}?",
    "For my notes: {l}",
)
BE = ("is", "are", "was", "were")
SYNONYMS = (
    (r"\bwork at\b", "have a job at"),
    (r"\bworks at\b", "is employed at"),
    (r"\blive in\b", "have a home in"),
    (r"\blive\b", "have a home"),
    (r"\bprefer\b", "like best"),
    (r"\bstart\b", "begin"),
    (r"\bbegin\b", "start"),
    (r"\bis called\b", "has the name"),
    (r"\bbuy\b", "get"),
    (r"\bneed\b", "require"),
    (r"\bmade by\b", "produced by"),
    (r"\bheld\b", "taking place"),
    (r"\blocated\b", "situated"),
    (r"\bcontact\b", "contact person"),
    (r"\bpassword\b", "passphrase"),
    (r"\bfavourite\b", "preferred"),
    (r"\blead\b", "head"),
    (r"\bleads\b", "is in charge of"),
    (r"\bweigh\b", "have as its weight"),
)


def vary(question: str, subject: str, attempts: int) -> list[str]:
    """Word a question in up to `attempts` distinct ways, the plainest first.

    Args:
        question: A wh-question.
        subject: What it is about; a question `What is SUBJECT?` also gets noun-phrase forms.
        attempts: How many wordings are wanted at most.
    """
    embedded, lower = embed(question), question[0].lower() + question[1:]
    forms = [frame.format(q=question, e=embedded, l=lower) for frame in FRAMES]
    plain = re.fullmatch(rf"(?:What|Who|Where|When) (?:{'|'.join(BE)}) (.+)\?", question)
    if plain and plain.group(1) == subject:
        short = re.sub(r"^(the|a|an) ", "", subject)
        nominal = [
            f"What's {subject}?"
            if question.startswith("What is")
            else f"{subject[0].upper()}{subject[1:]}?",
            f"Name {subject}.",
            f"{short[0].upper()}{short[1:]}: what should I write down?",
            f"I'm looking for {subject}.",
        ]
        forms = [x for pair in zip(forms, nominal, strict=False) for x in pair] + forms[
            len(nominal) :
        ]
    for pattern, other in SYNONYMS:
        if re.search(pattern, question):
            forms.insert(2, re.sub(pattern, other, question))
    return list(dict.fromkeys(forms))[:attempts]


def embed(question: str) -> str:
    """Turn a direct question into an indirect one: "Where does Ines work?" -> "where Ines works"."""
    body = question.rstrip("?")
    match = re.match(
        r"((?:What time|Until when|Since when|How many [\w -]+?|Who|What|When|Where|Whose)) (does|do|did|is|are|was|were|has|have|can|will|may|must|should|could|would) (.+)$",
        body,
    )
    if not match:
        return body[0].lower() + body[1:]
    word, auxiliary, rest = match.groups()
    word = word[0].lower() + word[1:]
    doc = parse(question)
    verb = next((t for t in doc if t.dep_ == "ROOT"), None)
    if auxiliary in BE:
        verb = next(
            (t for t in doc if t.i > 2 and t.tag_ in ("VBN", "VBG") and t.pos_ == "VERB"), verb
        )
        if verb is not None and verb.i > 2 and verb.lemma_ != "be":
            return f"{word} {doc[len(word.split()) + 1 : verb.i].text} {auxiliary} {doc[verb.i :].text.rstrip(' ?')}"
    subject = (
        next((t for t in verb.children if t.dep_ in ("nsubj", "nsubjpass")), None) if verb else None
    )
    if auxiliary in BE and (verb is None or verb.lemma_ == "be"):
        if subject is not None and subject.i >= 2:
            end = max(t.i for t in subject.subtree) + 1
            after = doc[end:].text.rstrip(" ?")
            start = min(t.i for t in subject.subtree)
            return f"{word} {doc[start:end].text} {auxiliary} {after}".strip()
        return f"{word} {rest} {auxiliary}"
    if verb is None or subject is None or verb.i < subject.i or subject.i == 0:
        return body[0].lower() + body[1:]  # the wh-word is the subject: the order stays
    end = max(t.i for t in subject.subtree if t.i < verb.i) + 1
    between = doc[end : verb.i].text
    after = doc[verb.i + 1 :].text.rstrip(" ?")
    start = min(t.i for t in subject.subtree)
    name = doc[start:end].text
    if auxiliary in ("does", "do", "did"):
        finite = inflect(verb.text, auxiliary)
        return re.sub(r"\s+", " ", f"{word} {name} {between} {finite} {after}").strip()
    return re.sub(r"\s+", " ", f"{word} {name} {auxiliary} {between} {verb.text} {after}").strip()


IRREGULAR_PAST = {
    "buy": "bought", "come": "came", "get": "got", "give": "gave", "go": "went", "have": "had",
    "keep": "kept", "leave": "left", "make": "made", "meet": "met", "pay": "paid", "put": "put",
    "say": "said", "see": "saw", "sell": "sold", "send": "sent", "take": "took", "teach": "taught",
    "tell": "told", "win": "won", "write": "wrote", "find": "found", "begin": "began", "break": "broke",
    "choose": "chose", "drive": "drove", "eat": "ate", "fall": "fell", "grow": "grew", "hold": "held",
    "know": "knew", "lead": "led", "lose": "lost", "run": "ran", "set": "set", "speak": "spoke",
    "spend": "spent", "think": "thought", "wear": "wore", "build": "built", "bring": "brought",
}  # fmt: skip


def inflect(verb: str, auxiliary: str) -> str:
    """Give a bare verb the form that its auxiliary carried."""
    if auxiliary == "do":
        return verb
    if auxiliary == "did":
        if verb in IRREGULAR_PAST:
            return IRREGULAR_PAST[verb]
        if re.search(r"[^aeiou]y$", verb):
            return verb[:-1] + "ied"
        return verb + ("d" if verb.endswith("e") else "ed")
    if verb == "have":
        return "has"
    if re.search(r"(s|x|z|ch|sh|o)$", verb):
        return verb + "es"
    return verb[:-1] + "ies" if re.search(r"[^aeiou]y$", verb) else verb + "s"
