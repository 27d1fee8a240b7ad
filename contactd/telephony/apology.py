"""What is spoken to a person who answered while no agent was free: who called, the number to call back, nothing else.

Files are `voice/apology.<language>.txt`, the operator's folders before the shipped one; they know `operator` and
`contact_phone` and no fact of any account, because whoever picks up may be anybody. The daemon builds one.
"""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from contactd.domain.errors import ChannelMisconfigured
from contactd.telephony.base import Announcement

_TEMPLATE = "voice/apology.{language}.txt"


class Apologies:
    """The announcement in each language there is a file for; `fallback` speaks for the others."""

    def __init__(self, directories: Sequence[Path], *, operator: str, contact_phone: str, fallback: str = "de") -> None:
        self._values = {"operator": operator, "contact_phone": contact_phone}
        self._fallback = fallback
        self._environment = ImmutableSandboxedEnvironment(
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

    def _render(self, language: str) -> Announcement:
        spoken = dict.fromkeys(name for name in (language, language.partition("-")[0], self._fallback) if name)
        names = [_TEMPLATE.format(language=name) for name in spoken]
        try:
            template = self._environment.select_template(names)
            text = template.render(self._values).strip()
        except TemplateError as error:
            raise ChannelMisconfigured(f"template {names[-1]}: {error}", code="template") from error
        return Announcement(text, str(template.name).split(".")[1])
