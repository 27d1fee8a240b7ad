"""From files to settings: contactd.toml with campaigns.d beside it, every error at once or a valid whole.

`load` is for everybody who needs settings; `inspect` is for `contactd check`, which shows warnings too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from contactd.config import crosschecks, lints
from contactd.config.base_rates import load_base_rates
from contactd.config.campaigns import CampaignFile
from contactd.config.fees import load_fees
from contactd.config.findings import Findings, Source
from contactd.config.ladder import build
from contactd.config.messages import explain
from contactd.config.personas import Personas, load_personas
from contactd.config.policies import policy_of, policy_of_notices
from contactd.config.read import read_model, read_toml
from contactd.config.scripts import lacking, load_scripts
from contactd.config.settings import Sections, Settings
from contactd.config.shipped import defaults_directory
from contactd.domain.campaign import Campaign
from contactd.domain.errors import ConfigError, Problem
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.domain.policy import Policy

FILE = "contactd.toml"
CAMPAIGNS = "campaigns.d"
SYSTEM_WIDE = Path("/etc/contactd") / FILE


@dataclass(frozen=True, slots=True)
class Loaded:
    """A campaign with the file it was made of."""

    file: CampaignFile
    source: Source
    campaign: Campaign
    policy: Policy


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found; `settings` only without errors, `sections` and `campaigns` as far as they could be made."""

    path: Path
    settings: Settings | None
    sections: Sections | None
    findings: Findings
    campaigns: Sequence[Loaded] = field(default=())
    source: Source = field(default_factory=lambda: Source(FILE))


def find(path: Path | None) -> Path:
    """Answer the file to use: the given one, ./contactd.toml or the system's; raises ConfigError when there is none."""
    if path is not None:
        return path
    places = (Path(FILE), SYSTEM_WIDE)
    for place in places:
        if place.is_file():
            return place
    looked = " and ".join(str(place) for place in places)
    raise ConfigError([Problem(FILE, 0, "", f"not found; looked for {looked}, name another with --config FILE")])


def load_defaults(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Load the shipped configuration; `overrides` as in `load`."""
    return load(defaults_directory() / "config" / FILE, overrides=overrides)


def load(
    path: Path, *, campaigns: bool = True, secrets: bool = True, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """Load a configuration or raise ConfigError with every problem in it.

    Without `campaigns` the files of campaigns.d are not looked at. Without `secrets` one that cannot be read is no
    error until it is asked for. `overrides` are tables like those of the file and win over it.
    """
    found = inspect(path, campaigns=campaigns, secrets=secrets, overrides=overrides)
    if found.settings is None:
        raise ConfigError(found.findings.errors)
    return found.settings


def inspect(
    path: Path, *, campaigns: bool = True, secrets: bool = True, overrides: Mapping[str, Any] | None = None
) -> Inspection:
    """Load a configuration and answer everything that is to be said about it."""
    findings = Findings()
    context = {"folder": path.resolve().parent, "secrets": secrets}
    sections, source = _sections(path, overrides or {}, context, findings)
    loaded = _campaigns(path, sections or Sections(), findings) if campaigns else []
    for one in loaded:
        findings.add(lints.lint(one.file, one.source, one.campaign, one.policy))
    if sections is not None:
        findings.add(crosschecks.check(sections, source))
        if campaigns:
            findings.errors.extend(_missing_folders(sections, source, path.resolve().parent))
            findings.errors.extend(_bad_tables(sections, path))
        findings.add(crosschecks.check_campaigns(sections, [(one.file, one.source) for one in loaded]))
    scripts, more = load_scripts(path.resolve().parent)
    findings.add(more)
    findings.warnings.extend(lacking(scripts, [(one.file, one.source) for one in loaded]))
    personas = _personas(sections, path.resolve().parent, findings)
    findings.sort(str(path))
    if sections is None or findings.errors:
        return Inspection(path, None, sections, findings, loaded, source)
    settings = Settings.of(
        sections,
        path,
        tuple(one.campaign for one in loaded),
        {one.campaign.id: one.policy for one in loaded} | {NOTICES: policy_of_notices(sections)},
        {(one.campaign.id, step): place for one in loaded for step, place in _places(one)},
        scripts,
        personas,
    )
    return Inspection(path, settings, sections, findings, loaded, source)


def _personas(sections: Sections | None, folder: Path, findings: Findings) -> Personas:
    """Read who plays the customers, where somebody does."""
    if sections is None or not sections.telephony.simulated.personas:
        return {}
    personas, more = load_personas(folder)
    findings.add(more)
    return personas


def _sections(
    path: Path, overrides: Mapping[str, Any], context: Mapping[str, object], findings: Findings
) -> tuple[Sections | None, Source]:
    source = Source(str(path))
    try:
        values, source = read_toml(path)
        return Sections.model_validate(_merged(values, overrides), context=dict(context)), source
    except ConfigError as error:
        findings.errors.extend(error.problems)
    except ValidationError as error:
        findings.errors.extend(explain(error, Sections, source))
    return None, source


def _missing_folders(sections: Sections, source: Source, folder: Path) -> Iterator[Problem]:
    for index, directory in enumerate(sections.templates.directories):
        if not (folder / directory).is_dir():
            text = f'there is no folder "{folder / directory}"; make it, or remove the line'
            yield source.problem(("templates", "directories", index), text)


def _bad_tables(sections: Sections, path: Path) -> Iterator[Problem]:
    """Find what is wrong with tables of the operator's own."""
    settings, claims = Settings.of(sections, path), sections.claims
    try:
        if claims.base_rates:
            load_base_rates(settings.base_rates_path)
        if claims.fees:
            load_fees(settings.fees_path)
    except ConfigError as error:
        yield from error.problems


def _campaigns(path: Path, sections: Sections, findings: Findings) -> list[Loaded]:
    loaded: list[Loaded] = []
    places: dict[str, str] = {}
    for each in sorted((path.parent / CAMPAIGNS).glob("*.toml")):
        file, source = read_model(each, CampaignFile, findings)
        if file is None:
            continue
        where = f"{source.file}:{source.lines.of(('id',))}"
        if file.id in places:
            text = f'"{file.id}" is already the id in {places[file.id]}; every campaign needs its own'
            findings.errors.append(source.problem(("id",), text))
        places.setdefault(file.id, where)
        campaign, more = build(file, source, sections.planning.schedule)
        findings.add(more)
        if campaign is not None:
            loaded.append(Loaded(file, source, campaign, policy_of(file, sections)))
    return loaded


def _places(loaded: Loaded) -> Iterator[tuple[str, tuple[str, int]]]:
    for index, step in enumerate(loaded.file.step):
        place = loaded.source.file, loaded.source.lines.of(("step", index, "id"))
        yield step.id, place
        if step.otherwise not in {other.id for other in loaded.file.step}:
            yield step.otherwise, place


def _merged(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for key, value in overrides.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return merged


def unavailable_steps(settings: Settings) -> list[Problem]:
    """Name every step that this daemon could not carry out: the channel comes later, or no provider is set up."""
    problems = []
    for campaign in settings.campaigns:
        for step in campaign.steps:
            why = crosschecks.unavailable(settings, step.channel, approve=step.approve)
            if why:
                file, line = settings.place(campaign.id, step.id)
                problems.append(Problem(file, line, f'campaign "{campaign.id}", step "{step.id}"', why))
    return problems
