"""How an agent stands, in the words of their desk: the state bar, as desk.py pushes it.

Colour, word and clock say the same; which buttons there are follows from the state alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from contactd.domain import call as calls
from contactd.domain.agent import WRAP_TOO_LONG, State
from contactd.engine.calls.previews import TOO_LONG
from contactd.engine.calls.roster import WRAP_OFFER
from contactd.engine.desk.deskwork import Standing
from contactd.web.words import _

WORDS: Mapping[State, str] = {
    State.OFFLINE: _("Signed off"),
    State.PHONE_WAIT: _("Waiting for the telephone"),
    State.READY: _("Ready"),
    State.RESERVED: _("A call is coming"),
    State.TALK: _("In conversation"),
    State.WRAP: _("Wrap-up"),
    State.PAUSE: _("Pause"),
    State.UNREACHABLE: _("Unreachable"),
}
_OFFERED, _RINGS, _ON_HOLD = _("Look and decide"), _("It rings"), _("On hold")
# What an agent may give as the reason of a pause; the first is what F9 means.
PAUSES: Mapping[str, str] = {
    "break": _("Break"),
    "meeting": _("Meeting"),
    "training": _("Training"),
    "paperwork": _("Paperwork"),
    "technical": _("Technical trouble"),
}
_SENT: Mapping[str, str] = {WRAP_TOO_LONG: _("Wrap-up took too long"), TOO_LONG: _("Preview was not answered")}
# What the buttons of the bar may order, and what the page orders without words of its own.
ORDERS = frozenset(
    {"sign-in", "sign-out", "pause", "resume", "extend", "hang-up", "hold", "retrieve", "mute", "unmute", "accept",
     "skip"}
)  # fmt: skip
_MAY_PAUSE = frozenset({State.PHONE_WAIT, State.READY})
_BUSY = frozenset({State.RESERVED, State.TALK, State.WRAP})
_MAY_SIGN_IN = frozenset({State.OFFLINE, State.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class Bar:
    """What the state bar shows. `seconds` the state has lasted; `left` before wrap-up or preview is over.

    `key` names the case on the desk, empty without one; `phase` is idle, offer, ringing, talk or wrap.
    """

    state: State
    word: str
    reason: str
    seconds: float
    left: float | None
    key: str
    phase: str
    campaign: str
    step: str
    try_no: int
    tries: int
    phone: bool
    wish: str
    held: bool
    heard_by: tuple[str, ...]
    call: str
    apologise: bool = False  # the last call to this number was answered, and nobody was free

    @property
    def clock(self) -> str:
        """Write the time the state has lasted, or what is left of it."""
        return clock_of(self.seconds if self.left is None else self.left)

    @property
    def may_sign_in(self) -> bool:
        """Tell whether work may begin."""
        return self.state in _MAY_SIGN_IN

    @property
    def may_pause(self) -> bool:
        """Tell whether a pause may begin at once."""
        return self.state in _MAY_PAUSE

    @property
    def may_wish(self) -> bool:
        """Tell whether a pause may be wished for after the call."""
        return self.state in _BUSY

    @property
    def may_extend(self) -> bool:
        """Tell whether more time to write is offered; the page shows it when so little is left."""
        return self.state is State.WRAP

    @property
    def is_warning(self) -> bool:
        """Tell whether the time to write is nearly over."""
        return self.state is State.WRAP and self.left is not None and self.left <= WRAP_OFFER.total_seconds()


def clock_of(seconds: float) -> str:
    """Write seconds like 02:41 or 1:02:41."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def bar_of(standing: Standing, now: datetime) -> Bar:
    """Build the bar."""
    agent, live, offer = standing.agent, standing.live, standing.offer
    claimed = live.dial.claimed if live is not None else offer.claimed if offer is not None else None
    step = live.dial.step if live is not None else offer.of.step if offer is not None else None
    until = standing.wrap_until or (offer.until if offer is not None else None)
    word, phase = _where(standing)
    return Bar(
        state=agent.state,
        word=word,
        reason=why_paused(agent.reason) if agent.state is State.PAUSE else "",
        seconds=(now - agent.since).total_seconds() if agent.since is not None else 0.0,
        left=(until - now).total_seconds() if until is not None else None,
        key=str(claimed.id) if claimed is not None else "",
        phase=phase,
        campaign=claimed.campaign if claimed is not None else "",
        step=claimed.step if claimed is not None else "",
        try_no=claimed.try_no if claimed is not None else 0,
        tries=step.attempts if step is not None else 0,
        phone=agent.leg,
        wish=agent.wish or "",
        held=live is not None and live.call.state is calls.State.HOLD,
        heard_by=standing.heard_by,
        call=live.reference if live is not None else "",
        apologise=live is not None and live.dial.agent_first,
    )


def why_paused(reason: str) -> str:
    """Name why somebody pauses; what was written at a terminal stands as it is."""
    return PAUSES.get(reason) or _SENT.get(reason) or reason


def _where(standing: Standing) -> tuple[str, str]:
    """Tell what the agent is doing in a word, and in which phase the case on their desk is."""
    state, live = standing.agent.state, standing.live
    if standing.offer is not None:
        return _OFFERED, "offer"
    if live is None:
        return WORDS[state], "idle"
    if state is State.TALK:
        return (_ON_HOLD if live.call.state is calls.State.HOLD else WORDS[state]), "talk"
    if state is State.RESERVED:
        return _RINGS, "ringing"
    return WORDS[state], "wrap"
