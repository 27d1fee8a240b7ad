"""Every error contactd raises on purpose, sorted by what the caller must do next; any floor may use it."""

from dataclasses import dataclass

from contactd.domain.phrase import Phrase


class ContactdError(Exception):
    """Something contactd foresaw; its text is fit for the person who reads it.

    `phrase` is what pages tell in the viewer's language; a terminal adds `command`, by which it is mended there.
    """

    def __init__(self, text: str | Phrase = "", /, *, command: str = "", **values: object) -> None:
        """Say it in a text that names its values like %(this)s."""
        self.phrase = text if isinstance(text, Phrase) else Phrase(text, values)
        super().__init__(f"{self.phrase}: {command}" if command else str(self.phrase))


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a configuration: where it stands and how to mend it."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        """Read as `file:line: key: message`."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ConfigError(ContactdError):
    """The configuration cannot be used; cli exits with 3, a running daemon keeps its old one."""

    def __init__(self, problems: list[Problem]) -> None:
        """Carry every problem at once."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class InputError(ContactdError):
    """A file or a request cannot be used as it is; nothing of it was taken."""


class NotThere(InputError):
    """What is named in a request is not there."""


class Contradiction(InputError):
    """What is asked for contradicts how things stand: it was right before, or will be once they stand otherwise."""


class NeedsForce(Contradiction):
    """Looks like an accident: nothing was changed; whoever is sure says so with --force."""


class AwaitsApproval(Contradiction):
    """A run of the campaign waits for somebody to decide; until then nothing else of it is planned."""

    def __init__(self, campaign: str, number: int) -> None:
        """Name the run and what to do with it."""
        super().__init__(
            f"run {number} of {campaign} waits for approval; look at it (contactd proposal show {number}), "
            f"then contactd proposal approve {number} or contactd proposal reject {number} --reason …"
        )
        self.campaign = campaign
        self.number = number


class IllegalTransition(ContactdError):
    """There is no answer to this event in this state; log it, keep the state."""


class StoreError(ContactdError):
    """The database cannot be used: unreachable, foreign, corrupt, full or of another version."""


class StoreAway(StoreError):
    """The database's server does not answer, or not yet; nothing is wrong that waiting could not mend."""


class NameTaken(StoreError):
    """Another daemon of our name is at work on the database; whoever meets it begins nothing, or ends."""


class StoreConflict(ContactdError):
    """A guarded UPDATE hit no row: somebody was quicker; read again, decide again."""


class AddressTaken(ContactdError):
    """A port or socket we are to listen on cannot be had: taken, forbidden or not of this machine."""


class Unreachable(ContactdError):
    """The running daemon does not answer: start it, or name its configuration; cli exits with 5."""


class ChannelError(ContactdError):
    """A message did not go the usual way; the subclass says what to do. `code` is the provider's own."""

    def __init__(self, text: str | Phrase, /, *, code: str = "", **values: object) -> None:
        """Keep the provider's code beside the text, which names its values like %(this)s."""
        super().__init__(text, command="", **values)
        self.code = code


class ChannelUnavailable(ChannelError):
    """Certainly not taken (refused, rate limited): the attempt stays planned, next try after `retry_after` seconds.

    `of_recipient`: this recipient or message was refused, while the provider serves others; then a message's patience
    has an end, and others are called meanwhile.
    """

    def __init__(
        self,
        text: str | Phrase,
        /,
        *,
        code: str = "",
        retry_after: float = 60.0,
        of_recipient: bool = False,
        **values: object,
    ) -> None:
        """Keep how long to wait, in seconds, and who is to blame."""
        super().__init__(text, code=code, **values)
        self.retry_after = retry_after
        self.of_recipient = of_recipient


class ChannelUnclear(ChannelError):
    """May have been taken (time-out, drop after the request went out): never resent unasked."""


class ChannelRejected(ChannelError):
    """This message or this address, never; `dead` says that it is the address."""

    def __init__(self, text: str | Phrase, /, *, code: str = "", dead: bool = False, **values: object) -> None:
        """Keep whether the address itself is unusable from now on."""
        super().__init__(text, code=code, **values)
        self.dead = dead


class RecipientOptedOut(ChannelError):
    """The person said stop: failed, and the address is suppressed."""


class ChannelMisconfigured(ChannelError):
    """Our credentials or settings: the channel is paused and the operator told."""
