"""How operations look into the store or change it; what a program changed stands in the audit log."""

import asyncio
from collections.abc import Callable

import sqlalchemy as sa

from contactd.store import audit, requests
from contactd.store.database import is_unchanged
from contactd.web.operation import BASE, Call, Work

Change = Callable[[sa.Connection, Call], object]

_NAMING = ("account", "campaign", "reference")


def telling(tell: Change) -> Work:
    """Answer what a look into the store tells."""

    async def work(call: Call) -> object:
        return await call.window.commit.read(lambda connection: tell(connection, call))

    return work


def changing(change: Change, *, audited: bool = True) -> Work:
    """Carry it out in one transaction with its line in the audit log, and wake who waits for what it made.

    What was so already has no line. With an Idempotency-Key it is done once. `audited` False: what is called writes
    its own line.
    """

    async def work(call: Call) -> object:
        def carry_out() -> object:
            with call.window.database.transaction() as connection:

                def told() -> requests.Told:
                    done, deed = change(connection, call), deed_of(connection, call)
                    if audited and not is_unchanged(connection):
                        audit.add(connection, deed)
                    return requests.Told(done, deed.account_id)

                if not call.key:
                    return told().answer
                known = requests.Asked(call.by, call.key, call.digest, call.window.clock.now())
                return requests.once(connection, known, told)

        shown = await asyncio.to_thread(carry_out)
        call.window.wake()
        return shown

    return work


def deed_of(connection: sa.Connection, call: Call) -> audit.Deed:
    """Say what a call does: the words of its address, and what it is about."""
    asked, words = call.body, call.address.removeprefix(f"{BASE}/").split("/")
    numbers = [word for word in words if word.isdecimal()]
    if numbers:
        about = f"{words[0].removesuffix('s')}:{numbers[0]}"
    else:
        about = next((f"{name}:{asked[name]}" for name in _NAMING if asked.get(name)), "")
    what = " ".join(word for word in words if word not in numbers)
    reason = str(asked.get("reason") or asked.get("outcome") or "")
    mine = audit.account_of(connection, about, str(asked.get("creditor") or ""))
    new = str(asked.get("kind") or asked.get("owner") or "")
    return audit.Deed(call.window.clock.now(), call.by, what, about, mine, new=new, reason=reason)
