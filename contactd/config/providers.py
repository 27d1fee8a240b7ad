"""The tables of contactd.toml that say through whom customers are reached: mail server, SMS provider, telephone."""

from typing import Annotated, Literal

from pydantic import Field

from contactd.config.secret import Secret
from contactd.config.section import LOOSE, NO_SECRET, Port, Section
from contactd.config.values import Days, Duration, Rate, Ratio, Second, parse_duration
from contactd.config.words import Country, Email, Name, Number, Url, Window


class Bounces(Section):
    """Where undeliverable mail comes back to."""

    address: Email = ""
    """Return path of our mail; empty: bounces are not read."""
    bind: str = "127.0.0.1"
    """Address to listen on."""
    port: Port = 2525
    """Port to listen on; 0: any free one."""
    protocol: Literal["lmtp", "smtp"] = "lmtp"
    """What the mail server speaks when it hands a bounce over."""


class Smtp(Section):
    """The mail server that takes our e-mail."""

    host: str = ""
    """Name of the server; empty: no e-mail."""
    port: Port = 587
    """587 with starttls, 465 with tls, 25 inside one's own network."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is protected; without it the message is not sent."""
    username: str = ""
    """Empty: no authentication."""
    password: Secret = NO_SECRET
    """Pass word of that user."""
    sender: Email = ""
    """From: of every message; empty: the e-mail address of [operator]."""
    reply_to: Email = ""
    """Where answers go; empty: to the sender."""
    connections: int = Field(default=8, ge=1, le=100)
    """Connections kept open; also the most messages in flight."""
    rate: Rate = 0.0
    """Most messages, like "50 per second"; empty: no limit."""
    timeout: Second = parse_duration("30 seconds")
    """How long the server may take for one answer."""
    bounces: Bounces = Bounces()
    """Intake of bounces."""


class Sms(Section):
    """Which provider sends SMS."""

    backend: Literal["none", "twilio", "simulated"] = "twilio"
    """`none`: no SMS; `simulated`: taken and forgotten, for rehearsals."""


class Twilio(Section):
    """Twilio, or a provider with its interface."""

    account_sid: str = ""
    """Account; empty: no SMS."""
    auth_token: Secret = NO_SECRET
    """Also the key of callback signatures."""
    sender: str = Field(default="", alias="from")
    """Number or name the messages come from."""
    messaging_service: str = ""
    """Pool of numbers instead of `from`."""
    base_url: Url = "https://api.twilio.com"
    """Server of the interface, without a final slash."""
    rate: Rate = 0.0
    """Most messages, like "10 per second"; empty: no limit."""
    timeout: Second = parse_duration("15 seconds")
    """How long the server may take for one answer."""


class Letters(Section):
    """How letters leave the house."""

    backend: Literal["none", "spool", "command", "http"] = "none"
    """`none`; `spool`: a PDF each in the folder, to be printed; `command`, `http`: a program or service takes it."""
    folder: str = "letters"
    """Folder of what is to be printed and of the archive; relative to the state folder."""
    command: Annotated[tuple[str, ...], LOOSE] = ()
    """Program and arguments that take the letter {file}, like ["lp", "{file}"]."""
    url: Url = ""
    """Where backend `http` posts each letter."""
    token: Secret = NO_SECRET
    """What that service wants as `Authorization: Bearer …`."""
    look_up: Url = ""
    """Address that says whether {reference} was taken: 2xx or 404; empty: a person settles what is unclear."""
    timeout: Second = parse_duration("30 seconds")
    """How long that program may take, and that service for one answer."""
    form: Literal["A", "B"] = "B"
    """Form of DIN 5008: where the window of the envelope is."""
    return_address: str = ""
    """Line above the address; empty: name and address of [operator]."""
    fonts: str = ""
    """Folder of fonts of your own, for templates and foreign letters; relative to this file's folder."""
    pages: int = Field(default=8, ge=1, le=1_000)
    """A longer letter is refused: it fits no envelope."""


class Simulated(Section):
    """Made-up customers for demo and tests; what the shares leave over rings out."""

    address: str = Field(default="127.0.0.1:5080", pattern=r"^[^:\s]+:[0-9]{1,5}$")
    """Where the process is that backend `simulated-remote` speaks to."""
    seed: int = 1
    """The same seed gives the same customers."""
    answer: Ratio = 0.35
    """Share of calls that a person answers."""
    busy: Ratio = 0.1
    """Share of calls that are busy."""
    machine: Ratio = 0.15
    """Share of calls that a voice box answers."""
    ring: Duration = parse_duration("12 seconds")
    """How long it rings on average before somebody answers."""
    talk: Duration = parse_duration("3 minutes")
    """How long a conversation takes on average."""
    wrap: Duration = parse_duration("30 seconds")
    """How long a simulated agent writes afterwards, on average."""
    personas: bool = False
    """Customers speak by captions at the desk, as personas.d says, and every page bears a bar DEMO."""


class Trunk(Section):
    """A way into the telephone network."""

    dial: str = "PJSIP/{digits}@trunk"
    """What Asterisk dials: {number} is like +493023125100, {digits} the same without the plus."""
    channels: int = Field(default=0, ge=0, le=100_000)
    """Most calls at a time; 0: no limit."""
    per_second: int = Field(default=0, ge=0, le=1_000)
    """Most calls begun within a second; 0: no limit."""
    prefixes: Annotated[tuple[str, ...], LOOSE] = ()
    """Numbers it serves, like ["+43", "+41"]; empty: all."""


class Asterisk(Section):
    """A telephone exchange of one's own, by its REST interface (ARI)."""

    url: Url = "http://127.0.0.1:8088/ari"
    """Where Asterisk's REST interface answers."""
    username: str = "contactd"
    """User of ari.conf."""
    password: Secret = NO_SECRET
    """Pass word of that user."""
    app: Name = "contactd"
    """Name of the Stasis application; each daemon on the same Asterisk needs one of its own."""
    timeout: Second = parse_duration("5 seconds")
    """How long Asterisk may take for one answer."""
    leg: Literal["nailed-up", "per-call"] = "nailed-up"
    """Agents' telephones: called once and kept up between calls, or rung for each call."""
    beep: bool = True
    """A tone in the agent's ear when a customer is joined with them."""
    sounds: str = "sounds"
    """Folder of spoken texts, which Asterisk must be able to read; relative to the state folder."""
    speak: Annotated[tuple[str, ...], LOOSE, Field(min_length=1)] = (
        "espeak-ng", "-v", "{language}", "-s", "140", "-w", "{file}", "--stdin",
    )  # fmt: skip
    """Program that speaks what it reads, a text of which there is no recording, into the WAV file {file}."""
    trunks: dict[Name, Trunk] = Field(default_factory=dict)
    """Ways into the telephone network, in the order in which they are tried; none: one with every default."""


class Telephony(Section):
    """How customers are called."""

    backend: Literal["none", "asterisk", "simulated", "simulated-remote"] = "none"
    """`none`: no calls; `simulated`: made-up customers; `simulated-remote`: the same in a process of their own."""
    caller_id: Number = ""
    """Number the customer sees."""
    caller_ids: dict[Country, Number] = Field(default_factory=dict)
    """Numbers customers see by the country of their own, like { AT = "+43…" }; the others see caller_id."""
    ring: Second = parse_duration("30 seconds")
    """How long it may ring before the call is given up."""
    hang_up_after: Duration = parse_duration("15 seconds")
    """A ringing call that would meet nobody is hung up, but not before; "0 seconds": never."""
    abandon_window: Second = parse_duration("30 days")
    """Rolling time over which `max_abandon` of the campaigns holds."""
    abandon_pooled: bool = False
    """One budget of abandoned calls for all campaigns of a team instead of one for each."""
    lines_per_agent: float = Field(default=5.0, ge=1, le=20)
    """Most calls under way for each agent at work."""
    trunks: int = Field(default=0, ge=0, le=100_000)
    """Most calls at a time; 0: no limit."""
    small_team: int = Field(default=0, ge=0, le=1_000)
    """Teams with fewer agents at work are called for one by one, whatever the mode."""
    recordings_kept: Days = 90
    """How long recordings of conversations are kept."""
    callback_reminder: Duration = parse_duration("5 minutes")
    """How long before a callback its agent is reminded."""
    hours: Annotated[tuple[Window, ...], LOOSE] = ()
    """When whoever calls us is put through, like ["Mo-Fr 08:00-18:00"]; empty: whenever somebody is at work."""
    inbound_wait: Second = parse_duration("60 seconds")
    """How long whoever calls us may wait for a free agent."""
    asterisk: Asterisk = Asterisk()
    """A telephone exchange of one's own."""
    simulated: Simulated = Simulated()
    """Made-up customers."""
