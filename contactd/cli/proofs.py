"""Renders every text with made-up accounts, for `contactd check`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from contactd.channels.letterpress import LetterPress, paper_of
from contactd.channels.phrases import read_phrases
from contactd.channels.render import Renderer
from contactd.config.campaigns import CampaignFile, StepTable
from contactd.config.crosschecks import unavailable
from contactd.config.findings import Findings
from contactd.config.ladder import implied
from contactd.config.load import Inspection, Loaded
from contactd.config.settings import Settings
from contactd.config.words import listed, suggest
from contactd.domain.account import Channel
from contactd.domain.errors import ChannelMisconfigured, ConfigError, Problem
from contactd.engine.agreements.notifying import templates_of
from contactd.telephony.announcements import (
    APOLOGY,
    CLOSED,
    CONSENT,
    GOODBYE,
    MENU,
    QUEUE,
    RECORDING,
    SORRY,
    STOPPED,
    WRONG,
    texts_of,
)

_RENDERED = frozenset({Channel.EMAIL, Channel.SMS, Channel.LETTER})
_OPT_OUT = frozenset({Channel.EMAIL, Channel.SMS})


class Proofed(Protocol):
    """The templates of one channel, rendered for a proof."""

    suffix: str

    def languages(self, template: str) -> set[str]:
        """Answer in which languages a template exists."""
        ...

    def check(self, template: str, languages: Sequence[str]) -> list[str]:
        """Say what is wrong with it."""
        ...


class _Messages:
    """The texts of e-mail or SMS; `charging` are those of steps that have a fee."""

    suffix = ".txt"

    def __init__(self, renderer: Renderer, channel: Channel, charging: Collection[str]) -> None:
        self._renderer, self._channel, self._charging = renderer, channel, charging

    def languages(self, template: str) -> set[str]:
        return self._renderer.languages(template, self._channel)

    def check(self, template: str, languages: Sequence[str]) -> list[str]:
        charges = template in self._charging
        return self._renderer.check(template, self._channel, languages, charges=charges)


def check_templates(found: Inspection) -> Findings:
    """Answer what is wrong with any text `run` may use; nothing when their folders are not known."""
    findings = Findings()
    if found.sections is None:
        return findings
    settings = Settings.of(found.sections, found.path)
    directories = settings.template_directories
    findings.errors.extend(_broken_phrases(directories))
    findings.errors.extend(_broken_announcements(settings, found))
    renderer = Renderer(directories)
    steps = [step for loaded in found.campaigns for step in loaded.file.step]
    fees = {step.template for step in steps if step.fee is not None and step.channel == "email"}
    proofed: dict[Channel, Proofed] = {
        channel: _Messages(renderer, channel, fees if channel is Channel.EMAIL else ()) for channel in _OPT_OUT
    }
    proofed[Channel.LETTER] = LetterPress(directories, paper_of(settings))
    for loaded in found.campaigns:
        if not findings.errors:  # else it says the same again
            findings.errors.extend(_missing_phrases(renderer, loaded))
        for index, step in enumerate(loaded.file.step):
            for key, template, channel in _texts(loaded.file, step):
                findings.add(_Text(proofed[channel], directories, loaded, index, key, template, channel).check())
    findings.errors.extend(_broken_notices(settings, found, proofed))
    return findings


def _broken_notices(settings: Settings, found: Inspection, proofed: Mapping[Channel, Proofed]) -> Iterator[Problem]:
    """Find what is wrong with the notices about agreements, in the languages of the campaigns."""
    languages = sorted({loaded.file.language for loaded in found.campaigns})
    for name in settings.agreements.channels:
        channel = Channel(name)
        if unavailable(settings, channel):
            continue
        for template in templates_of(settings, channel):
            for fault in proofed[channel].check(template, languages):
                yield found.source.problem(("agreements", "channels"), fault)


def _broken_phrases(directories: Sequence[Path]) -> Iterator[Problem]:
    for path in sorted(path for directory in directories for path in directory.glob("phrases.*.toml")):
        try:
            read_phrases(path)
        except ConfigError as error:
            yield from error.problems


def _missing_phrases(renderer: Renderer, loaded: Loaded) -> Iterator[Problem]:
    """Find sentences that are put into messages and do not exist in the language all others fall back to."""
    channels = {Channel(step.channel) for step in loaded.campaign.steps}
    needed = [("next_step", key) for key in sorted({*channels, "none"})]
    needed += [("opt_out", channel.value) for channel in sorted(channels & _OPT_OUT)]
    language = loaded.file.language
    for group, key in needed if channels & _RENDERED else ():
        try:
            renderer.phrase(group, key, language, fallback=language)
        except ChannelMisconfigured as error:
            yield loaded.source.problem(("language",), str(error))


def _broken_announcements(settings: Settings, found: Inspection) -> Iterator[Problem]:
    """Find what is wrong with the apology, and with what callers, machines and agentless calls are told."""
    if settings.telephony.backend == "none":
        return
    spoken, personal = texts_of(settings)
    steps = [step for loaded in found.campaigns for step in loaded.file.step if step.channel == "call"]
    for name in (APOLOGY, QUEUE, SORRY, CLOSED, *_needed(steps)):
        for fault in spoken.check(name):
            yield found.source.problem(("telephony", "backend"), fault)
    for loaded in found.campaigns:
        for index, step in enumerate(loaded.file.step):
            for key in ("template", "machine", "personal"):
                name = getattr(step, key) if step.channel == "call" else ""
                texts = personal if key == "personal" else spoken
                for fault in texts.check(name) if name else ():
                    yield loaded.source.problem(("step", index, key), fault)


def _needed(steps: Sequence[StepTable]) -> list[str]:
    """List the texts without a key that steps in mode ivr lead to, and recordings begin with."""
    asked = any(step.identify for step in steps)
    keyed = any(step.mode == "ivr" for step in steps)
    announced = {"announced": RECORDING, "consented": CONSENT}
    recorded = sorted({announced[step.record] for step in steps if step.record in announced})
    return [STOPPED] * keyed + [MENU, WRONG, GOODBYE] * asked + recorded


def _texts(file: CampaignFile, step: StepTable) -> Iterator[tuple[str, str, Channel]]:
    """Name the texts of a step: its own, and that of a step its `otherwise` implies."""
    if step.channel in _RENDERED:
        yield "template", step.template, Channel(step.channel)
    other = implied(step, {each.id for each in file.step})
    if other is not None and other[1] in _RENDERED:
        yield "otherwise", *other


class _Text:
    """One text of one step, in all the languages of the step."""

    def __init__(
        self,
        proofed: Proofed,
        directories: Sequence[Path],
        loaded: Loaded,
        index: int,
        key: str,
        template: str,
        channel: Channel,
    ) -> None:
        self.proofed, self.directories = proofed, directories
        self.loaded, self.template, self.channel = loaded, template, channel
        self.place = ("step", index, key)
        select = loaded.file.step[index].select.languages or loaded.file.select.languages
        self.main = loaded.file.language
        self.others = sorted({*select} - {"", self.main})

    def check(self) -> Findings:
        findings = Findings()
        say = self.loaded.source.problem
        existing = self.proofed.languages(self.template)
        # Whatever language an account has: where there is a text in it, that is used.
        for language in dict.fromkeys([self.main, *self.others, *sorted(existing)]):
            if not {language, language.partition("-")[0]} & existing:
                self._miss(language, existing, findings)
                continue
            for fault in self.proofed.check(self.template, [language]):
                # What a text says is for people to judge; a text that cannot be rendered is of no use.
                judged = fault.startswith(f"{self.channel}/{self.template}.{language}: ")
                (findings.warnings if judged else findings.errors).append(say(self.place, fault))
        return findings

    def _miss(self, language: str, existing: set[str], findings: Findings) -> None:
        say = self.loaded.source.problem
        name = f"{self.channel}/{self.template}.{language}{self.proofed.suffix}"
        if language == self.main:
            there = f"it exists in {', '.join(sorted(existing))}" if existing else self._others()
            message = f'there is no text {name}, and "{language}" is the language of the campaign; {there}'
            findings.errors.append(say(self.place, message))
        else:
            message = f'there is no text {name}; customers with this language get it in "{self.main}"'
            findings.warnings.append(say(self.place, message))

    def _others(self) -> str:
        """List what there is instead."""
        folders = (directory / self.channel.value for directory in self.directories)
        known = sorted(
            {path.name.partition(".")[0] for folder in folders for path in folder.glob(f"*.*{self.proofed.suffix}")}
        )
        return suggest(self.template, known).removeprefix("; ") or f"known: {listed(known) or 'none'}"
