"""What agentless calls say, and what becomes of the keys that are pressed meanwhile; for the switchboard.

What a key means is domain/ivr.py's to say, what a call does then domain/call.py's. No digit is logged or stored.
"""

from collections.abc import Callable

from contactd.domain import call as calls
from contactd.domain import ivr
from contactd.domain.call import State
from contactd.domain.campaign import AGENTLESS
from contactd.domain.clock import Clock
from contactd.domain.ivr import Meaning, Stage
from contactd.engine.calls import live_call
from contactd.engine.calls.live_call import Live
from contactd.engine.calls.orders import Orders
from contactd.store import calls as stored
from contactd.telephony.announcements import GOODBYE, MENU, STOPPED, WRONG
from contactd.telephony.base import Kind

_FOLLOWS = {
    Meaning.WAIT: calls.Event.PRESSED,
    Meaning.AGENT: calls.Event.WANTS_AGENT,
    Meaning.SPEAK: calls.Event.SPEAKS_ON,
    Meaning.PART: calls.Event.PARTS,
}
_FIXED = {Stage.WRONG: WRONG, Stage.GOODBYE: GOODBYE, Stage.STOPPED: STOPPED}
_HEARS_KEYS = frozenset({State.PLAYING, State.LISTENING})


class Ivr:
    """`feed` hears what a key leads to, `enter` writes a stage of a call down."""

    def __init__(
        self,
        orders: Orders,
        clock: Clock,
        *,
        feed: Callable[[Live, calls.Event], None],
        enter: Callable[[Live, stored.Stage], None],
    ) -> None:
        self._orders = orders
        self._clock = clock
        self._feed = feed
        self._enter = enter

    def speak(self, live: Live) -> None:
        """Say what is due: the text of the step, or that of the stage the conversation with the keys has come to."""
        step, known = live.dial.step, live.dial.personal
        if step.mode == "ivr" and live.dialogue is None:
            live.dialogue = ivr.begin(identify=step.identify, postcode=known.postcode if known else "")
        stage = live.dialogue.stage if live.dialogue else None
        if stage is Stage.PERSONAL and known is not None:
            self._orders.tell(live, step.personal, known)
        elif stage is Stage.MENU and step.identify:
            self._orders.speak(live, MENU)  # the step's own text asks for a postcode nobody knows
        else:
            self._orders.speak(live, _FIXED.get(stage, step.template) if stage else step.template)

    def pressed(self, live: Live, key: str) -> None:
        """Do what a key asks for; that somebody wants no more calls is written down before they are told so."""
        if live.dialogue is None or live.call.state not in _HEARS_KEYS:
            return
        postcode = live.dial.personal.postcode if live.dial.personal else ""
        live.dialogue, meaning = ivr.press(live.dialogue, key, postcode)
        if live.dialogue.opted_out:
            self._enter(live, live_call.opted_out(live, self._clock.now()))
        if meaning in _FOLLOWS:
            self._feed(live, _FOLLOWS[meaning])


def meaning(live: Live, kind: Kind) -> calls.Event:
    """Answer what the carrier's word means for this call, by how it is to be placed."""
    if kind is Kind.ANSWERED and live.dial.step.mode in AGENTLESS:
        return calls.Event.ANSWERED_AGENTLESS
    if kind is Kind.MACHINE and live.dial.step.machine:
        return calls.Event.MACHINE_TAKES_TEXT
    if kind is Kind.PLAYED and live.dialogue is not None and live.call.state is State.PLAYING:
        return calls.Event.PLAYED_ASKING
    return calls.Event(kind)
