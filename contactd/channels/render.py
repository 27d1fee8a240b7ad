"""Turns notices into texts: Jinja2 in a sandbox, one file a step and language, the operator's folders first.

A folder holds `email/<template>.<language>.txt` (its first line is `Subject: …`), `email/<template>.<language>.html`,
`sms/<template>.<language>.txt` and `phrases.<language>.toml`. A template sees the fields of `Notice` by their names and
the filters `money`, `day` and `iban`; a name that does not exist is an error, never an empty space.
"""

import glob
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path

import markupsafe
from jinja2 import (
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    nodes,
)

from contactd.channels import wording
from contactd.channels.base import Agreed, AgreedPart, Notice, NoticeInvoice, Rendered
from contactd.channels.framing import blocks_of
from contactd.channels.mime import one_line
from contactd.channels.phrases import Phrases, read_phrases
from contactd.channels.proof import charging, faults, samples_of
from contactd.config.sandbox import FAULTS, Sandbox, join
from contactd.domain.account import Channel
from contactd.domain.errors import ChannelMisconfigured, ConfigError
from contactd.domain.money import Money

_SUBJECT = "Subject:"
_FIELDS = tuple(field.name for field in fields(Notice))
_GLOBALS: dict[str, object] = dict(Sandbox().globals)
_TEXTS = tuple(field.name for field in fields(Notice) if field.type is str)
_OPEN: dict[type, frozenset[str]] = {
    kind: frozenset(field.name for field in fields(kind)) for kind in (NoticeInvoice, Money, Agreed, AgreedPart)
}


class _Sandbox(Sandbox):
    """The sandbox, with short ways to the values we hand in ourselves: they halve the time a render takes."""

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,  # noqa: FBT001, FBT002 - a hook of Jinja2's, with its signature
    ) -> str:
        """Compile with an `escape` that makes no Markup of what is only put together."""
        return f"{super()._generate(source, name, filename, defer_init)}\nfrom {__name__} import escape\n"

    def getattr(self, obj: object, attribute: str) -> object:
        """Let templates at the fields of our values, and at what Jinja2 thinks is safe of the others."""
        if attribute in _OPEN.get(type(obj), ()):
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)


def escape(value: object) -> str:
    """Escape for HTML as markupsafe does; what says it is HTML already stays as it is."""
    if type(value) is not str:
        return str(markupsafe.escape(value))
    return _escaped(value)


@lru_cache(maxsize=8192)
def _escaped(text: str) -> str:
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;").replace("'", "&#39;")
    )


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The compiled files of one template, channel and language."""

    text: Template
    html: Template | None
    framed: bool = False  # the HTML is a frame around the words of the text


class Renderer:
    """Renders from the folders given, the first that has a file wins; files are read once."""

    def __init__(self, directories: Sequence[Path]) -> None:
        """Take the folders in the order they are searched; the shipped one belongs at the end."""
        self._directories = [str(directory) for directory in directories]
        self._loader = FileSystemLoader(self._directories)
        self._chosen: dict[tuple[str, str, str, str], _Chosen] = {}
        self._phrases: dict[str, Phrases] = {}
        self._environment = lru_cache(maxsize=64)(self._make_environment)

    def render(
        self, template: str, channel: Channel, language: str, notice: Notice, *, fallback: str = "en"
    ) -> Rendered:
        """Render in the language, else without its region, else in the fall-back; raises ChannelMisconfigured."""
        try:
            chosen = self._choose(template, channel, language, fallback)
            values = _values(notice)
            text = _render(chosen.text, values)
            subject, _, body = text.partition("\n")
            subject = one_line(subject.removeprefix(_SUBJECT))
            if chosen.framed:
                values |= {"subject": subject, "blocks": blocks_of(body)}
            html = _render(chosen.html, values) if chosen.html else ""
        except TemplateError as error:
            raise ChannelMisconfigured(_where(error, f"{channel}/{template}"), code="template") from error
        except FAULTS as error:
            message = f"template {channel}/{template}: {str(error) or type(error).__name__}"
            raise ChannelMisconfigured(message, code="template") from error
        if channel is not Channel.EMAIL:
            return Rendered("", text.strip())
        return Rendered(subject, f"{body.strip()}\n", html)

    def phrase(self, group: str, key: str, language: str, *, fallback: str = "en") -> str:
        """Find a ready sentence, like `phrase("next_step", "call", "de")`; raises ChannelMisconfigured."""
        for tag in _tags(language, fallback):
            if tag not in self._phrases:
                self._phrases[tag] = self._read_phrases(tag)
            found = self._phrases[tag].get(group, {}).get(key)
            if found is not None:
                return found
        message = (
            f"no phrase {group}.{key} in {language or fallback} nor in {fallback}; add it to phrases.{fallback}.toml"
        )
        raise ChannelMisconfigured(message, code="template")

    def languages(self, template: str, channel: Channel) -> set[str]:
        """Answer in which languages a template exists."""
        found = chain.from_iterable(
            (Path(directory) / channel.value).glob(f"{glob.escape(template)}.*.txt") for directory in self._directories
        )
        tags = {path.name.removeprefix(f"{template}.").removesuffix(".txt") for path in found}
        return {tag for tag in tags if "." not in tag}

    def check(self, template: str, channel: Channel, languages: Iterable[str], *, charges: bool = False) -> list[str]:
        """Render with made-up accounts and say what is wrong or missing; nothing, if the template is good.

        `charges`: a step that sends it has a fee.
        """
        existing = self.languages(template, channel)
        name = f"{channel}/{template}"
        if not existing:
            return [f"there is no {name}.<language>.txt in {', '.join(self._directories)}"]
        problems = []
        for language in languages:
            if not existing & set(_tags(language)):
                problems.append(f"{name}: missing in {language}; it exists in {', '.join(sorted(existing))}")
                continue
            fee = [("a fee", charging(language))] * charges
            for case, notice in (*samples_of(template, language), *fee):
                try:
                    rendered = self.render(template, channel, language, notice, fallback=language)
                    if channel is Channel.EMAIL:
                        self._check_subject(template, language)
                except ChannelMisconfigured as error:
                    problems.append(f"{error} ({language}, {case})")
                    break
                problems += [f"{name}.{language}: {fault} ({case})" for fault in faults(rendered, notice, channel)]
        return list(dict.fromkeys(problems))

    def _check_subject(self, template: str, language: str) -> None:
        name = next(name for tag in _tags(language) if self._has(name := f"email/{template}.{tag}.txt"))
        source = self._loader.get_source(self._environment(language), name)[0]
        if not source.startswith(_SUBJECT):
            raise ChannelMisconfigured(f"{name}:1: the first line must be `Subject: …`", code="template")

    def _choose(self, template: str, channel: Channel, language: str, fallback: str) -> _Chosen:
        key = (template, channel, language, fallback)
        chosen = self._chosen.get(key)
        if chosen is None:
            chosen = self._chosen[key] = self._look_for(template, channel, language, fallback)
        return chosen

    def _look_for(self, template: str, channel: Channel, language: str, fallback: str) -> _Chosen:
        base = language.partition("-")[0]
        for tag in _tags(language, fallback):
            # Numbers and dates as in the customer's country, if the words are in the language of that country.
            spoken = language if tag.partition("-")[0] == base else tag
            environment = self._environment(spoken)
            stem = f"{channel.value}/{template}.{tag}"
            if self._has(f"{stem}.txt"):
                frame = f"{channel.value}/{template.partition('-')[0]}.html"
                own = self._has(f"{stem}.html")
                name = f"{stem}.html" if own else frame if self._has(frame) else ""
                html = environment.get_template(name) if name else None
                return _Chosen(environment.get_template(f"{stem}.txt"), html, framed=name == frame)
        raise TemplateNotFound(f"{channel.value}/{template}.{language or fallback}.txt")

    def _has(self, name: str) -> bool:
        return any((Path(directory) / name).is_file() for directory in self._directories)

    def _make_environment(self, language: str) -> _Sandbox:
        environment = _Sandbox(
            loader=self._loader,
            undefined=StrictUndefined,
            autoescape=lambda name: name is not None and name.endswith(".html"),
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        environment.filters["money"] = partial(_money, lru_cache(maxsize=8192)(partial(_write_money, language)))
        environment.filters["day"] = partial(_day, language)
        environment.filters["iban"] = _iban
        return environment

    def _read_phrases(self, tag: str) -> Phrases:
        """Read the phrases of a language from all folders; an earlier folder's win."""
        merged: dict[str, dict[str, str]] = {}
        for directory in reversed(self._directories):
            path = Path(directory) / f"phrases.{tag}.toml"
            if path.is_file():
                try:
                    groups = read_phrases(path)
                except ConfigError as error:
                    raise ChannelMisconfigured(str(error), code="template") from error
                for group, sentences in groups.items():
                    merged.setdefault(group, {}).update(sentences)
        return merged


def _tags(*languages: str) -> list[str]:
    """List the languages to look for, each followed by itself without the region."""
    tags = chain.from_iterable((language, language.partition("-")[0]) for language in languages)
    return list(dict.fromkeys(tag for tag in tags if tag))


def _money(written: Callable[[int, str], str], amount: Money) -> str:
    # Each amount stands in text and HTML, some more often; numbers are found faster than values of our own.
    return written(amount.minor, amount.currency)


def _write_money(language: str, minor: int, currency: str) -> str:
    return wording.money(Money(minor, currency), language)


def _day(language: str, value: object, width: str = "medium") -> str:
    if not isinstance(value, date):
        raise TypeError(f"{value!r} is no date")
    return wording.day(value, language, width)


def _iban(text: str) -> str:
    """Write an IBAN as people read it, in fours."""
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _render(template: Template, values: dict[str, object]) -> str:
    """Do what `Template.render` does, without copying the values or listing the names of the globals among them."""
    environment = template.environment
    try:
        context = environment.context_class(environment, values, template.name, template.blocks)
        return join(template.root_render_func(context))
    except Exception:  # noqa: BLE001 - whatever it is, Jinja2 puts the template's lines in its traceback and raises it
        environment.handle_exception()


def _values(notice: Notice) -> dict[str, object]:
    """Give the template its names; no value brings a line end or another control character along."""
    values = _GLOBALS | {name: getattr(notice, name) for name in _FIELDS}
    for name in _TEXTS:
        text = values[name]
        if isinstance(text, str) and not text.isprintable():
            values[name] = one_line(text)
    values["invoices"] = [
        invoice
        if invoice.number.isprintable() and invoice.goods.isprintable()
        else replace(invoice, number=one_line(invoice.number), goods=one_line(invoice.goods))
        for invoice in notice.invoices
    ]
    return values


def _where(error: TemplateError, name: str) -> str:
    """Say file and line of a template's mistake, as far as they are known."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.name or name}:{error.lineno}: {error.message}"
    if isinstance(error, TemplateNotFound):
        return f"template {error.name or name} does not exist"
    place, step = name, error.__traceback__
    while step is not None:
        # Jinja2 rewrites tracebacks, so that the frames of compiled templates carry file and line of the source.
        source = step.tb_frame.f_code.co_filename
        if source.endswith((".txt", ".html")):
            place = f"{'/'.join(Path(source).parts[-2:])}:{step.tb_lineno}"
        step = step.tb_next
    return f"{place}: {error.message}"
