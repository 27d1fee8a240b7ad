"""Makes the message of a begun attempt: the account's facts, the operator's words, the customer's language."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

from contactd.channels import wording
from contactd.channels.base import Letter, Message, Notice, NoticeInvoice
from contactd.channels.letterpress import LetterPress, paper_of
from contactd.channels.render import Renderer
from contactd.config.settings import Creditor, Settings
from contactd.domain import links
from contactd.domain.account import Channel, PostalAddress, StepTry
from contactd.domain.calendar import local_day
from contactd.domain.campaign import Campaign, Step
from contactd.domain.ladder import Due, Waiting, next_step, zone_of
from contactd.domain.money import Money
from contactd.engine.agreements.agreed import with_agreement
from contactd.engine.agreements.notifying import workday
from contactd.engine.debt.demanding import demanded
from contactd.engine.gate import Begun

_DEADLINE_DAYS = 7  # of a step that names none


class Composer:
    """Renders for one daemon; a reload hands in other settings and templates."""

    def __init__(self, settings: Settings, renderer: Renderer, signing_key: bytes) -> None:
        self._key = signing_key
        self.replace(settings, renderer)

    def replace(self, settings: Settings, renderer: Renderer) -> None:
        """Use other settings and templates from now on."""
        self._settings = settings
        self._renderer = renderer
        self._press = LetterPress(settings.template_directories, paper_of(settings))
        self._standing: dict[tuple[str, str, str, str, str], tuple[Campaign, dict[str, str]]] = {}

    def __call__(self, begun: Begun, still_ours: Callable[[], bool]) -> Message:
        """Render in the customer's language; raises ChannelMisconfigured when the template cannot be rendered."""
        rung, claim = begun.rung, begun.claimed
        if rung.step.channel is Channel.TASK:  # it says nothing to the customer
            text, at = rung.step.text, begun.at
            return Message(
                reference=claim.reference, attempt_id=claim.id, to="", language="", subject="", text=text,
                created_at=at, still_ours=still_ours,
            )  # fmt: skip
        language = begun.facts.account.language or rung.campaign.language
        unsubscribe = self._unsubscribe_url(claim.id) if rung.step.channel is Channel.EMAIL else ""
        notice = self._notice(begun, language, unsubscribe)
        if rung.step.channel is Channel.LETTER:
            return self._letter(begun, notice, still_ours)
        rendered = self._renderer.render(
            rung.step.template, rung.step.channel, language, notice, fallback=rung.campaign.language
        )
        return Message(
            reference=claim.reference,
            attempt_id=claim.id,
            to=begun.address,
            language=language,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            unsubscribe_url=unsubscribe,
            created_at=begun.at,
            still_ours=still_ours,
        )

    def _letter(self, begun: Begun, notice: Notice, still_ours: Callable[[], bool]) -> Message:
        """Leave the setting to whoever sends it: it takes too long for the loop."""
        rung, claim = begun.rung, begun.claimed
        fallback = rung.campaign.language
        pdf = partial(self._press.press, rung.step.template, notice.language, notice, fallback=fallback)
        return Message(
            reference=claim.reference,
            attempt_id=claim.id,
            to=begun.address,
            language=notice.language,
            subject="",
            text="",
            letter=Letter(
                pdf=pdf,
                name=notice.name,
                street=notice.street,
                postcode=notice.postcode,
                city=notice.city,
                country=notice.country,
            ),
            created_at=begun.at,
            still_ours=still_ours,
        )

    def _unsubscribe_url(self, attempt_id: int) -> str:
        base = self._settings.web.public_url
        return f"{base}/u/{links.sign(self._key, attempt_id)}" if base else ""

    def _notice(self, begun: Begun, language: str, unsubscribe_url: str) -> Notice:
        campaign, step, account = begun.rung.campaign, begun.rung.step, begun.facts.account
        today = local_day(zone_of(account, campaign), begun.at)
        invoices, demand = demanded(begun.owed, overdue(begun, today), begun.invoices, today)
        listed = min(sum(invoice.open.minor for invoice in invoices), begun.facts.open)
        to = begun.postal or PostalAddress("", "", "")
        days = (step.deadline_days or _DEADLINE_DAYS) + step.postage_days
        following = next_channel(begun) if begun.about is None else "none"
        fee = begun.fee if begun.fee and step.channel is Channel.EMAIL else 0  # in letters it is one of the costs
        notice = Notice(
            name=account.name,
            number=account.number,
            creditor=account.creditor,
            language=language,
            kind=account.kind,
            invoices=invoices,
            total=Money(demand.total if demand else listed + fee, account.currency),
            demand=demand,
            fee=Money(fee, account.currency) if fee else None,
            deadline=workday(self._settings, today + timedelta(days=days)),
            today=today,
            reference=account.number,
            unsubscribe_url=unsubscribe_url,
            street=to.street,
            postcode=to.postcode,
            city=to.city,
            country=to.country or account.country,
            **self._words(campaign, step, account.creditor, language, following),
        )
        if begun.about is None:
            return notice
        return with_agreement(notice, begun.about, begun.facts, self._settings, step.channel, begun.at)

    def _words(self, campaign: Campaign, step: Step, creditor: str, language: str, following: str) -> dict[str, Any]:
        """Say what is the same in every message of a step, creditor, language and next channel."""
        key = (campaign.id, step.id, creditor, language, following)
        known, words = self._standing.get(key, (None, {}))
        if known is not campaign:  # a message begun before a reload may come after it
            contact, operator = contact_of(self._settings, creditor), self._settings.operator
            words = {
                "operator": operator.name,
                "operator_kind": operator.kind,
                "operator_street": operator.street,
                "operator_postcode": operator.postcode,
                "operator_city": operator.city,
                "authority": operator.authority,
                "imprint": operator.imprint,
                "creditor_street": contact.street,
                "creditor_postcode": contact.postcode,
                "creditor_city": contact.city,
                "creditor_name": contact.name,
                "contact_person": contact.contact_person,
                "contact_phone": contact.phone,
                "contact_hours": wording.hours(contact.hours, language),
                "contact_email": contact.email,
                "iban": contact.iban,
                "bic": contact.bic,
                "next_step": self._phrase("next_step", following, language, campaign),
                "opt_out": self._opt_out(step.channel, language, campaign),
            }
            self._standing[key] = campaign, words
        return words

    def _opt_out(self, channel: Channel, language: str, campaign: Campaign) -> str:
        """Say how to stop messages by this channel; letters are not unsubscribed from."""
        return "" if channel is Channel.LETTER else self._phrase("opt_out", channel.value, language, campaign)

    def _phrase(self, group: str, key: str, language: str, campaign: Campaign) -> str:
        return self._renderer.phrase(group, key, language, fallback=campaign.language)


def next_channel(begun: Begun) -> str:
    """Answer the channel by which this customer hears next when all stays as it is, `none` when nothing follows."""
    campaign, claim = begun.rung.campaign, begun.claimed
    this = StepTry(claim.step, claim.try_no, "delivered", "", begun.at, begun.address, claim.channel)
    before = tuple(one for one in begun.facts.tries if (one.step, one.try_no) != (claim.step, claim.try_no))
    match next_step(campaign, replace(begun.facts, tries=(*before, this)), begun.at):
        case Due(step) | Waiting(step) if step is not None:
            return step.channel.value
        case _:
            return "none"


def contact_of(settings: Settings, creditor: str) -> Creditor:
    """Answer whom the customer of a creditor turns to; what the creditor leaves empty the operator fills."""
    operator, own = settings.operator, settings.creditors.get(creditor, Creditor())
    return Creditor(
        name=own.name or creditor or operator.name,
        contact_person=own.contact_person or operator.contact_person,
        phone=own.phone or operator.phone,
        email=own.email or operator.email,
        hours=own.hours or operator.hours,
        street=own.street,
        postcode=own.postcode,
        city=own.city,
        iban=own.iban,
        bic=own.bic,
        legal_form=own.legal_form,
        represented_by=own.represented_by,
    )


def overdue(begun: Begun, today: date) -> list[NoticeInvoice]:
    """List what a notice asks for: the invoices whose due date is over."""
    currency = begun.facts.account.currency
    chosen = [invoice for invoice in begun.invoices if invoice.due_on < today]
    return [
        NoticeInvoice(
            number=invoice.number,
            invoiced_on=invoice.invoiced_on,
            due_on=invoice.due_on,
            amount=Money(invoice.amount, currency),
            open=Money(invoice.open, currency),
            days_overdue=(today - invoice.due_on).days,
            goods=invoice.goods,
            contracted_on=invoice.contracted_on,
        )
        for invoice in chosen
    ]
