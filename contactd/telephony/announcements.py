"""What is spoken instead of an agent: when nobody is free or there, to machines, and in agentless calls.

Files are `voice/<name>.<language>.txt`, and a recording beside one if there is any (`.wav` instead of `.txt`); the
operator's folders go before the shipped one. `Announcements` know `operator` and `contact_phone` and no fact of any
account, because whoever listens may be anybody; `PersonalTexts` know more, are told only to who has identified, and
have no recordings. The daemon builds one of each.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError

from contactd.config.sandbox import FAULTS, Sandbox, join
from contactd.config.settings import Settings
from contactd.domain.errors import ChannelMisconfigured
from contactd.domain.ivr import Personal
from contactd.domain.money import Money
from contactd.telephony import spoken
from contactd.telephony.base import Announcement

APOLOGY = "apology"
RECORDING, CONSENT = "recording", "recording-consent"
# To whoever calls us: that nobody is free yet, that nobody was, that nobody is there at this hour.
QUEUE, SORRY, CLOSED = "queue", "sorry", "closed"
# Of calls in mode ivr: the keys, for whom nothing can be asked; the question again; after too many wrong answers; and
# that no more calls will come.
MENU, WRONG, GOODBYE, STOPPED = "ivr", "ivr-wrong", "ivr-goodbye", "ivr-stopped"
TEST_CALL = "test-call"  # of `contactd doctor --echo`
_TEMPLATE = "voice/{name}.{language}.txt"
_SAMPLES = (
    Personal("10117", Money(4350, "EUR"), 2, date(2026, 10, 1), "K-4711"),
    Personal("1010", Money(100, "EUR"), 1, None, ""),
)

Values = Callable[[str], Mapping[str, object]]  # what a text may know, in its language


class Announcements:
    """Each text in each language there is a file for; `fallback` speaks for the other languages."""

    def __init__(self, directories: Sequence[Path], *, operator: str, contact_phone: str, fallback: str = "de") -> None:
        self._values = {"operator": operator, "contact_phone": contact_phone}
        self._files = _Files(directories, fallback)
        self._texts: dict[tuple[str, str], Announcement] = {}

    def __call__(self, name: str, language: str) -> Announcement:
        """Give a text in a language like `de` or `de-AT`; raises ChannelMisconfigured."""
        key = name, language
        if key not in self._texts:
            self._texts[key] = self._files.render(name, language, lambda _: self._values)
        return self._texts[key]

    def check(self, name: str = APOLOGY) -> list[str]:
        """Make a text in every language there is a file for, and in the fall-back; say what is wrong."""
        return self._files.check(name, [lambda _: self._values])


class PersonalTexts:
    """The same for texts that tell what an account owes: each is made anew and kept nowhere."""

    def __init__(self, directories: Sequence[Path], *, operator: str, contact_phone: str, fallback: str = "de") -> None:
        self._values = {"operator": operator, "contact_phone": contact_phone}
        self._files = _Files(directories, fallback)

    def __call__(self, name: str, language: str, personal: Personal) -> Announcement:
        """Give a text in a language like `de` or `de-AT`; raises ChannelMisconfigured."""
        said = self._files.render(name, language, self._known(personal))
        return replace(said, recording="", private=True)

    def check(self, name: str) -> list[str]:
        """Make a text of made-up accounts in every language there is a file for; say what is wrong."""
        return self._files.check(name, [self._known(sample) for sample in _SAMPLES])

    def _known(self, personal: Personal) -> Values:
        def values(language: str) -> Mapping[str, object]:
            due = personal.oldest_due
            return self._values | {
                "open": spoken.amount(personal.open, language),
                "currency": spoken.currency(personal.open.currency, language),
                "invoices": personal.invoices,
                "oldest_due": spoken.day(due, language) if due else "",
                "reference": spoken.letter_by_letter(personal.reference),
            }

        return values


def texts_of(settings: Settings) -> tuple[Announcements, PersonalTexts]:
    """Make both for a daemon."""
    folders, operator = settings.template_directories, settings.operator
    return (
        Announcements(folders, operator=operator.name, contact_phone=operator.phone),
        PersonalTexts(folders, operator=operator.name, contact_phone=operator.phone),
    )


class _Files:
    """The folders of texts, and how one becomes an announcement."""

    def __init__(self, directories: Sequence[Path], fallback: str) -> None:
        self._fallback = fallback
        self._directories = tuple(directories)
        self._environment = Sandbox(
            loader=FileSystemLoader([str(directory) for directory in directories]),
            undefined=StrictUndefined,
            autoescape=False,
        )

    def check(self, name: str, known: Sequence[Values]) -> list[str]:
        found = chain.from_iterable((directory / "voice").glob(f"{name}.*.txt") for directory in self._directories)
        languages = sorted({path.name.split(".")[-2] for path in found} | {self._fallback})
        faults = (self._fault(name, language, values) for language in languages for values in known)
        return list(dict.fromkeys(fault for fault in faults if fault))

    def _fault(self, name: str, language: str, values: Values) -> str:
        try:
            said = self.render(name, language, values)
        except ChannelMisconfigured as error:
            return str(error)
        return "" if said.text else f"template {_TEMPLATE.format(name=name, language=language)}: says nothing"

    def render(self, name: str, language: str, values: Values) -> Announcement:
        tags = dict.fromkeys(one for one in (language, language.partition("-")[0], self._fallback) if one)
        files = [_TEMPLATE.format(name=name, language=one) for one in tags]
        file = files[-1]
        try:
            template = self._environment.select_template(files)
            file, found = str(template.name), Path(str(template.filename))
            text = join(template.generate(values(file.split(".")[-2]))).strip()
        except (TemplateError, *FAULTS) as error:
            if isinstance(error, TemplateSyntaxError):
                file = f"{error.name}:{error.lineno}"
            said = str(error) or type(error).__name__
            raise ChannelMisconfigured("template %(file)s: %(said)s", file=file, said=said, code="template") from error
        recording = found.with_suffix(".wav")
        return Announcement(text, file.split(".")[-2], str(recording) if recording.exists() else "")
