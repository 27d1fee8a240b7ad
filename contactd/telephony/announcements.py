"""What is spoken instead of an agent: the apology when nobody was free, a machine's text, that of agentless calls.

Files are `voice/<name>.<language>.txt`, the operator's folders before the shipped one; they know `operator` and
`contact_phone` and no fact of any account, because whoever listens may be anybody. The daemon builds one.
"""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from contactd.domain.errors import ChannelMisconfigured
from contactd.telephony.base import Announcement

APOLOGY = "apology"
_TEMPLATE = "voice/{name}.{language}.txt"


class Announcements:
    """Each text in each language there is a file for; `fallback` speaks for the other languages."""

    def __init__(self, directories: Sequence[Path], *, operator: str, contact_phone: str, fallback: str = "de") -> None:
        self._values = {"operator": operator, "contact_phone": contact_phone}
        self._fallback = fallback
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader([str(directory) for directory in directories]),
            undefined=StrictUndefined,
            autoescape=False,
        )
        self._texts: dict[tuple[str, str], Announcement] = {}

    def __call__(self, name: str, language: str) -> Announcement:
        """Give a text in a language like `de` or `de-AT`; raises ChannelMisconfigured."""
        key = name, language
        if key not in self._texts:
            self._texts[key] = self._render(name, language)
        return self._texts[key]

    def _render(self, name: str, language: str) -> Announcement:
        spoken = dict.fromkeys(one for one in (language, language.partition("-")[0], self._fallback) if one)
        files = [_TEMPLATE.format(name=name, language=one) for one in spoken]
        try:
            template = self._environment.select_template(files)
            text = template.render(self._values).strip()
        except TemplateError as error:
            raise ChannelMisconfigured(f"template {files[-1]}: {error}", code="template") from error
        return Announcement(text, str(template.name).split(".")[-2])
