"""What a supervisor does on the live view: each asks first, is done in one transaction, and stands in the audit log."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa

from contactd.domain.agent import State
from contactd.domain.errors import InputError
from contactd.engine.desk.steering import Steering
from contactd.store import audit
from contactd.store.accounts import numbers
from contactd.store.audit import Deed as Told
from contactd.telephony.base import Supervision
from contactd.web.figures import share
from contactd.web.live_state import CHANNELS
from contactd.web.visitors import Viewer
from contactd.web.window import Window
from contactd.web.words import _

Choices = Mapping[str, str]  # what is chosen: its words, for the catalogue or as they are
_HEARING: Mapping[Supervision, str] = {
    "listen": _("Listen: nobody hears me"),
    "whisper": _("Whisper: only the agent hears me"),
    "barge": _("Join: both hear me"),
}
_ENDS = {
    "sent": _("It was sent"),
    "not-sent": _("It was not sent: plan it again"),
    "failed": _("It failed: go on with the next step"),
}
_WHOLE: Mapping[str, str] = {channel.value: words for channel, words in CHANNELS.items()}
_TERMS = {"1": _("One hour"), "2": _("Two hours"), "4": _("Four hours"), "24": _("A whole day")}
_LEVELS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants it of what: `on` names that, `choice` what of several, `term` for how long."""

    window: Window
    viewer: Viewer
    on: str
    choice: str = ""
    reason: str = ""
    term: str = ""

    async def steer(self, work: Callable[[Steering], object]) -> None:
        """Carry it out as this person, in one transaction."""
        now = self.window.clock.now()
        by = self.viewer.full_name or self.viewer.name
        await self.window.commit.run(
            lambda connection: work(Steering(connection, who=self.viewer.name, by=by, now=now))
        )


async def _none(asked: Asked) -> Choices:
    del asked
    return {}


async def _as_it_is(asked: Asked) -> str:
    return asked.on


async def _account(asked: Asked) -> str:
    """Name the account of an attempt."""
    if not asked.on.isdecimal():
        return ""
    return await account_named(asked, f"attempt:{asked.on}")


async def account_named(asked: Asked, about: str) -> str:
    """Name the account something is about by its number, if there is one."""

    def read(connection: sa.Connection) -> str:
        found = audit.account_of(connection, about)
        return numbers(connection, {found}).get(found, "") if found else ""

    return await asked.window.commit.read(read)


def _to_live(asked: Asked) -> str:
    del asked
    return "/live"


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing to do: what it is called, what is said before, the button; `done` is said afterwards.

    `grave`: it keeps people from being contacted, or says what nobody can check; `why`: a reason must be given.
    `terms`: for how long, one of these. `names`: what it is about, as people know it. `back`: the page one comes from
    and goes back to.
    """

    name: str
    title: str
    text: str
    button: str
    done: str
    carry_out: Callable[[Asked], Awaitable[None]]
    choices: Callable[[Asked], Awaitable[Choices]] = _none
    label: str = ""
    terms: Mapping[str, str] = field(default_factory=dict)
    grave: bool = False
    why: bool = False
    names: Callable[[Asked], Awaitable[str]] = _as_it_is
    back: Callable[[Asked], str] = _to_live


async def _pause(asked: Asked) -> None:
    name = _pausable(asked)
    await asked.steer(lambda steering: steering.pause(name, asked.reason))


async def _what_rests(asked: Asked) -> str:
    kind, _colon, name = asked.on.partition(":")
    return _WHOLE.get(name, name) if kind == "channel" else name or _("Everything")


async def _resume(asked: Asked) -> None:
    name = _pausable(asked)
    await asked.steer(lambda steering: steering.resume(name, asked.reason))


def _pausable(asked: Asked) -> str:
    known = {f"campaign:{one.id}" for one in asked.window.settings().campaigns} | {"all"}
    known |= {f"channel:{name}" for name in ("email", "sms", "letter", "call", "task")}
    if asked.on not in known:
        raise InputError("there is no %(on)r to be paused", on=asked.on[:60])
    return asked.on


async def _levels(asked: Asked) -> Choices:
    now = next((one.level for one in asked.window.oversight.lists() if one.campaign == asked.on), None)
    levels = sorted({*_LEVELS, *([now] if now else [])}, key=lambda level: (level != now, -level))
    return {str(level): share(level, asked.viewer.language) for level in levels}


async def _set_level(asked: Asked) -> None:
    if all(one.campaign != asked.on or one.level is None for one in asked.window.oversight.lists()):
        raise InputError(
            "campaign %(on)r has no level: it places one call for each free agent, or none", on=asked.on[:60]
        )
    try:
        level = float(asked.choice)
    except ValueError:
        raise InputError("%(choice)r is no level", choice=asked.choice[:20]) from None
    await asked.steer(lambda steering: steering.set_level(asked.on, level, asked.reason))
    await asked.window.oversight.look_up_levels()


async def _ways(asked: Asked) -> Choices:
    del asked
    return {str(how): words for how, words in _HEARING.items()}


async def _hear(asked: Asked) -> None:
    how = next((one for one in _HEARING if one == asked.choice), None)
    if how is None:
        raise InputError("%(choice)r is no way to hear somebody", choice=asked.choice[:20])
    if not asked.viewer.is_agent:
        raise InputError("only who has a telephone here can hear others: [agents.…] of the configuration")
    deed = Told(asked.window.clock.now(), asked.viewer.name, "hear", f"agent:{asked.on}", new=how, reason=asked.reason)
    # First: nobody is heard of whom it could not be written down.
    await asked.window.commit.run(lambda connection: audit.add(connection, deed))
    await asked.window.oversight.hear(asked.viewer.name, asked.on, how)


async def _who_talks(asked: Asked) -> str:
    return next((seat.name for seat in asked.window.oversight.seats() if seat.id == asked.on), "")


async def _hear_no_more(asked: Asked) -> None:  # hearing.py notes it, as every end of hearing somebody
    await asked.window.oversight.hear_no_more(asked.viewer.name)


async def _ends(asked: Asked) -> Choices:
    del asked
    return _ENDS


async def _close(asked: Asked) -> None:
    if not asked.reason:
        raise InputError("say the reason: how you know")
    attempt_id = number_of(asked.on)
    await asked.steer(lambda steering: steering.close(attempt_id, asked.choice, asked.reason))


async def _colleagues(asked: Asked) -> Choices:
    seats = asked.window.oversight.seats()
    here = sorted((seat for seat in seats if seat.state is not State.OFFLINE), key=lambda seat: seat.name)
    mine = {asked.viewer.name: asked.viewer.full_name} if asked.viewer.is_agent else {}
    return {**mine, **{seat.id: seat.name for seat in here}, "": _("Whoever of the team is free")}


async def _take(asked: Asked) -> None:
    known = {seat.id for seat in asked.window.oversight.seats()} | {""}
    if asked.choice not in known:
        raise InputError("there is no agent %(choice)r", choice=asked.choice[:40])
    if asked.term not in _TERMS:
        raise InputError("%(term)r is no time to choose", term=asked.term[:20])
    attempt_id, term = number_of(asked.on), timedelta(hours=int(asked.term))
    await asked.steer(lambda steering: steering.keep_callback(attempt_id, asked.choice, term, asked.reason))


def number_of(text: str) -> int:
    """Read the number of what a deed is about; raises InputError."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):  # noqa: PLR2004 -- a key of either database
        raise InputError("%(text)r is no number", text=text[:40])
    return int(text)


_ALL = (
    Deed("pause", _("Pause"), _("What is under way comes to its end; nothing new begins, nobody is left out."),
         _("Pause"), _("Paused."), _pause, grave=True, names=_what_rests),
    Deed("resume", _("Go on"), _("It goes on where it stood: nobody is contacted twice, nobody is left out."),
         _("Go on"), _("It goes on."), _resume, names=_what_rests),
    Deed("level", _("Change the level"),
         _("How much of what its configuration allows is dialled beyond one call for each free agent."),
         _("Change"), _("The level is changed."), _set_level, _levels, label=_("Level")),
    Deed("hear", _("Hear a conversation"), _("Your telephone rings. The agent sees that you are there."),
         _("Hear"), _("Your telephone rings."), _hear, _ways, label=_("How"), names=_who_talks),
    Deed("hear-no-more", _("Hear no more"), _("You leave the conversation; the two go on talking."), _("Leave"),
         _("You hear nobody any more."), _hear_no_more),
    Deed("close", _("Say how a contact ended"),
         _("Nobody knows whether it reached the customer. What you say stands in the contact log."),
         _("Enter"), _("Entered."), _close, _ends, label=_("How it ended"), grave=True, why=True, names=_account),
    Deed("take", _("Take over a callback"),
         _("Once it is due it is kept for this person for the time you choose, then for the whole team."),
         _("Take over"), _("Taken over."), _take, _colleagues, label=_("Who calls back"), terms=_TERMS, names=_account),
)  # fmt: skip
DEEDS: dict[str, Deed] = {deed.name: deed for deed in _ALL}
