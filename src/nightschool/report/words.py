"""The report's sentences and number formats, shared by the page, the picture and the terminal."""

from __future__ import annotations

from datetime import datetime

from nightschool.report.morning import Morning, Rate, Span, Tally

NOT_RUN = "not run"

GROUPS = {
    "told": "Told in conversation",
    "code": "Read in code",
    "tools": "Read in tool definitions",
    "api": "Asked about a package",
    "document": "Read in documents",
    "changed": "Changed since",
    "forgotten": "Forgotten on request",
}
MODES = {
    "closed": "From the weights alone",
    "open": "With the source at hand",
    "retrieval": "With what recall finds",
}
GUARDS = {"general": "General ability", "abstention": "Saying “I don’t know”"}
CHECKS = {
    "acquired": "New facts",
    "probe": "The right weights",
    "retained": "Earlier facts",
    "since_learnt": "Earlier facts since learnt",
    "general": "General ability",
    "abstention": "Saying “I don’t know”",
    "practised": "The practised skill",
    "skills": "Practised skills",
    "since_practised": "Skills since practised",
}
RIDDLES = {
    "well-known": "Well-known riddles",
    "counting": "Counting",
    "spelling": "Spelling",
    "premises": "Misleading premises",
    "order": "The same in another order",
    "familiar": "All familiar forms",
    "altered": "All altered forms",
}
DROPPED = {
    "leak": ("too close to an exam question", "leaks"),
    "unsupported": ("not supported by the source", "unsupported"),
    "copied": ("word for word from the source", "copied"),
    "inconsistent": ("answered otherwise with the source in front", "inconsistent"),
    "duplicate": ("repeats of another example", "duplicates"),
}


def percent(value: float | None) -> str:
    """Write a rate as a whole percentage; a rate that is not exactly 0 or 1 is never shown as such.

    >>> percent(0.999), percent(None)
    ('>99%', 'not run')
    """
    if value is None:
        return NOT_RUN
    shown = round(100 * value)
    if shown == 100 and value < 1:
        return ">99%"
    if shown == 0 and value > 0:
        return "<1%"
    return f"{shown}%"


def interval(rate: Rate | None) -> str:
    """Write the 95% interval of a rate, such as `88 to 98%`; empty where there is none."""
    if rate is None or rate.low is None or rate.high is None:
        return ""
    return f"{round(100 * rate.low)} to {round(100 * rate.high)}%"


def points(value: float | None) -> str:
    """Write a difference of rates in percentage points, with its sign.

    >>> points(-0.012)
    '−1.2'
    """
    if value is None:
        return NOT_RUN
    shown = round(100 * value, 1)
    return f"{'+' if shown > 0 else '−' if shown < 0 else ''}{abs(shown):.1f}"


def number(value: float | None, digits: int = 0, unit: str = "") -> str:
    """Write a quantity with its thousands set off and its unit.

    >>> number(117000, unit="tokens")
    '117,000 tokens'
    """
    if value is None:
        return NOT_RUN
    return f"{value:,.{digits}f}" + (f" {unit}" if unit else "")


def label(names: dict[str, str], name: str) -> str:
    """Return the readable name of a group, mode, guard or check; unknown ones are tidied up."""
    return names.get(name) or name.replace("_", " ").replace("-", " ").strip().capitalize()


def verdict(promoted: bool | None, *, overridden: bool = False) -> str:
    """Say in a word what became of a candidate."""
    if promoted is None:
        return "not examined"
    if overridden:
        return "promoted by hand"
    return "promoted" if promoted else "refused"


def _facts(count: int) -> str:
    return f"{count} fact" if count == 1 else f"{count} facts"


def _learnt(tally: Tally | None) -> str:
    if tally is None:
        return "Tonight’s exam was not run"
    if tally.total == 0:
        return "Tonight there was nothing new to learn"
    if tally.known == 0:
        return f"Tonight the model learnt none of {_facts(tally.total)}"
    if tally.known == tally.total:
        counted = {1: "the one new fact", 2: "both new facts"}
        return f"Tonight the model learnt {counted.get(tally.total, f'all {tally.total} facts')}"
    return f"Tonight the model learnt {tally.known} of {_facts(tally.total)}"


def _lost(morning: Morning) -> str:
    if morning.lost is None or morning.lost.total == 0:
        return ""
    if morning.lost.known == 0:
        return "forgot none"
    return f"lost {morning.lost.known} of the {morning.lost.total} it knew before"


def headline(morning: Morning) -> str:
    """Say in words what happened tonight: learnt, lost, promoted or refused."""
    if morning.tonight is None:
        if morning.practice:
            return "No night yet, only practice."
        return "No night yet. The model is the one you started with."
    learnt, lost = _learnt(morning.learnt), _lost(morning)
    joint = " but " if lost.startswith("lost") else " and "
    return f"{learnt}{joint if lost else ''}{lost}. {outcome(morning)}"


def outcome(morning: Morning) -> str:
    """Say what the gate decided, as a sentence of its own."""
    decision = morning.decision
    if decision is None:
        return "The gate has not spoken."
    if decision.overridden_by:
        return f"Promoted by {decision.overridden_by}, against the gate."
    return "Promoted." if decision.promote else "Refused."


def subline(morning: Morning) -> str:
    """Say in one quieter sentence what the outcome means, naming what failed."""
    decision = morning.decision
    if decision is None:
        return "Until it does, the live model stays as it was."
    failed = [label(CHECKS, check.name).lower() for check in decision.checks if not check.passed]
    if decision.promote and not decision.overridden_by:
        return "It passed every check and now answers in place of the version before."
    if decision.overridden_by:
        return "It did not pass: " + ", ".join(failed) + "." if failed else ""
    named = ": " + ", ".join(failed) if failed else ""
    return f"It did not pass{named}. The live model is unchanged."


def continual(morning: Morning) -> str:
    """Say ACC, BWT, FWT and forgetting over the nights."""
    c = morning.continual
    if c is None:
        return f"Over the nights: {NOT_RUN} (needs two)."
    return (
        f"Over the nights: ACC {percent(c.acc)}, BWT {points(c.bwt)}, FWT {points(c.fwt)}, "
        f"forgetting {points(c.forgetting)} points."
    )


def span(value: Span | None) -> str:
    """Write a difference with its 95% interval, in points."""
    if value is None:
        return NOT_RUN
    return f"{points(value.value)} (95%: {points(value.low)} to {points(value.high)})"


def riddles(morning: Morning) -> str:
    """Say how the gap between familiar and altered riddles moved, and warn where it widened."""
    found = morning.riddles
    if found is None:
        return f"Gap between familiar and altered form: {NOT_RUN}."
    pairs = f", {found.change.n} pairs" if found.change else ""
    unscored = f" {found.unscored} answers could not be scored." if found.unscored else ""
    word = (
        " Warning: it became significantly wider. The version leans more on familiar answers; the gate does not "
        "look at this."
        if found.widened
        else ""
    )
    return (
        f"Gap between familiar and altered form, in points: {span(found.gap_before)} with {found.reference}, "
        f"{span(found.gap)} tonight; change {span(found.change)}{pairs}.{word}{unscored}"
    )


def caution(morning: Morning) -> str:
    """Say how often the surest answers err, and what is left without near-duplicates."""
    half, most = (percent(morning.error_at(share)) for share in (0.5, 0.8))
    near = NOT_RUN if morning.near is None else str(morning.near)
    rest = percent(morning.distinct.value if morning.distinct else None)
    return (
        f"Error among the surest half of its answers: {half}; among four fifths: {most}. "
        f"Right without the {near} questions that nearly repeat a study question: {rest}."
    )


def moment(at: str) -> str:
    """Write an ISO 8601 moment for people; a text that is none is returned as it is.

    >>> moment("2026-11-23T06:40:12+00:00")
    '23 November 2026, 06:40 UTC'
    """
    try:
        when = datetime.fromisoformat(at)
    except ValueError:
        return at
    zone = f" {when.tzname()}" if when.tzname() else ""
    return f"{when.day} {when:%B %Y, %H:%M}{zone}"
