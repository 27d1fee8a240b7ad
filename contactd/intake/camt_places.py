"""Where in CAMT things stand, by the names of elements in every version, and how they are read. For intake.camt."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, Self

# Where a thing stands, by element names; several places for one thing are those of several versions. What is said once
# is a word, of which the first counts; [what is said again] is kept as often, ("what is money") with its currency.
Plan = dict[str, Any]
_AMOUNT: Plan = {"Amt": ("amount",)}
_CHARGES: Plan = {"Amt": ("charge",), "Rcrd": {"Amt": ("charge",)}}
_PAYMENT: Plan = {
    "Refs": {"EndToEndId": "end_to_end", "MndtId": "mandate", "AcctSvcrRef": "bank_ref"},
    "Amt": ("amount",), "CdtDbtInd": "side",
    "AmtDtls": {"InstdAmt": {"Amt": ("instructed",)}, "TxAmt": _AMOUNT, "CntrValAmt": _AMOUNT},
    "Chrgs": _CHARGES,
    "BkTxCd": {"Domn": {"Fmly": {"SubFmlyCd": "code"}}},
    "RltdPties": {
        "Dbtr": {"Nm": "debtor", "Pty": {"Nm": "debtor"}}, "DbtrAcct": {"Id": {"IBAN": "debtor_iban"}},
        "Cdtr": {"Nm": "creditor", "Pty": {"Nm": "creditor"}}, "CdtrAcct": {"Id": {"IBAN": "creditor_iban"}},
    },
    "RmtInf": {
        "Ustrd": ["lines"],
        "Strd": {"RfrdDocInf": {"Nb": ["references"]}, "CdtrRefInf": {"Ref": ["references"]}, "AddtlRmtInf": ["lines"]},
    },
    "RtrInf": {"Rsn": {"Cd": "reason", "Prtry": "reason"}, "AddtlInf": ["why"]},
    "AddtlTxInf": ["more"],
}  # fmt: skip
_ENTRY: Plan = {
    "Amt": ("amount",), "CdtDbtInd": "side", "RvslInd": "reversal", "AcctSvcrRef": "bank_ref",
    "BookgDt": {"Dt": "booked", "DtTm": "booked"}, "ValDt": {"Dt": "valued", "DtTm": "valued"},
    "AmtDtls": {"InstdAmt": {"Amt": ("instructed",)}}, "Chrgs": _CHARGES,
    "BkTxCd": {"Domn": {"Fmly": {"SubFmlyCd": "code"}}},
    "NtryDtls": {"Btch": {"NbOfTxs": "payments"}},
    "AddtlNtryInf": ["more"],
    "Sts": {"Cd": "status"},
}  # fmt: skip
_PAGE: Plan = {
    "Id": "number",
    "StmtPgntn": {"PgNb": "page", "LastPgInd": "last"}, "NtfctnPgntn": {"PgNb": "page", "LastPgInd": "last"},
    "Acct": {"Id": {"IBAN": "account", "Othr": {"Id": "account"}}, "Ccy": "currency"},
}  # fmt: skip
_BALANCE: Plan = {"Tp": {"CdOrPrtry": {"Cd": "kind"}}, "Amt": ("amount",), "CdtDbtInd": "side"}
_UNPLANNED: Plan = {}


class Plans(NamedTuple):
    """What is read of each element."""

    payment: Plan
    entry: Plan
    page: Plan
    balance: Plan


class Said(NamedTuple):
    """What an element says, by the plan's words: once, in texts that are not empty, and as money with its currency."""

    words: dict[str, str]
    texts: dict[str, list[str]]
    money: dict[str, list[tuple[str, str]]]


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

    def iterdescendants(self) -> Iterator[Self]:
        """Give all that stands in it, in the document's order."""
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


def plans_for(element: Element) -> Plans:
    """Answer the plans for an element's namespace."""
    return _in_namespace(element.tag[: element.tag.find("}") + 1])


@lru_cache(maxsize=16)
def _in_namespace(namespace: str) -> Plans:
    """Spell the plans for a namespace, `{urn:…}` or empty."""
    return Plans(*(_spelled(plan, namespace) for plan in (_PAYMENT, _ENTRY, _PAGE, _BALANCE)))


def _spelled(plan: Plan, namespace: str) -> Plan:
    return {
        f"{namespace}{name}": _spelled(place, namespace) if isinstance(place, dict) else place
        for name, place in plan.items()
    }


def take(element: Element, plan: Plan) -> Said:
    """Read what stands in an element at the places of a plan."""
    words: dict[str, str] = {}
    texts: dict[str, list[str]] = {}
    money: dict[str, list[tuple[str, str]]] = {}
    plans = {element: plan}  # of those with others in them
    # One walk through everything: an iterator for each element with others in it is dear.
    for child in element.iterdescendants():
        place: Any = plans.get(child.getparent(), _UNPLANNED).get(child.tag)
        kind = place.__class__
        if kind is str:
            if place not in words:
                words[place] = (child.text or "").strip()
        elif kind is dict:
            plans[child] = place
        elif kind is tuple:
            money.setdefault(place[0], []).append(((child.text or "").strip(), child.get("Ccy", "")))
        elif kind is list and (text := (child.text or "").strip()):
            texts.setdefault(place[0], []).append(text)
    return Said(words, texts, money)
