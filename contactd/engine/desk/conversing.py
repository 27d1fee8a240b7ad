"""What an agent does at the desk with one call: identify, take notes, foresee, hand in.

One of it serves all desks. Everything that may not be disclosed is refused here, whatever a page shows. Refusals are
InputErrors: NotIdentified and other Contradictions (HTTP 409), NotThere (404), Mistyped with the name of its field and
other InputErrors (422). `attempt_id` names the call in every request: one of another agent is NotThere.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.domain.call import CONVERSATIONS, Disposition
from contactd.domain.clock import Clock
from contactd.domain.conversation import Identification, Item, Known, Person, Step
from contactd.domain.errors import ContactdError, Contradiction, IllegalTransition, InputError, NotThere, StoreConflict
from contactd.domain.phrase import Phrase
from contactd.engine.calls import callbook, live_call
from contactd.engine.calls.dialer import Dialer
from contactd.engine.calls.live_call import Live, Said
from contactd.engine.desk.casefile import Told, case_file, identification_told
from contactd.engine.desk.concluding import FIELDS, Case, Concluding, Mistyped
from contactd.engine.desk.deskwork import Deskwork
from contactd.engine.desk.foreseeing import for_anybody, foresee
from contactd.engine.desk.scripted import spoken, summary
from contactd.store import conversations, drafts
from contactd.store.attempts import Claimed
from contactd.store.calls import HandedIn
from contactd.store.conversations import known_of
from contactd.store.drafts import Draft, Written
from contactd.store.group_commit import GroupCommit

MOST_LETTERS = 20_000  # of a note
_MOST_FIELD = 2_000
_MOST_NAMED = 20_000  # of the numbers of the invoices that are disputed: they may be many
W = TypeVar("W", bound=StrEnum)
_BEFORE = frozenset({"offer", "ringing"})
_WITHOUT_TALK = frozenset({Disposition.DROPPED, Disposition.WRONG_PERSON})
_UNSAID = Said(conclude=lambda *_: None)  # the agent is done with the call, and nothing is written


@dataclass(frozen=True, slots=True)
class Found:
    """A call of an agent: `phase` is offer, ringing, talk, wrap (over, to be handed in) or owed.

    `owed`: of an earlier run of the daemon, or another's: found in the store alone. `item` makes what is handed in.
    `since`: from when they have talked, None before.
    """

    case: Case
    phase: str
    live: Live | None
    item: Callable[[Disposition, datetime, Said], HandedIn] | None
    since: datetime | None = None


class Conversing:
    """`settings` is asked each time; `wake` is called when something was planned: senders look at once.

    Of a daemon's window: Conversing(window.deskwork, window.commit, window.clock, window.settings, window.wake).
    """

    def __init__(
        self,
        deskwork: Deskwork,
        commit: GroupCommit,
        clock: Clock,
        settings: Callable[[], Settings],
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._deskwork, self._commit, self._clock = deskwork, commit, clock
        self._settings, self._wake = settings, wake
        self._turns: WeakValueDictionary[tuple[int, str], asyncio.Lock] = WeakValueDictionary()

    # ---- what there is ----------------------------------------------------------------------------------------------

    def current(self, agent: str) -> int:
        """Answer the attempt of the call an agent is at: looks at, is kept for, talks in or wraps up; 0 for none."""
        stands = self._deskwork.standing(agent)
        at = stands.live.dial if stands.live is not None else stands.offer
        return at.claimed.id if at is not None else 0

    async def card(self, agent: str, attempt_id: int) -> Told:
        """Tell all a desk shows of a call; casefile.py says which keys. `confidential` is None while it must be.

        Besides: `phase` (Found) and `script`, the words of the step (scripted.py).
        """
        found = await self._find(agent, attempt_id)
        settings, now = self._settings(), self._clock.now()

        def look(connection: sa.Connection) -> Told:
            draft = _heard_in(drafts.read(connection, attempt_id, agent), found.since)
            # Once somebody is there, what was prepared is put away until it is known who.
            begins = Step.PREPARE if found.phase in _BEFORE else Step.IDENTIFY
            told = case_file(connection, settings, found.case, draft, now, begins)
            return told | {"phase": found.phase, "script": spoken(settings, told, agent)}

        return await self._commit.read(look)

    # ---- while they talk --------------------------------------------------------------------------------------------

    async def save(
        self, agent: str, attempt_id: int, step: str, note: str, fields: Mapping[str, str], phase: str = "talk"
    ) -> str:
        """Keep what was typed by now; answers when it was kept. Once the outcome is handed in it is refused (409).

        `phase` is what the page knew of then (Found): what was sent before somebody was there, and comes after it, does
        not lead back to the preparation.
        """
        word, text, typed = _word(Step, Phrase("step"), step), _note(note), _fields(fields)
        async with self._turn(agent, attempt_id):
            found = await self._find(agent, attempt_id)
            if word is Step.PREPARE and phase in _BEFORE and found.phase not in _BEFORE:
                word = Step.IDENTIFY
            written = Written(attempt_id, agent, self._clock.now(), word, text, typed)
            await self._commit.submit(drafts.save, written)
        return _time(written.at, "seconds")

    async def meet(self, agent: str, attempt_id: int, person: str) -> Told:
        """Note who is on the line; answers the identification as it stands then (casefile.py)."""
        whom = _word(Person, Phrase("person"), person)
        return await self._identify(agent, attempt_id, lambda before, _: before.meets(whom))

    async def identify(self, agent: str, attempt_id: int, item: str, said: str) -> Told:
        """Compare what the person says with what we know: `right` tells that and no more; only that is kept.

        Answers the identification with `right`.
        """
        asked = _word(Item, Phrase("item"), item)
        if len(said) > _MOST_FIELD:
            raise InputError("that is too long; write what the person says")
        agreed = False

        def compare(before: Identification, known: Known) -> Identification:
            nonlocal agreed
            before.tells(asked, right=True)  # refused before anything is compared
            agreed = known.agrees(asked, said)
            return before.tells(asked, right=agreed)

        return await self._identify(agent, attempt_id, compare) | {"right": agreed}

    async def _identify(
        self, agent: str, attempt_id: int, change: Callable[[Identification, Known], Identification]
    ) -> Told:
        found = await self._find(agent, attempt_id)
        if found.phase in _BEFORE:
            raise Contradiction("nobody is on the line yet; ask who it is once somebody is")
        now = self._clock.now()

        def write(connection: sa.Connection) -> Told:
            known = known_of(connection, found.case.account_id)
            after = change(_identified(drafts.read(connection, attempt_id, agent)), known)
            drafts.identify(connection, attempt_id, agent, after, now)
            return identification_told(after, known)

        async with self._turn(agent, attempt_id):
            return await self._commit.run(write)

    # ---- the end ----------------------------------------------------------------------------------------------------

    async def foresee(self, agent: str, attempt_id: int, disposition: str, fields: Mapping[str, str]) -> Told:
        """Tell what an outcome would bring about, before it is saved; foreseeing.py says which keys.

        Besides `outcome`, `represented_by` as typed, and `summary`: what is read aloud (scripted.py).
        """
        outcome, typed = _word(Disposition, Phrase("outcome"), disposition), _fields(fields)
        found = await self._find(agent, attempt_id)
        try:
            told = await self._foresee(found, agent, outcome, typed)
        except StoreConflict:
            raise Contradiction("somebody else has ended this call meanwhile; save it, and go on") from None
        card, settings = await self.card(agent, attempt_id), self._settings()
        if card["confidential"] is None:
            told = for_anybody(told)
        return told | {"summary": summary(settings, card, agent, told)}

    async def finish(self, agent: str, attempt_id: int, disposition: str, fields: Mapping[str, str], note: str) -> Told:
        """Hand in the outcome with what follows from it, once; a call still up is ended.

        Answers what was foreseen, with `again` false; sent twice, the second answer is {"again": True}. Raises
        Contradiction when another outcome was handed in. What is refused leaves the conversation to be handed in.
        """
        outcome, typed, text = _word(Disposition, Phrase("outcome"), disposition), _fields(fields), _note(note)
        async with self._turn(agent, attempt_id):
            if await self._was_said(agent, attempt_id, outcome):
                return {"again": True}
            found = await self._find(agent, attempt_id)
            said = await self._said(found, agent, outcome, typed, text)
            try:
                foreseen = await self._foresee(found, agent, outcome, typed)
                await self._hand_in(found, agent, outcome, said)
            except IllegalTransition as error:  # ended at a terminal meanwhile
                raise Contradiction(error.phrase) from None
            except StoreConflict:
                if await self._was_said(agent, attempt_id, outcome):  # at another daemon's desk
                    return {"again": True}
                await self._let_go(found, agent, outcome)
                raise Contradiction("somebody else has ended this call meanwhile; nothing of it was written") from None
        self._wake()
        return foreseen | {"again": False}

    async def dial(
        self, agent: str, attempt_id: int, disposition: str, number: str, fields: Mapping[str, str], note: str
    ) -> None:
        """Hand in that nobody was there, and call another number of the account; the rules are asked as for any call.

        Only for outcomes without a talk: dropped, wrong_person. When nobody answers there, a further one may be called:
        nothing is handed in then, and `attempt_id` is that of the first call.
        """
        outcome, typed, text = _word(Disposition, Phrase("outcome"), disposition), _fields(fields), _note(note)
        if outcome not in _WITHOUT_TALK:
            raise Contradiction(
                "%(outcome)s ends the conversation; another number is called after %(known)s",
                outcome=outcome,
                known=(Disposition.DROPPED, Disposition.WRONG_PERSON),
            )
        if self._deskwork.dialer is None:
            raise Contradiction("nobody is called here")
        async with self._turn(agent, attempt_id):
            said, stands = live_call.NOTHING_SAID, self.current(agent)
            if stands == attempt_id:
                said = await self._said(await self._find(agent, attempt_id), agent, outcome, typed, text)
            elif stands:  # of a page that has missed the end of its call
                raise NotThere(
                    "call %(attempt)s is over; you are at call %(stands)s by now", attempt=attempt_id, stands=stands
                )
            try:
                await self._deskwork.dialer.redial.dial(agent, outcome, number, said, attempt_id)
            except IllegalTransition as error:
                raise Contradiction(error.phrase) from None

    async def _was_said(self, agent: str, attempt_id: int, outcome: Disposition) -> bool:
        word, by = await self._commit.read(lambda connection: conversations.said(connection, attempt_id))
        if by == agent and word and word != outcome:
            raise Contradiction("the conversation was handed in already, as %(word)s", word=Disposition(word))
        return by == agent and word == outcome

    async def _foresee(self, found: Found, agent: str, outcome: Disposition, fields: Mapping[str, str]) -> Told:
        make, settings, now = found.item, self._settings(), self._clock.now()
        if make is None:
            raise Contradiction("nobody was spoken to yet, so there is no outcome")

        def rehearse(connection: sa.Connection) -> Told | ContactdError:
            item = make(outcome, now, live_call.NOTHING_SAID)
            concluding = Concluding(settings, connection, agent=agent, now=now)

            def conclude() -> None:
                concluding.carry_out(found.case, outcome, fields, lambda: callbook.enter(connection, item))

            try:
                return foresee(connection, settings, found.case, now, conclude)
            except (InputError, StoreConflict) as error:  # whoever shares the transaction has nothing to do with it
                return error

        told = await self._commit.run(rehearse)
        if isinstance(told, ContactdError):
            raise told
        return told | {"outcome": outcome.value, "represented_by": fields.get("represented_by", "")}

    async def _said(self, found: Found, agent: str, outcome: Disposition, fields: Mapping[str, str], note: str) -> Said:
        """Put together what goes into the log beside the outcome, and what follows from it."""
        kept = await self._commit.read(lambda connection: drafts.read(connection, found.case.attempt_id, agent))
        identification = _identified(kept)
        details: dict[str, object] = {
            "person": identification.person.value,
            "identified_by": sorted(item.value for item in identification.right),
            "wrong_answers": identification.wrong,
        }
        typed = {"note": note, **{name: fields.get(name, "") for name in ("understood", "confirmed")}}
        details |= {name: text for name, text in typed.items() if text}

        def conclude(connection: sa.Connection, enter: Callable[[], None]) -> None:
            concluding = Concluding(self._settings(), connection, agent=agent, now=self._clock.now())
            concluding.carry_out(found.case, outcome, fields, enter)

        return Said(fields.get("why", ""), details, conclude)

    async def _hand_in(self, found: Found, agent: str, outcome: Disposition, said: Said) -> None:
        dialer, make, conclude = self._deskwork.dialer, found.item, said.conclude
        if found.live is not None and dialer is not None:
            _refuse_another(dialer, agent, found.live)
            beside = found.live.agent not in ("", agent)
            await dialer.desk.dispose(agent, outcome, said=said)
            if not beside and not await self._was_said(agent, found.case.attempt_id, outcome):
                raise Contradiction("somebody else has ended this call meanwhile; nothing of it was written")
        elif make is not None and conclude is not None:
            item = make(outcome, self._clock.now(), said)
            await self._commit.run(lambda connection: conclude(connection, lambda: callbook.enter(connection, item)))

    async def _let_go(self, found: Found, agent: str, outcome: Disposition) -> None:
        """Be done with a call that is not the agent's any more in the store: what they say of it is not taken."""
        dialer = self._deskwork.dialer
        if found.live is not None and dialer is not None and dialer.desk.conversation_of(agent) is found.live:
            await dialer.desk.dispose(agent, outcome, said=_UNSAID)

    # ---- whose call it is -------------------------------------------------------------------------------------------

    async def _find(self, agent: str, attempt_id: int) -> Found:
        stands = self._deskwork.standing(agent)
        if stands.live is not None and stands.live.dial.claimed.id == attempt_id:
            return self._of_live(stands.live, agent)
        if stands.offer is not None and stands.offer.claimed.id == attempt_id:
            return Found(_case(stands.offer.claimed, stands.offer.claimed.wanted), "offer", None, None)
        owed = await self._commit.read(lambda connection: conversations.owed(connection, attempt_id))
        if owed is None or owed.agent != agent:
            raise NotThere("call %(attempt)s is not yours, or was handed in already", attempt=attempt_id)

        def item(outcome: Disposition, at: datetime, said: Said) -> HandedIn:
            spoken = owed.conversation_at if outcome in CONVERSATIONS else None
            stop = live_call.stopped_by(owed, owed.number, agent, outcome, at)
            return HandedIn(
                attempt_id, owed.claim_no, agent, outcome, at, spoken, stop, reason=said.reason, details=said.details
            )

        return Found(_case(owed, owed.number), "owed", None, item, owed.conversation_at)

    def _of_live(self, live: Live, agent: str) -> Found:
        dialer = self._deskwork.dialer
        owes = dialer is not None and dialer.desk.conversation_of(agent) is live
        over = owes and (live.call.ended_at is not None or live.agent != agent)
        phase = "wrap" if over else "talk" if owes else "ringing"

        def item(outcome: Disposition, at: datetime, said: Said) -> HandedIn:
            return live_call.handed_in(live, agent, outcome, at, said)

        case = _case(live.dial.claimed, live.dial.number, live.dial.again)
        return Found(case, phase, live if owes else None, item if owes else None, live.call.connected_at)

    @asynccontextmanager
    async def _turn(self, agent: str, attempt_id: int) -> AsyncIterator[None]:
        """Let one request about a call after the other: what is sent twice meets what the first has done."""
        lock = self._turns.setdefault((attempt_id, agent), asyncio.Lock())
        async with lock:
            yield


def _refuse_another(dialer: Dialer, agent: str, live: Live) -> None:
    """Refuse to hand in what the agent has not any more: it went, or another call came, while the store was asked."""
    if dialer.desk.conversation_of(agent) is not live:
        raise Contradiction("this call was ended elsewhere meanwhile; nothing of it was written")


def _identified(draft: Draft | None) -> Identification:
    return draft.identification if draft is not None else Identification()


def _heard_in(draft: Draft | None, since: datetime | None) -> Draft | None:
    """Show a draft as it counts in the talk: the note of a call's preparation stays, its step and figures do not."""
    if draft is None or since is None or draft.written.at >= since:
        return draft
    return replace(draft, written=replace(draft.written, step=Step.IDENTIFY))


def _case(whose: Any, number: str, key: tuple[str, str] | None = None) -> Case:  # noqa: ANN401 - claimed, or owed
    attempt_id = whose.id if isinstance(whose, Claimed) else whose.attempt_id
    return Case(attempt_id, whose.account_id, whose.customer_id, whose.campaign, whose.step, number, key)


def _word(words: type[W], what: Phrase, text: str) -> W:
    try:
        return words(text)
    except ValueError:
        raise InputError(
            "%(text)r is no %(what)s; there is: %(known)s", text=text[:40], what=what, known=tuple(words)
        ) from None


def _note(text: str) -> str:
    if len(text) > MOST_LETTERS:
        raise InputError(
            "a note has at most %(most)s letters; this one has %(letters)s",
            most=MOST_LETTERS,
            letters=len(text),
        )
    return text


def _fields(fields: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(set(fields) - FIELDS)
    if unknown:
        raise InputError(
            "%(text)r is no field of the form; there is: %(known)s", text=unknown[0][:40], known=tuple(sorted(FIELDS))
        )
    for name, text in fields.items():
        most = _MOST_NAMED if name == "invoices" else _MOST_FIELD
        if len(text) > most:
            raise Mistyped(name, "that is too long; at most %(most)s letters", most=most)
    return dict(fields)


def _time(at: datetime, to: str = "minutes") -> str:
    return at.isoformat(timespec=to)
