"""The words of a case on the desk: steps, persons, outcomes, reasons and what happened; for desk_case.py's templates.

A word of the trade that is missing here is shown as it is.
"""

from collections.abc import Mapping

from contactd.domain.call import Disposition
from contactd.domain.circumstance import Kind as Circumstance
from contactd.domain.conversation import Item, Person, Reason, Step
from contactd.web.words import LANGUAGES, _, catalogue

STEPS: Mapping[Step, str] = {
    Step.PREPARE: _("Prepare"),
    Step.IDENTIFY: _("Identify"),
    Step.UNDERSTAND: _("Understand"),
    Step.SOLUTION: _("Solution"),
    Step.CLOSE: _("Close"),
}
PERSONS: Mapping[Person, str] = {
    Person.CUSTOMER: _("The customer"),
    Person.AUTHORISED: _("Somebody authorised"),
    Person.SOMEONE_ELSE: _("Someone else"),
    Person.NOBODY: _("Nobody"),
}
ITEMS: Mapping[Item, str] = {
    Item.BIRTH_DATE: _("Date of birth"),
    Item.POSTCODE: _("Postcode"),
    Item.CUSTOMER_NUMBER: _("Customer number"),
}
OUTCOMES: Mapping[Disposition, str] = {
    Disposition.PROMISE: _("Promise"),
    Disposition.PLAN: _("Instalments"),
    Disposition.PAID: _("Has paid"),
    Disposition.DISPUTE: _("Objects"),
    Disposition.HARDSHIP: _("Hardship"),
    Disposition.REFUSES: _("Refuses"),
    Disposition.CALLBACK: _("Callback"),
    Disposition.WRONG_PERSON: _("Wrong person"),
    Disposition.REPRESENTED: _("Represented"),
    Disposition.DROPPED: _("Broken off"),
}
REASONS: Mapping[Reason, str] = {
    Reason.OVERSIGHT: _("Overlooked"),
    Reason.LIQUIDITY: _("Short of money"),
    Reason.WORK_OR_ILLNESS: _("Out of work, ill"),
    Reason.OWN_CUSTOMERS: _("Waits for own customers' money"),
    Reason.NOT_RECEIVED: _("Invoice not received"),
    Reason.WRONG_INVOICE: _("Invoice is wrong"),
    Reason.DEFECT: _("Goods or service defective"),
    Reason.PRICE: _("Price not as agreed"),
    Reason.ALREADY_PAID: _("Paid already"),
    Reason.APPROVAL: _("Waits for approval"),
    Reason.MOVED: _("Moved"),
    Reason.REFUSES: _("Will not pay"),
    Reason.INSOLVENCY: _("Insolvency"),
    Reason.UNKNOWN: _("Not told"),
}
REFUSED: Mapping[str, str] = {
    "nobody_asked": _("Say first who is on the line."),
    "not_the_person": _("Nothing may be disclosed to this person."),
    "nothing_known": _("We know nothing by which they could be identified."),
    "too_many_wrong": _("Too many answers were wrong: nobody is identified in this call any more."),
    "not_enough": _("Two of three answers have to agree first."),
}
SKIPS: Mapping[str, str] = {
    "later": _("Better at another hour"),
    "in_process": _("Something is being settled"),
    "wrong_data": _("Something is wrong with the data"),
    "other": _("Another reason"),
}
CIRCUMSTANCES: Mapping[Circumstance, str] = {
    Circumstance.REFUSAL: _("Final refusal"),
    Circumstance.ACKNOWLEDGEMENT: _("Acknowledgement"),
    Circumstance.NEGOTIATIONS: _("Negotiations"),
    Circumstance.COURT_ORDER: _("Court order to pay"),
    Circumstance.TITLE: _("Title"),
}
TASKS: Mapping[str, str] = {
    "meeting": _("Meeting"),
    "creditor": _("With the creditor"),
    "address": _("Find the address"),
    "returned_mail": _("A letter came back"),
    "payment": _("Assign a payment"),
    "limitation": _("A claim is about to be statute-barred"),
    "review": _("Look it over"),
    "other": _("Something else"),
}
# What stands in a list of contacts, whatever column it is from.
HAPPENED: Mapping[str, str] = {
    **{one.value: label for one, label in OUTCOMES.items()},
    "email": _("E-mail"),
    "sms": _("SMS"),
    "letter": _("Letter"),
    "call": _("Call"),
    "task": _("Task"),
    "handover": _("Hand-over"),
    "accepted": _("sent"),
    "sent": _("sent"),
    "delivered": _("delivered"),
    "failed": _("not delivered"),
    "cancelled": _("cancelled"),
    "answered": _("talked"),
    "no_answer": _("not reached"),
    "busy": _("busy"),
    "machine": _("answering machine"),
    "invalid": _("number invalid"),
    "abandoned": _("nobody free"),
    "skipped": _("put off"),
    "agreed": _("agreed"),
    "promise_kept": _("promise kept"),
    "plan": _("Instalments"),
    "says_paid": _("Has paid"),
    "deferral": _("Deferral"),
    "settlement": _("Settlement"),
    "kept": _("kept"),
    "broken": _("broken"),
    "active": _("in force"),
    "confirmed": _("confirmed"),
    "draft": _("draft"),
    "open": _("open"),
    "withdrawn": _("withdrawn"),
    "resolved": _("settled"),
    "mobile": _("mobile"),
    "phone": _("fixed line"),
    "postal": _("post"),
    "consumer": _("consumer"),
    "business": _("business"),
    "stop": _("wants no contact"),
    "wrong_number": _("wrong number"),
    "undeliverable": _("does not arrive"),
    "opted_out": _("wants no calls"),
    "represented": _("Represented"),
    "returned": _("came back"),
    **{one.value: label for one, label in CIRCUMSTANCES.items()},
    # what became of contacts
    "rejected": _("rejected"),
    "congestion": _("no line free"),
    "missed": _("called us in vain"),
    "lost": _("connection lost"),
    "unclear": _("end not known"),
    "not_taken": _("not taken, tried again"),
    "unavailable": _("could not be sent then"),
    "bounced": _("came back"),
    "unreachable": _("not reached for days"),
    # what became of agreements and claims
    "overdue": _("overdue"),
    "partially_kept": _("kept in part"),
    "fulfilled": _("fulfilled"),
    "defaulted": _("broken"),
    "expired": _("expired"),
    "paid_before": _("paid before"),
    "superseded": _("replaced"),
    "upheld": _("customer was right"),
    "approved": _("approved"),
    "proposed": _("proposed"),
    "cost": _("cost"),
    "write_off": _("written off"),
    "reversal": _("taken back"),
    # notices about agreements, and tasks
    "confirmation": _("Confirmation"),
    "reminder": _("Reminder"),
    "acceleration": _("Notice of the arrears"),
    "thanks": _("Thanks"),
    "costs": _("Notice of costs"),
    "advice": _("Where to find advice"),
    **TASKS,
    # why somebody or a number is not contacted
    "insolvency": _("insolvency"),
    "deceased": _("deceased"),
}


def happened(word: str) -> str:
    """Name what happened."""
    return HAPPENED.get(word) or word.replace("_", " ")


def says_channel(step: str, channel: str) -> bool:
    """Tell whether the name of a step says its channel already, in whichever language it was named."""
    names = (catalogue(language).gettext(happened(channel)) for language in LANGUAGES)
    return any(_letters(name) in _letters(step) for name in names)


def _letters(text: str) -> str:
    return text.replace("-", "").lower()
