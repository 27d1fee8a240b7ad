"""The settings of a daemon: contactd.toml as frozen, checked values; everything that is built is built from these.

A docstring below a key is what the JSON Schema tells an editor; config/contactd.toml tells each key's reason too.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import Field, PrivateAttr

from contactd.config import words
from contactd.config.agreements import Agreements
from contactd.config.base_rates import load_base_rates
from contactd.config.claims import Claims
from contactd.config.personas import Personas
from contactd.config.privacy import Privacy
from contactd.config.providers import Letters, Sms, Smtp, Telephony, Twilio
from contactd.config.reports import Reports
from contactd.config.retention import Retention
from contactd.config.scripts import Scripts, shipped_scripts
from contactd.config.secret import Secret
from contactd.config.section import LOOSE, NO_SECRET, Port, Section
from contactd.config.shipped import defaults_directory
from contactd.config.tasks import Tasks
from contactd.config.values import Duration, Minute, Ratio, Second, parse_duration
from contactd.config.wall import Wall
from contactd.config.webhooks import Webhook
from contactd.config.words import Bic, Country, Cron, Currency, Email, Iban, Language, Name, Url
from contactd.domain.account import Channel
from contactd.domain.base_rates import BaseRates
from contactd.domain.campaign import Campaign
from contactd.domain.policy import Policy

BASE_RATES = "base_rates.csv"
FEES = "fees.csv"
STATE_BELOW_ETC = Path("/var/lib/contactd")
_LETTERS_AT_ONCE = 16  # set by two threads; the rest wait for the store


class Daemon(Section):
    """Who this daemon is and where its files are."""

    name: str = ""
    """Held by one process at a time; empty: the host's name."""
    state: str = ""
    """Folder of the database, socket and lock; empty: this file's folder, or /var/lib/contactd for a file in /etc."""
    control: str = "contactd.sock"
    """Socket for status, pause, resume and reload; relative to the state folder."""
    drain: Second = parse_duration("20 seconds")
    """How long running attempts may finish after SIGTERM."""
    wait_for_database: Duration = parse_duration("5 minutes")
    """How long a start waits for a PostgreSQL server that does not answer; zero: not at all."""


class Database(Section):
    """Where accounts, attempts and the contact log are kept."""

    url: words.Database = "sqlite:///contactd.db"
    """`sqlite:///FILE` (relative to the state folder) or `postgresql://USER@HOST/DATABASE`."""
    password: Secret = NO_SECRET
    """Pass word for PostgreSQL; never in the url."""


class Logging(Section):
    """What the daemon tells about itself."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important message that is written."""
    format: Literal["json", "console"] = "json"
    """`json`: one object a line for machines; `console`: for people."""


class Web(Section):
    """HTTP: health, metrics, provider callbacks, intake."""

    bind: str = "127.0.0.1"
    """Address to listen on; outside traffic comes through a reverse proxy."""
    port: Port = 8080
    """Port to listen on; 0: any free one."""
    public_url: Url = ""
    """How providers and customers reach this daemon; empty: no callbacks, no unsubscribe links."""
    proxies: Annotated[tuple[str, ...], LOOSE] = ("127.0.0.1", "::1")
    """Reverse proxies whose word counts on who asks (X-Forwarded-For) and whether by TLS (X-Forwarded-Proto)."""
    session_idle: Minute = parse_duration("30 minutes")
    """Whoever has no page open for so long signs in anew."""
    session_longest: Minute = parse_duration("12 hours")
    """After so long everybody signs in anew."""


class Intake(Section):
    """How imported files are read and when their facts are too old."""

    payments_max_age: Duration = parse_duration("26 hours")
    """No dunning when the newest payments import is older."""
    max_vanish: Ratio = 0.3
    """A full import that clears a larger share of the open accounts is refused."""
    country: Country = "DE"
    """Country of telephone numbers written without one."""
    currency: Currency = "EUR"
    """Currency of rows that name none."""
    statements: str = ""
    """Folder in which bank statements are put to be read; relative to the state folder; empty: none is watched."""


class Rules(Section):
    """Which law and custom the rules start from; a campaign may only be stricter."""

    preset: Literal["de", "us-reg-f", "uk"] = "de"
    """Call windows, caps and cool-down of a jurisdiction."""


class Planning(Section):
    """When accounts are taken up."""

    schedule: Cron = "0 7 * * *"
    """Five-field cron expression for campaigns that have none of their own, in the campaign's time zone."""
    horizon: Minute = parse_duration("24 hours")
    """Steps due within this time are planned in one run."""
    four_eyes: bool = False
    """Who proposed a run may not approve it."""


class Sending(Section):
    """How planned attempts are taken in hand."""

    lease: Second = parse_duration("2 minutes")
    """An attempt claimed longer ago than this is taken back."""
    in_flight: int = Field(default=64, ge=1, le=1_000)
    """Most messages of a channel that are begun and not answered yet; a crash leaves at most so many unclear."""
    grace: Second = parse_duration("2 minutes")
    """A message the provider knows nothing of, asked twice and so far apart, is sent after all."""


class Operator(Section):
    """Who runs contactd; stands in every message."""

    name: str = ""
    """Name of the firm."""
    kind: Literal["creditor", "collection-agency", "lawyer"] = "creditor"
    """Agencies and lawyers have duties of their own (§ 13a RDG, § 43d BRAO)."""
    street: str = ""
    """Street and number."""
    postcode: str = ""
    """Postal code."""
    city: str = ""
    """Town."""
    email: Email = ""
    """Where customers write to."""
    phone: str = ""
    """Where customers call, as it is to be printed."""
    contact_person: str = ""
    """Whom customers ask for."""
    hours: str = ""
    """When somebody answers: "Mo-Fr 08:00-18:00" is told in the customer's language, anything else as it stands."""
    authority: str = ""
    """Supervisory authority with its address, which an agency must name (§ 13a RDG)."""
    imprint: str = ""
    """What a business letter has to say of a company: register, number and directors (§ 35a GmbHG, § 37a HGB)."""


class Creditor(Section):
    """One creditor; what is empty is taken from [operator]."""

    name: str = ""
    """Name the customer knows."""
    contact_person: str = ""
    """Whom customers ask for."""
    phone: str = ""
    """Where customers call, as it is to be printed."""
    email: Email = ""
    """Where customers write to."""
    hours: str = ""
    """When somebody answers: "Mo-Fr 08:00-18:00" is told in the customer's language, anything else as it stands."""
    street: str = ""
    """Street and number; an agency names its client with the address."""
    postcode: str = ""
    """Postal code."""
    city: str = ""
    """Town."""
    iban: Iban = ""
    """Account to pay to, without blanks."""
    bic: Bic = ""
    """Bank of that account; only needed abroad."""
    legal_form: str = ""
    """Like GmbH or AG, for a court."""
    represented_by: str = ""
    """Who acts for the creditor before a court, with the office, like "Managing director Erika Beispiel"."""


class Agent(Section):
    """Somebody who talks to customers."""

    name: str = ""
    """How colleagues call this person; empty: the key."""
    team: str = ""
    """Campaigns with this team get calls of this agent; empty: every campaign without a team."""
    languages: Annotated[tuple[Language, ...], LOOSE] = ("de",)
    """Languages this agent speaks."""
    phone: str = ""
    """What Asterisk dials to reach this person, like "PJSIP/1001"."""


class Templates(Section):
    """Where message templates are."""

    directories: Annotated[tuple[str, ...], LOOSE] = ()
    """Folders searched before the shipped ones, in this order; relative to this file's folder."""


class Sections(Section):
    """contactd.toml."""

    daemon: Daemon = Daemon()
    database: Database = Database()
    logging: Logging = Logging()
    web: Web = Web()
    intake: Intake = Intake()
    rules: Rules = Rules()
    planning: Planning = Planning()
    sending: Sending = Sending()
    operator: Operator = Operator()
    creditors: dict[str, Creditor] = Field(default_factory=dict)
    claims: Claims = Claims()
    agreements: Agreements = Agreements()
    retention: Retention = Retention()
    privacy: Privacy = Privacy()
    reports: Reports = Reports()
    tasks: Tasks = Tasks()
    smtp: Smtp = Smtp()
    sms: Sms = Sms()
    twilio: Twilio = Twilio()
    letters: Letters = Letters()
    telephony: Telephony = Telephony()
    agents: dict[Name, Agent] = Field(default_factory=dict)
    templates: Templates = Templates()
    wall: Wall = Wall()
    webhooks: Annotated[tuple[Webhook, ...], LOOSE] = ()


class Settings(Sections):
    """contactd.toml with its campaigns and their policies; `load.py` makes it."""

    _path: Path = PrivateAttr(default=Path("contactd.toml"))
    _campaigns: tuple[Campaign, ...] = PrivateAttr(default=())
    _policies: Mapping[str, Policy] = PrivateAttr(default_factory=dict)
    _places: Mapping[tuple[str, str], tuple[str, int]] = PrivateAttr(default_factory=dict)
    _scripts: Scripts = PrivateAttr(default_factory=dict)
    _personas: Personas = PrivateAttr(default_factory=dict)

    @classmethod
    def of(
        cls,
        sections: Sections,
        path: Path,
        campaigns: tuple[Campaign, ...] = (),
        policies: Mapping[str, Policy] | None = None,
        places: Mapping[tuple[str, str], tuple[str, int]] | None = None,
        scripts: Scripts | None = None,
        personas: Personas | None = None,
    ) -> "Settings":
        """Put together the file at `path`, campaigns, a policy for each, file and line of each step, what is said."""
        settings = cls.model_validate(dict(sections))
        settings._path, settings._campaigns = path, campaigns  # noqa: SLF001 # its own
        settings._policies, settings._places = dict(policies or {}), dict(places or {})  # noqa: SLF001 # its own
        settings._scripts, settings._personas = scripts or {}, personas or {}  # noqa: SLF001 # its own
        return settings

    @property
    def path(self) -> Path:
        """The contactd.toml these came from."""
        return self._path

    @property
    def campaigns(self) -> tuple[Campaign, ...]:
        """Every campaign, in the order of the files' names."""
        return self._campaigns

    @property
    def policies(self) -> Mapping[str, Policy]:
        """The rules of every campaign, by its id."""
        return self._policies

    @property
    def scripts(self) -> Scripts:
        """What agents say, by language."""
        return self._scripts or shipped_scripts()

    @property
    def personas(self) -> Personas:
        """Who plays the simulated customers, by language; empty where customers are real or say nothing."""
        return self._personas

    def place(self, campaign_id: str, step_id: str) -> tuple[str, int]:
        """Answer in which file and line a step stands; for messages."""
        return self._places.get((campaign_id, step_id), ("", 0))

    @property
    def state_directory(self) -> Path:
        """Where database, socket and lock are."""
        folder = self._path.resolve().parent
        if self.daemon.state:
            return folder / self.daemon.state
        return STATE_BELOW_ETC if folder.is_relative_to("/etc") else folder

    @property
    def control_path(self) -> Path:
        """Where the control socket is."""
        return self.state_directory / self.daemon.control

    @property
    def database_url(self) -> str:
        """The database, absolute and with its pass word; raises ConfigError when that cannot be read."""
        scheme, _, rest = self.database.url.partition("://")
        if scheme == "sqlite":
            return f"sqlite:///{self.state_directory / rest[1:]}"
        if not self.database.password:
            return self.database.url
        # An option may hold an @ as well.
        authority = re.split("[/?]", rest, maxsplit=1)[0]
        login, _, server = authority.rpartition("@")
        return f"{scheme}://{login}:{quote(self.database.password.reveal(), safe='')}@{server}{rest[len(authority) :]}"

    @property
    def base_rates_path(self) -> Path:
        """The table of base rates, absolute."""
        if self.claims.base_rates:
            return self._path.resolve().parent / self.claims.base_rates
        return defaults_directory() / "config" / BASE_RATES

    @cached_property
    def base_rates(self) -> BaseRates:
        """The table of base rates, read once: a changed one is in force with the next reload; raises ConfigError."""
        return load_base_rates(self.base_rates_path)

    @property
    def fees_path(self) -> Path:
        """The tables of fees, absolute."""
        if self.claims.fees:
            return self._path.resolve().parent / self.claims.fees
        return defaults_directory() / "config" / FEES

    @property
    def template_directories(self) -> tuple[Path, ...]:
        """The folders of templates, absolute, in the order they are searched; the shipped ones last."""
        folder = self._path.resolve().parent
        own = tuple(folder / directory for directory in self.templates.directories)
        return (*own, defaults_directory() / "templates")

    @property
    def letters_directory(self) -> Path:
        """Where letters are kept, and lie for whoever prints them."""
        return self.state_directory / self.letters.folder

    @property
    def statements_directory(self) -> Path:
        """Where bank statements are put to be read."""
        return self.state_directory / self.intake.statements

    @property
    def letter_fonts(self) -> tuple[Path, ...]:
        """The folder of further fonts for letters, if there is one."""
        return (self._path.resolve().parent / self.letters.fonts,) if self.letters.fonts else ()


def rate_of(settings: Settings, channel: Channel) -> float | None:
    """Answer how many messages a second a channel may send, None where there is no limit."""
    rates = {Channel.EMAIL: settings.smtp.rate, Channel.SMS: settings.twilio.rate}
    return rates.get(channel) or None


def lines_of(settings: Settings, channel: Channel) -> int:
    """Answer how many messages of a channel may have an intent at once; a crash leaves at most so many unclear."""
    lines = {Channel.EMAIL: settings.smtp.connections, Channel.LETTER: _LETTERS_AT_ONCE}
    return lines.get(channel, settings.sending.in_flight)


def needs_restart(old: Settings, new: Settings) -> list[str]:
    """Name the sections whose change a running daemon cannot take over."""
    fixed = (
        "daemon",
        "database",
        "logging",
        "web",
        "smtp",
        "sms",
        "twilio",
        "letters",
        "telephony",
        "agents",
        "sending",
    )
    return [
        f"[{name}] changed: restart to put it in force" for name in fixed if getattr(old, name) != getattr(new, name)
    ]
