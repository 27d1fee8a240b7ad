"""Refusals as a page tells them: in the viewer's language, with the words of the trade, without commands."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum

import pytest

from contactd.config.providers import Trunk
from contactd.domain import agent, agreement, attempt, call, circumstance, conversation, policy, proposal, task
from contactd.domain.conversation import Identification, Known, Person, refuse_disclosure
from contactd.domain.errors import (
    ChannelRejected,
    ChannelUnavailable,
    ContactdError,
    Contradiction,
    InputError,
    StoreConflict,
)
from contactd.domain.money import Money
from contactd.domain.phrase import NONE
from contactd.domain.typed import amount, day
from contactd.telephony.ari import Ari
from contactd.telephony.simulated import Options, SimulatedCarrier
from contactd.telephony.trunks import TrunkGroup
from contactd.web.refusals import refusal
from contactd.web.words import catalogue, speaker
from tests.clock import HandClock

SUM = Money(41_280, "EUR")


def raised(work: Callable[[], object]) -> ContactdError:
    """Answer what is refused."""
    with pytest.raises(ContactdError) as caught:
        work()
    return caught.value


def test_a_terminal_is_told_its_command_and_a_page_is_not() -> None:
    values = {"kind": agreement.Kind.PLAN, "number": 7}
    problem = Contradiction(
        "%(kind)s %(number)s is in force; end it first", command="contactd agree withdraw 7", **values
    )
    assert str(problem) == "plan 7 is in force; end it first: contactd agree withdraw 7"
    assert refusal(problem, "de") == "Ratenplan 7 ist in Kraft und muss zuerst beendet werden"
    assert refusal(problem, "en") == "Instalments 7 is in force; end it first"


def test_sums_days_and_what_it_is_made_of_are_told_in_the_viewers_language() -> None:
    problem = InputError("%(amount)s is more than the %(open)s that are open", amount=SUM, open=SUM)
    assert refusal(problem, "de") == "412,80\xa0€ ist mehr als die 412,80\xa0€, die offen sind"
    past = InputError(
        "%(day)s is past; the day may be %(today)s or later", day=date(2026, 11, 1), today=date(2026, 11, 2)
    )
    assert refusal(past, "de") == "01.11.2026 ist vorbei; möglich ist 02.11.2026 oder später"
    nobody = InputError("there is no agent %(agent)r; there is: %(known)s", agent="<b>", known=NONE)
    assert refusal(nobody, "de") == "Einen Platz „<b>“ gibt es nicht; es gibt: keine"
    assert str(nobody) == "there is no agent '<b>'; there is: none"


@pytest.mark.parametrize(
    ("work", "german"),
    [
        (lambda: day("31.2.", date(2026, 11, 1)), "„31.2.“: diesen Tag gibt es nicht; schreiben Sie etwa 28.11., "),
        (lambda: amount("viel", "EUR"), "„viel“ ist kein Betrag in EUR; schreiben Sie etwa 412,80 oder 1.412,80"),
        (
            lambda: refuse_disclosure(call.Disposition.PROMISE, Identification(Person.CUSTOMER), Known(postcode="1")),
            "„Zusage“ geht erst, wenn die Person identifiziert ist: Erst müssen zwei von drei Angaben stimmen.",
        ),
        (lambda: task.step(task.State.DONE, task.Event.DONE), "Aufgabe (erledigt): „erledigt“ ist nicht möglich"),
    ],
)  # fmt: skip
def test_what_the_domain_refuses_is_german_on_german_pages(work: Callable[[], object], german: str) -> None:
    assert refusal(raised(work), "de").startswith(german)


def test_a_race_and_the_telephone_have_words_of_their_own() -> None:
    assert refusal(StoreConflict("attempt 7 has been claimed"), "de").startswith("Jemand anderes war schneller.")
    assert refusal(ChannelUnavailable("no answer"), "de") == "Die Telefonanlage hat es nicht getan: no answer"


async def test_what_the_telephone_system_says_is_german_on_german_pages() -> None:
    carrier = SimulatedCarrier(Options(), HandClock())
    with pytest.raises(ChannelRejected) as caught:
        await carrier.leave("7-1")
    assert str(caught.value) == "call 7-1 is not answered"
    assert refusal(caught.value, "de") == "Die Telefonanlage hat es nicht getan: Der Anruf 7-1 ist nicht angenommen"
    with pytest.raises(ChannelUnavailable) as away:
        await Ari("http://127.0.0.1:9/ari", username="contactd", password="", app="contactd", patience=1).post(
            "channels"
        )
    assert refusal(away.value, "de") == "Die Telefonanlage hat es nicht getan: Asterisk ist nicht verbunden"


def test_a_trunk_in_trouble_is_told_in_german_also_within_what_follows_from_it() -> None:
    trunks = TrunkGroup({"eins": Trunk()}, lambda: 100.0)
    trunks.rest(trunks.take("+493023125001")[0])
    with pytest.raises(ChannelUnavailable) as caught:
        trunks.take("+493023125001")
    assert str(caught.value) == "no call rings by trunk eins"
    told = "Über die Leitung eins klingelt kein Anruf"
    assert refusal(caught.value, "de").endswith(told)
    assert speaker("de")(trunks.trouble()) == speaker("de")(caught.value.phrase) == told
    further = ChannelUnavailable("not dialled: %(why)s", why=caught.value.phrase)
    assert refusal(further, "de").endswith(f"nicht gewählt: {told}")


@pytest.mark.parametrize(
    "words",
    [
        agreement.Kind, agreement.State, agreement.Event, agent.State, agent.Event, attempt.State, attempt.Event,
        call.Disposition, call.State, call.Event, circumstance.Kind,
        conversation.Reason, conversation.Person, conversation.Item, conversation.Step, policy.Reason, proposal.State,
        task.State, task.Event,
    ],
)  # fmt: skip
def test_every_word_a_refusal_may_name_is_german_on_german_pages(words: type[StrEnum]) -> None:
    told = {word: refusal(InputError("%(word)s", word=word), "de") for word in words}
    ours = {f"{text[:1].upper()}{text[1:]}" for text in catalogue("de")._catalog.values()}  # type: ignore[attr-defined] # noqa: SLF001 # whatever is German
    assert {word for word, text in told.items() if text not in ours} == set()
