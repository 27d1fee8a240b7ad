"""A line of a customer's history on the desk: what happened, word by word, from an entry of the contact log."""

from collections.abc import Mapping
from typing import Any

from contactd.web.desk_words import happened
from contactd.web.reasons import HELD
from contactd.web.words import _

# Entries that are no contact; what they are about follows as their outcome.
_EVENTS: Mapping[str, str] = {
    "stop": _("wants no contact"),
    "suppressed": _("not used any more"),
    "unsuppressed": _("may be used again"),
    "represented": _("Represented"),
    "callback": _("Callback agreed"),
    "skipped": _("put off"),
    "dropped": _("taken out of the run"),
    "not_told": _("could not be told in writing"),
    "received": _("came in"),
    "restricted": _("processing restricted"),
    "erased": _("erased"),
    "owes_again": _("owes again"),
    "posting": _("Posting"),
    "circumstance": _("Claim"),
    "handover": _("Hand-over"),
    "arm_drawn": _("drawn for a comparison"),
    "task_opened": _("opened"),
    "task_done": _("done"),
    "task_dropped": _("dropped"),
    "task_assigned": _("given to somebody"),
    "task_postponed": _("put off"),
}
_BEFORE_ITS_OUTCOME = frozenset({"posting", "circumstance", "handover"})
_BY_ADDRESS = frozenset({"stop", "suppressed", "unsuppressed"})
_ALONE = frozenset(_EVENTS) - _BEFORE_ITS_OUTCOME - _BY_ADDRESS


def line(entry: Mapping[str, Any]) -> list[str]:
    """Give the words of an entry as casefile.py tells it, in their order, for the catalogue."""
    event = str(entry["event"])
    words = [happened(entry["channel"])] if entry["channel"] else []
    if event.startswith("task_"):
        words += [happened(entry["outcome"]), _EVENTS.get(event, event)]
    elif event == "agreement":
        words += [happened(entry["kind"]), happened(entry["outcome"])]
    elif event in _BY_ADDRESS:
        words += [_EVENTS[event], happened(entry["reason"]) if entry["reason"] != event else ""]
    elif event in _ALONE:
        words += [_EVENTS[event]]
    else:
        words += [_EVENTS[event]] if event in _BEFORE_ITS_OUTCOME else []
        words += [happened(entry["step"])] if entry["channel"] in {"email", "sms", "letter"} else []
        words += [happened(entry["disposition"] or entry["outcome"] or event)]
        words += [HELD.get(entry["reason"], "")] if event == "cancelled" else []
    return [word for word in words if word]
