"""A customer's history on the desk: each word the contact log may write has its German, and a line says what it was."""

from enum import StrEnum

import pytest

from contactd.domain import agreement, attempt, call, circumstance, notice, posting, task
from contactd.web.desk_history import line
from contactd.web.desk_words import HAPPENED
from contactd.web.words import speaker

_INNER = {"planned", "claimed", "sending"}  # stages a contact only passes through: casefile.py leaves them out
ENTRY = dict.fromkeys(("channel", "step", "event", "kind", "outcome", "disposition", "reason"), "")


@pytest.mark.parametrize(
    "words",
    [agreement.Kind, agreement.State, attempt.State, call.HowEnded, call.Disposition, circumstance.Kind,
     notice.Occasion, posting.Kind, task.Kind],
)  # fmt: skip
def test_every_word_of_the_contact_log_has_its_german(words: type[StrEnum]) -> None:
    assert {one.value for one in words} - set(HAPPENED) - _INNER == set()


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"event": "agreement", "kind": "promise", "outcome": "broken"}, "Zusage · gebrochen"),
        ({"event": "agreement", "kind": "plan", "outcome": "defaulted"}, "Ratenplan · gebrochen"),
        ({"event": "delivered", "channel": "letter", "step": "mahnung", "outcome": "delivered"},
         "Brief · mahnung · zugestellt"),
        ({"event": "accepted", "channel": "email", "step": "confirmation", "outcome": "accepted"},
         "E-Mail · Bestätigung · versandt"),
        ({"event": "cancelled", "channel": "sms", "step": "erinnerung", "reason": "paid_since_planning"},
         "SMS · erinnerung · abgesagt · inzwischen bezahlt"),
        ({"event": "disposition", "channel": "call", "step": "anruf", "outcome": "answered", "disposition": "hardship"},
         "Anruf · Härtefall"),
        ({"event": "failed", "channel": "call", "outcome": "no_answer"}, "Anruf · nicht erreicht"),
        ({"event": "suppressed", "reason": "wrong_number"}, "nicht mehr verwendet · falsche Nummer"),
        ({"event": "stop", "reason": "stop"}, "will keinen Kontakt"),
        ({"event": "task_done", "channel": "task", "outcome": "review"}, "Aufgabe · Prüfen · erledigt"),
        ({"event": "posting", "outcome": "write_off"}, "Buchung · ausgebucht"),
        ({"event": "circumstance", "outcome": "refusal"}, "Forderung · Endgültige Verweigerung"),
        ({"event": "dropped", "channel": "call", "reason": "in town"}, "Anruf · aus dem Lauf genommen"),
        ({"event": "unheard_of"}, "unheard of"),
    ],
)  # fmt: skip
def test_a_line_says_what_it_was(entry: dict[str, str], told: str) -> None:
    german = speaker("de")
    assert " · ".join(str(german(word)) for word in line(ENTRY | entry)) == told
