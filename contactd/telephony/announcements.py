"""What is spoken instead of an agent: the apology when nobody was free, a machine's text, that of agentless calls.

Files are `voice/<name>.<language>.txt`, and a recording beside one if there is any (`.wav` instead of `.txt`); the
operator's folders go before the shipped one. They know `operator` and `contact_phone` and no fact of any account,
because whoever listens may be anybody. The daemon builds one.
"""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError

from contactd.config.sandbox import FAULTS, Sandbox, join
from contactd.domain.errors import ChannelMisconfigured
from contactd.telephony.base import Announcement

APOLOGY = "apology"
_TEMPLATE = "voice/{name}.{language}.txt"


class Announcements:
    """Each text in each language there is a file for; `fallback` speaks for the other languages."""

    def __init__(self, directories: Sequence[Path], *, operator: str, contact_phone: str, fallback: str = "de") -> None:
        self._values = {"operator": operator, "contact_phone": contact_phone}
        self._fallback = fallback
        self._directories = tuple(directories)
        self._environment = Sandbox(
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

    def check(self, name: str = APOLOGY) -> list[str]:
        """Make a text in every language there is a file for, and in the fall-back; say what is wrong."""
        found = chain.from_iterable((directory / "voice").glob(f"{name}.*.txt") for directory in self._directories)
        problems = []
        for language in sorted({path.name.split(".")[-2] for path in found} | {self._fallback}):
            try:
                spoken = self._render(name, language)
            except ChannelMisconfigured as error:
                problems.append(str(error))
            else:
                if not spoken.text:
                    problems.append(f"template {_TEMPLATE.format(name=name, language=language)}: says nothing")
        return problems

    def _render(self, name: str, language: str) -> Announcement:
        spoken = dict.fromkeys(one for one in (language, language.partition("-")[0], self._fallback) if one)
        files = [_TEMPLATE.format(name=name, language=one) for one in spoken]
        file = files[-1]
        try:
            template = self._environment.select_template(files)
            file, found = str(template.name), Path(str(template.filename))
            text = join(template.generate(self._values)).strip()
        except (TemplateError, *FAULTS) as error:
            if isinstance(error, TemplateSyntaxError):
                file = f"{error.name}:{error.lineno}"
            said = str(error) or type(error).__name__
            raise ChannelMisconfigured(f"template {file}: {said}", code="template") from error
        recording = found.with_suffix(".wav")
        return Announcement(text, file.split(".")[-2], str(recording) if recording.exists() else "")
