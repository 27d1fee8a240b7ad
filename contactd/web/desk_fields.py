"""The fields of an outcome on the desk: what each is called for which outcome."""

from collections.abc import Mapping
from dataclasses import dataclass

from contactd.domain.agreement import Kind
from contactd.domain.call import Disposition
from contactd.web.words import _


@dataclass(frozen=True, slots=True)
class Field:
    """One row of the form: its name, its label for each outcome that asks for it, an example, and choices if any."""

    name: str
    labels: Mapping[Disposition, str]
    hint: str = ""
    choices: Mapping[str, str] | None = None

    @property
    def outcomes(self) -> list[str]:
        """Name the outcomes that ask for it."""
        return [one.value for one in self.labels]


FIELDS = (
    Field("amount", {
        Disposition.PROMISE: _("Amount"), Disposition.PLAN: _("Amount"), Disposition.PAID: _("Amount paid"),
    }, _("empty: all that is due")),
    Field("on", {
        Disposition.PROMISE: _("By"), Disposition.PAID: _("Has to arrive by"),
        Disposition.HARDSHIP: _("Look again on"), Disposition.DISPUTE: _("Answer by"),
    }, _("e.g. +7, fr, 3.12.")),
    Field("kind", {Disposition.PROMISE: _("Solution")}, choices={
        Kind.PROMISE: _("pays it, or a part"), Kind.SETTLEMENT: _("pays a part, the rest is waived"),
        Kind.DEFERRAL: _("pays nothing yet, dunning rests"),
    }),
    Field("first", {Disposition.PLAN: _("First instalment on")}, _("e.g. +7, fr, 3.12.")),
    Field("count", {Disposition.PLAN: _("How many instalments")}, _("e.g. 4")),
    Field("instalment", {Disposition.PLAN: _("or how much each")}, _("e.g. 100,00")),
    Field("every_months", {Disposition.PLAN: _("Months between them")}, _("empty: 1")),
    Field("costs", {
        Disposition.PLAN: _("Costs of the plan"), Disposition.PROMISE: _("Costs of the deferral"),
    }, _("only where costs have to be told first")),
    Field("final", {Disposition.REFUSES: _("How they refuse")}, choices={
        "": _("for now: cannot or will not yet"), "yes": _("seriously and for good, all of it"),
    }),
    Field("callback_at", {Disposition.CALLBACK: _("Call back on")}, _("e.g. fr 10:30, 3.12. 14:00, +2h")),
    Field("callback_number", {Disposition.CALLBACK: _("At the number")}, _("empty: this one")),
    Field("callback_own", {Disposition.CALLBACK: _("Who calls")}, choices={"": _("I do"), "no": _("the team")}),
    Field("represented_by", {Disposition.REPRESENTED: _("Represented by")}, _("name, address or telephone number")),
)  # fmt: skip
