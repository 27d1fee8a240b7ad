"""A backend that sends to nobody and keeps a ledger: for tests, rehearsals and the contract suite.

It keeps every promise of `MessageChannel`, so what works with it works with a provider.
"""

from collections import deque
from collections.abc import Iterable

from contactd.channels.base import Absent, Found, LookUp, Message, Receipt, Unknown
from contactd.domain.account import Channel
from contactd.domain.errors import ChannelError, ChannelUnavailable, ChannelUnclear


class MemoryChannel:
    """Takes every message unless `faults` says otherwise; `ledger` is what the provider would show."""

    finds_by_text = False

    def __init__(self, name: Channel = Channel.EMAIL, faults: Iterable[ChannelError] = ()) -> None:
        """Take what the next sends raise, in order; a ChannelUnclear is raised after the message was taken."""
        self.name = name
        self.ledger: list[Message] = []
        self.faults: deque[ChannelError] = deque(faults)

    async def start(self) -> None:
        """Have nothing to make ready."""

    async def close(self) -> None:
        """Have nothing to drop; the ledger stays."""

    async def send(self, message: Message) -> Receipt:
        """Write the message into the ledger, or raise the next fault."""
        if not message.still_ours():
            raise ChannelUnavailable("its lease ended before it was sent", code="lease", retry_after=0)
        fault = self.faults.popleft() if self.faults else None
        if fault is None or isinstance(fault, ChannelUnclear):
            self.ledger.append(message)
            message.on_wire(message.text)
        if fault is not None:
            raise fault
        return Receipt(f"memory-{message.reference}")

    async def look_up(self, question: LookUp) -> Found | Absent | Unknown:
        """Look into the ledger."""
        if any(message.reference == question.reference for message in self.ledger):
            return Found(f"memory-{question.reference}")
        return Absent()
