"""What the agent says now, in the customer's language: the words of scripts.d with what is known filled in.

It takes what casefile.py and foreseeing.py tell, so it can say no more than they do.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from contactd.channels.wording import day, money
from contactd.config.scripts import ScriptFile, filled, script_for
from contactd.config.settings import Settings
from contactd.domain.agreement import Kind
from contactd.domain.conversation import Person, Step, speaks
from contactd.domain.money import Money

Told = dict[str, Any]
_NOT_THERE = "…"
_LISTED = 6  # instalments that are said one by one


def spoken(settings: Settings, card: Mapping[str, Any], agent: str) -> Told:
    """Give the words of the step a card is at: {"language", "text", "why"}.

    `text` is None while they may not be said, and `why` then says why, as the card's identification does.
    """
    script, language = _script(settings, card)
    found = card["identification"]
    step = Step(card["draft"]["step"])
    if not speaks(step, sure=found["sure"]):
        return {"language": language, "text": None, "why": found["why"]}
    others = {
        Person.AUTHORISED: script.people.authorised,
        Person.SOMEONE_ELSE: script.people.someone_else,
        Person.NOBODY: script.people.nobody,
    }
    words = others.get(Person(found["person"])) if step is Step.IDENTIFY else None
    text = filled(words or getattr(script.steps, step.value), _values(settings, card, agent, language))
    return {"language": language, "text": text, "why": ""}


def summary(settings: Settings, card: Mapping[str, Any], agent: str, foreseen: Told) -> Told:
    """Give what is read aloud before an outcome is saved, once it was foreseen: {"language", "text"}."""
    script, language = _script(settings, card)
    values = _values(settings, card, agent, language) | _agreed(script, card, foreseen, language)
    kinds = {one["kind"] for one in foreseen["agreements"]} & {Kind.SETTLEMENT.value, Kind.DEFERRAL.value}
    words = getattr(script.outcomes, next(iter(kinds), foreseen["outcome"]))
    return {"language": language, "text": filled(words, values)}


def _script(settings: Settings, card: Mapping[str, Any]) -> tuple[ScriptFile, str]:
    wanted = [card["account"]["language"]] if card["account"] else []
    wanted += [one.language for one in settings.campaigns if one.id == card["campaign"]]
    script = script_for(settings.scripts, *filter(None, wanted))
    return script, script.language


def _values(settings: Settings, card: Mapping[str, Any], agent: str, language: str) -> dict[str, str]:
    known, account = settings.agents.get(agent), card["account"] or {}
    creditor = settings.creditors.get(account.get("creditor", ""))
    values = {
        "agent": (known.name if known else "") or agent,
        "operator": settings.operator.name,
        "creditor": account.get("creditor_name", ""),
        "customer": account.get("name", ""),
        "phone": (creditor.phone if creditor else "") or settings.operator.phone,
    }
    told = card["confidential"]
    if told is not None:
        costs = told["next_stage"] or {}
        values |= {
            "account": account.get("number", ""),
            "open": _money(told["open"], language),
            "due": _money(told["due"], language),
            "invoices": ", ".join(one["number"] for one in told["invoices"]),
            "oldest_due": _day(told["oldest_due"] if told["days_due"] > 0 else None, language),
            "court_costs": _money(costs.get("court"), language),
        }
    return {name: text for name, text in values.items() if text}


def _agreed(script: ScriptFile, card: Mapping[str, Any], foreseen: Told, language: str) -> dict[str, str]:
    """Word what was agreed on."""
    made = foreseen["agreements"]
    parts = made[0]["instalments"] if made else []
    first = date.fromisoformat(parts[0]["due_on"]) if parts else None
    back, held = foreseen["callback"], foreseen["hold"]
    sent: Told = foreseen["sends"][0] if foreseen["sends"] else {"channel": "", "reply_by": None}
    # What is sent asks for an answer before the first money is due; a plan waits for one also where nothing is sent.
    waits = made[0]["until"] if made and made[0]["kind"] == Kind.PLAN.value else None
    answer = sent["reply_by"] or waits
    values = {
        "amount": _money(made[0]["amount"] if made else None, language),
        "day": day(first, language, "long") if first else "",
        "count": str(len(parts)) if parts else "",
        "schedule": _schedule(parts, language),
        "reply_by": _day(answer, language),
        "way": getattr(script.ways, sent["channel"], ""),
        "hold_until": _day(held["until"] if held else None, language),
        "callback": _moment(back["when"], card["account"]["timezone"], language) if back and card["account"] else "",
        "disputed": ", ".join(one["invoice"] for one in made if one["invoice"]),
        "by": foreseen["represented_by"],
    }
    return {name: text for name, text in values.items() if text}


def _schedule(parts: list[Told], language: str) -> str:
    words = [f"{_money(one['amount'], language)} ({_day(one['due_on'], language)})" for one in parts]
    return ", ".join([*words[: _LISTED - 1], _NOT_THERE, words[-1]] if len(words) > _LISTED else words)


def _money(told: Mapping[str, str] | None, language: str) -> str:
    return money(Money.parse(f"{told['amount']} {told['currency']}"), language) if told else ""


def _day(text: str | None, language: str) -> str:
    return day(date.fromisoformat(text), language, "long") if text else ""


def _moment(text: str, zone: str, language: str) -> str:
    at = datetime.fromisoformat(text).astimezone(ZoneInfo(zone))
    return f"{day(at.date(), language, 'long')}, {at:%H:%M}"
