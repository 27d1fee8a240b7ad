"""What was refused, in the viewer's language: the engine's own texts by the catalogue, with the words of the trade."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from contactd.channels.wording import money
from contactd.domain.errors import ChannelError, ContactdError, StoreConflict
from contactd.domain.money import Money
from contactd.domain.phrase import Phrase
from contactd.web import desk_state, desk_words, live_state, reasons
from contactd.web.words import _, catalogue, said
from contactd.web.written import day_of

# States and events that a refusal names and no page shows.
_STANDS: Mapping[str, str] = {
    "sent": _("sent"), "overdue": _("overdue"), "partially_kept": _("kept in part"), "fulfilled": _("fulfilled"),
    "defaulted": _("defaulted"), "expired": _("expired"), "paid_before": _("paid before"),
    "superseded": _("superseded"), "upheld": _("upheld"),
    "rejected": _("rejected"), "pending": _("pending"), "begun": _("begun"), "settled": _("paid up"),
    "short": _("paid in part"), "missed": _("missed"), "over": _("over"), "signed_in": _("signed in"),
    "signed_out": _("signed out"), "resumed": _("resumed"), "released": _("released"), "bridged": _("connected"),
    "hung_up": _("hung up"), "wrapped_up": _("wrapped up"), "timed_out": _("out of time"), "lost": _("lost"),
    "found": _("found again"), "leg_up": _("telephone up"), "leg_down": _("telephone down"), "done": _("done"),
    "assigned": _("assigned"), "postponed": _("postponed"), "planned": _("planned"), "claimed": _("in hand"),
    "sending": _("being sent"), "unclear": _("unclear"), "proposed": _("proposed"), "executed": _("approved"),
    "forbidden": _("not permitted"), "taken": _("taken"), "not_taken": _("not taken"),
    "lost_sight": _("lost from sight"),
    # Of calls.
    "cancelling": _("being ended"), "playing": _("hears a text"), "listening": _("may press a key"),
    "farewell": _("hears the last text"), "outside": _("left to a third person"), "ended": _("ended"),
    "answered_agentless": _("answered"), "machine_takes_text": _("answering machine"), "congestion": _("no line"),
    "held": _("put on hold"), "retrieved": _("taken from hold"), "pressed": _("key pressed"),
    "wants_agent": _("wants to speak to somebody"), "speaks_on": _("next text"), "parts": _("last text"),
    "played": _("text over"), "played_asking": _("text over"), "agent_found": _("agent found"),
    "nobody_there": _("nobody there"), "agent_lost": _("agent gone"), "agent_done": _("agent done"),
    "handed_over": _("handed over"), "left": _("left to a third person"),
}  # fmt: skip
_WORDS: tuple[Mapping[Any, str], ...] = (
    live_state.CALLS, desk_words.REASONS, _STANDS, reasons.HELD, desk_words.HAPPENED, desk_words.REFUSED,
    desk_words.PERSONS, desk_words.ITEMS, desk_words.STEPS, desk_state.WORDS,
)  # fmt: skip
_NAMES: Mapping[str, str] = {str(word): name for words in _WORDS for word, name in words.items()}


def refusal(problem: ContactdError, language: str) -> str:
    """Say why something was not done; how it is mended at a terminal is left out."""
    match problem:
        case StoreConflict():
            phrase = said(_("Somebody else was quicker. Look again, then decide again."))
        case ChannelError():
            phrase = said(_("The telephone system has not done it: %(why)s"), why=problem.phrase)
        case _other:
            phrase = problem.phrase
    text = str(_told(phrase, language))
    return text[:1].upper() + text[1:]


def _told(value: object, language: str) -> object:
    translate = catalogue(language).gettext
    match value:
        case Phrase(text, values):
            text = translate(_NAMES.get(text, text)) if text else ""
            return text % {name: _told(one, language) for name, one in values.items()} if values else text
        case StrEnum():
            return translate(_NAMES.get(value, value.replace("_", " ")))
        case Money():
            return money(value, language)
        case date():
            return day_of(value, language)
        case tuple():
            return ", ".join(str(_told(one, language)) for one in value)
        case _other:
            return value
