"""Where in CAMT things stand, by the names of elements in every version, and how they are read. For intake.camt."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Protocol, Self

# Where a thing stands, by element names; several places for one thing are those of several versions.
Plan = dict[str, Any]
_CHARGES: Plan = {"Amt": "charge", "Rcrd": {"Amt": "charge"}}
_PAYMENT: Plan = {
    "Refs": {"EndToEndId": "end_to_end", "MndtId": "mandate", "AcctSvcrRef": "bank_ref"},
    "Amt": "amount", "CdtDbtInd": "side",
    "AmtDtls": {"InstdAmt": {"Amt": "instructed"}, "TxAmt": {"Amt": "amount"}, "CntrValAmt": {"Amt": "amount"}},
    "Chrgs": _CHARGES,
    "BkTxCd": {"Domn": {"Fmly": {"SubFmlyCd": "code"}}},
    "RltdPties": {
        "Dbtr": {"Nm": "debtor", "Pty": {"Nm": "debtor"}}, "DbtrAcct": {"Id": {"IBAN": "debtor_iban"}},
        "Cdtr": {"Nm": "creditor", "Pty": {"Nm": "creditor"}}, "CdtrAcct": {"Id": {"IBAN": "creditor_iban"}},
    },
    "RmtInf": {
        "Ustrd": "lines",
        "Strd": {"RfrdDocInf": {"Nb": "references"}, "CdtrRefInf": {"Ref": "references"}, "AddtlRmtInf": "lines"},
    },
    "RtrInf": {"Rsn": {"Cd": "reason", "Prtry": "reason"}, "AddtlInf": "why"},
    "AddtlTxInf": "more",
}  # fmt: skip
_ENTRY: Plan = {
    "Amt": "amount", "CdtDbtInd": "side", "RvslInd": "reversal", "AcctSvcrRef": "bank_ref",
    "BookgDt": {"Dt": "booked", "DtTm": "booked"}, "ValDt": {"Dt": "valued", "DtTm": "valued"},
    "AmtDtls": {"InstdAmt": {"Amt": "instructed"}}, "Chrgs": _CHARGES,
    "BkTxCd": {"Domn": {"Fmly": {"SubFmlyCd": "code"}}},
    "NtryDtls": {"Btch": {"NbOfTxs": "payments"}},
    "AddtlNtryInf": "more",
    "Sts": {"Cd": "status"},
}  # fmt: skip
_PAGE: Plan = {
    "Id": "number",
    "StmtPgntn": {"PgNb": "page", "LastPgInd": "last"}, "NtfctnPgntn": {"PgNb": "page", "LastPgInd": "last"},
    "Acct": {"Id": {"IBAN": "account", "Othr": {"Id": "account"}}, "Ccy": "currency"},
}  # fmt: skip
_BALANCE: Plan = {"Tp": {"CdOrPrtry": {"Cd": "kind"}}, "Amt": "amount", "CdtDbtInd": "side"}
_PLANS = {"payment": _PAYMENT, "entry": _ENTRY, "page": _PAGE, "balance": _BALANCE}
_CURRENCY = {place: f"{place} currency" for place in ("amount", "instructed", "charge")}

# What an element says by the plan's words: every text, and with an amount its currency.
Said = dict[str, list[str]]


class Info(Protocol):
    """What stands before a document's root."""

    doctype: str


class Tree(Protocol):
    """A document."""

    docinfo: Info


class Element(Protocol):
    """What is used of lxml's elements, which carry no types."""

    tag: str
    text: str | None
    sourceline: int

    def __iter__(self) -> Iterator[Self]: ...
    def __len__(self) -> int: ...
    def get(self, key: str, default: str) -> str:
        """Answer an attribute."""
        ...

    def clear(self) -> None:
        """Let go of what is in it."""
        ...

    def remove(self, child: Self) -> None:
        """Take a child out."""
        ...

    def getparent(self) -> Self:
        """Answer what it stands in."""
        ...

    def getprevious(self) -> Self | None:
        """Answer what stands before it."""
        ...

    def iterancestors(self) -> Iterator[Self]:
        """Give what it stands in, from the inside."""
        ...

    def getroottree(self) -> Tree:
        """Answer the document."""
        ...


def local(element: Element) -> str:
    """Answer an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


@lru_cache(maxsize=16)
def _in_namespace(which: str, namespace: str) -> Plan:
    """Answer a plan for the elements of one namespace, `{urn:…}` or empty."""
    return _spelled(_PLANS[which], namespace)


def _spelled(plan: Plan, namespace: str) -> Plan:
    return {
        f"{namespace}{name}": place if isinstance(place, str) else _spelled(place, namespace)
        for name, place in plan.items()
    }


def take(element: Element, which: str) -> Said:
    """Read what stands in an element at the places of a plan."""
    said: Said = {}
    _take(element, _in_namespace(which, element.tag[: element.tag.find("}") + 1]), said)
    return said


def _take(element: Element, plan: Plan, said: Said) -> None:
    for child in element:
        place = plan.get(child.tag)
        if place.__class__ is str:
            text = (child.text or "").strip()
            if place in said:
                said[place].append(text)
            else:
                said[place] = [text]
            if place in _CURRENCY:
                said.setdefault(_CURRENCY[place], []).append(child.get("Ccy", ""))
        elif place is not None:
            _take(child, place, said)


def first(said: Mapping[str, list[str]], word: str) -> str:
    """Answer what was said first, empty when nothing was."""
    return said[word][0] if word in said else ""
