"""What is spoken to a person who answered while no agent was free: who called, the number to call back, nothing else.

Files are `voice/apology.<language>.txt`, the operator's folders before the shipped one; they know `operator` and
`contact_phone` and no fact of any account, because whoever picks up may be anybody. The daemon builds one.
"""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError

from contactd.config.sandbox import FAULTS, Sandbox, join
from contactd.domain.errors import ChannelMisconfigured
from contactd.telephony.base import Announcement

_TEMPLATE = "voice/apology.{language}.txt"


class Apologies:
    """The announcement in each language there is a file for; `fallback` speaks for the others."""

    def __init__(self, directories: Sequence[Path], *, operator: str, contact_phone: str, fallback: str = "de") -> None:
        self._values = {"operator": operator, "contact_phone": contact_phone}
        self._fallback = fallback
        self._directories = tuple(directories)
        self._environment = Sandbox(
            loader=FileSystemLoader([str(directory) for directory in directories]),
            undefined=StrictUndefined,
            autoescape=False,
        )
        self._texts: dict[str, Announcement] = {}

    def __call__(self, language: str) -> Announcement:
        """Give the announcement in a language like `de` or `de-AT`; raises ChannelMisconfigured."""
        if language not in self._texts:
            self._texts[language] = self._render(language)
        return self._texts[language]

    def check(self) -> list[str]:
        """Make it in every language there is a file for, and in the fall-back; say what is wrong."""
        paths = chain.from_iterable((directory / "voice").glob("apology.*.txt") for directory in self._directories)
        problems = []
        for language in sorted({path.name.split(".")[1] for path in paths} | {self._fallback}):
            try:
                spoken = self._render(language)
            except ChannelMisconfigured as error:
                problems.append(str(error))
            else:
                if not spoken.text:
                    problems.append(f"template {_TEMPLATE.format(language=language)}: says nothing")
        return problems

    def _render(self, language: str) -> Announcement:
        spoken = dict.fromkeys(name for name in (language, language.partition("-")[0], self._fallback) if name)
        names = [_TEMPLATE.format(language=name) for name in spoken]
        name = names[-1]
        try:
            template = self._environment.select_template(names)
            name = str(template.name)
            text = join(template.generate(self._values)).strip()
        except (TemplateError, *FAULTS) as error:
            if isinstance(error, TemplateSyntaxError):
                name = f"{error.name}:{error.lineno}"
            said = str(error) or type(error).__name__
            raise ChannelMisconfigured(f"template {name}: {said}", code="template") from error
        return Announcement(text, name.split(".")[1])
