"""The stage of the fault tests: real processes for daemons, mail server and SMS provider, a database, and ledgers."""

import contextlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from contactd.intake.accept import accept_accounts, accept_payments
from contactd.store import schema
from contactd.store.database import Database, open_database
from tests.fakes import smtp_ledger, twilio_ledger
from tests.faults.life import Life, until

TREE = Path(__file__).resolve().parents[2]
ACCOUNT = "AC" + "0" * 31 + "1"
TOKEN = "a-token-of-the-tests"
QUEUED = frozenset({"planned", "claimed", "sending"})

# Planned on demand only; the grace is short so that what takes minutes takes seconds.
_SETTINGS = """\
[daemon]
name = "{name}"
drain = "10 seconds"
[database]
url = "{url}"
[web]
port = {web_port}
public_url = "http://127.0.0.1:{web_port}"
[planning]
schedule = "0 0 1 1 *"
[rules]
preset = "us-reg-f"
[sending]
lease = "{lease}"
grace = "2 seconds"
in_flight = {in_flight}
[operator]
name = "Musterstadtwerke GmbH"
email = "forderungen@musterstadtwerke.example"
phone = "030 23125 100"
contact_person = "Frau Beispiel"
[smtp]
host = "127.0.0.1"
port = {smtp_port}
security = "none"
timeout = "{timeout}"
{rate}
[twilio]
account_sid = "{account}"
auth_token = {{ file = "token" }}
from = "+493023125100"
base_url = "http://127.0.0.1:{sms_port}"
timeout = "{timeout}"
{rate}
"""
_CAMPAIGN = """\
id = "{channel}"
language = "en"
timezone = "{zone}"
[select]
segments = ["{channel}"]
[[step]]
id = "reminder"
day = 3
channel = "{channel}"
template = "erinnerung"
"""


def zone_where_it_is_noon(now: datetime) -> str:
    """Name a zone in which it is about noon, so that the call windows are open whenever the tests run."""
    hours = 12 - now.hour
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"  # POSIX: the sign is the other way round


@dataclass
class Stage:
    """Everything that is running, and where its files are."""

    directory: Path
    url: str
    database: Database
    smtp_port: int = 0
    sms_port: int = 0
    lives: list[Life] = field(default_factory=list)
    peers: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    owed: Counter[str] = field(default_factory=Counter)

    @property
    def mail_ledger(self) -> Path:
        """Name the mail server's ledger."""
        return self.directory / "mail.ledger"

    @property
    def sms_ledger(self) -> Path:
        """Name the SMS provider's ledger."""
        return self.directory / "sms.ledger"

    def life(
        self, name: str, *, rate: str = "", in_flight: int = 16, lease: str = "30 seconds", timeout: str = "20 seconds"
    ) -> Life:
        """Make the folder of a daemon that works on the stage's database, for `Life.start`."""
        life = Life(self.directory / name, name)
        (life.folder / "campaigns.d").mkdir(parents=True)
        (life.folder / "token").write_text(TOKEN)
        life.config.write_text(
            _SETTINGS.format(
                name=name, url=self.url, web_port=life.web_port, smtp_port=self.smtp_port,
                sms_port=self.sms_port, account=ACCOUNT, in_flight=in_flight, lease=lease,
                timeout=timeout,
                rate=f'rate = "{rate}"' if rate else "",
            )
        )  # fmt: skip
        zone = zone_where_it_is_noon(now())
        for channel in ("email", "sms"):
            (life.folder / "campaigns.d" / f"{channel}.toml").write_text(_CAMPAIGN.format(channel=channel, zone=zone))
        self.lives.append(life)
        return life

    def start_peer(self, module: str, *arguments: str | Path) -> int:
        """Start a stand-in as a process of its own; answers its port."""
        command = [sys.executable, "-m", module, *map(str, arguments)]
        peer = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=TREE)
        self.peers.append(peer)
        assert peer.stdout is not None
        said = peer.stdout.readline().decode()
        port: int = json.loads(said)["port"] if said.startswith("{") else int(said)
        return port

    def owe(self, channel: str, count: int, *, first: int = 0) -> None:
        """Import accounts that are due for the campaign of a channel, and say that payments are known up to now."""
        start = now()
        rows = debtors(channel, count, zone_where_it_is_noon(start), start.date(), first=first)
        accept_accounts(self.database, rows, now=now)
        accept_payments(self.database, [], now=now)
        self.owed[channel] += count

    def catch(self, life: Life, channel: str, amid: Callable[[], bool], *, more: int = 100) -> None:
        """Freeze a daemon in the middle of its work; one that was through before we looked gets more to do."""

        def caught() -> bool:
            life.freeze()
            if amid():
                return True
            life.thaw()
            if not any(of == channel and state in QUEUED for of, state in self.states()):
                self.owe(channel, more, first=self.owed[channel])
                life.plan(channel)
            return False

        until(caught, 60, life.log_tail)

    def states(self) -> Counter[tuple[str, str]]:
        """Count the attempts by channel and state."""
        columns = (schema.attempt.c.channel, schema.attempt.c.state)
        with self.database.snapshot() as connection:
            rows = connection.execute(sa.select(*columns, sa.func.count()).group_by(*columns))
            return Counter({(channel, state): count for channel, state, count in rows})

    def attempts(self, channel: str) -> dict[int, str]:
        """Read the attempts of a channel and their states."""
        with self.database.snapshot() as connection:
            chosen = sa.select(schema.attempt.c.id, schema.attempt.c.state).where(schema.attempt.c.channel == channel)
            return {row[0]: row[1] for row in connection.execute(chosen)}

    def count(self, channel: str) -> int:
        """Count the attempts of a channel."""
        return sum(number for (of, _), number in self.states().items() if of == channel)

    def mails(self) -> Counter[int]:
        """Count what the mail server took, by attempt."""
        return by_attempt(smtp_ledger.read_ledger(self.mail_ledger).elements())

    def messages(self) -> Counter[int]:
        """Count what the SMS provider took, by attempt."""
        return by_attempt(taken.reference for taken in twilio_ledger.read_ledger(self.sms_ledger))

    def finish(self, seconds: float, *, settled: Iterable[tuple[str, str]] = ()) -> Counter[tuple[str, str]]:
        """Wait until nothing is queued any more, nor in one of the states `settled` names."""
        over = frozenset(settled)

        def done() -> bool:
            states = self.states()
            return bool(states) and not any(key[1] in QUEUED or key in over for key in states)

        until(done, seconds, lambda: f"{self.states()}\n" + "\n".join(life.log_tail() for life in self.lives))
        return self.states()

    def close(self) -> None:
        """End everything that is still running."""
        for life in self.lives:
            if life.process is not None:
                life.thaw()
            life.kill()
        for peer in self.peers:
            peer.terminate()
            peer.wait(60)
            if peer.stdout is not None:
                peer.stdout.close()
        self.database.close()


def now() -> datetime:
    """Tell the time: these tests are about real processes in real time."""
    return datetime.now(UTC)


def by_attempt(references: Iterable[str]) -> Counter[int]:
    """Count references by the attempt they name, whichever claim it was."""
    return Counter(int(reference.partition("-")[0]) for reference in references)


def twice(ledger: Mapping[int, int]) -> list[int]:
    """List the attempts a ledger holds more than once."""
    return [attempt for attempt, count in ledger.items() if count > 1]


def debtors(channel: str, count: int, zone: str, today: date, *, first: int = 0) -> Iterator[dict[str, str]]:
    """Make up accounts that are due for the campaign of a channel; numbers reserved for fiction, each once."""
    by_post = channel == "letter"
    for place in range(first, first + count):
        area, line = divmod(place, 100)
        yield {
            "account_no": f"{channel}-{place}",
            "creditor": "acme",
            "name": f"Debtor {place}",
            "language": "en",
            "timezone": zone,
            "country": "US",
            "segment": channel,
            **({"street": f"Sample Street {place}", "postcode": "00001", "city": "Sampletown"} if by_post else {}),
            "email": f"debtor{place}@example.com" if channel == "email" else "",
            "mobile": f"+1{AREAS[area]}555{100 + line:04d}" if channel != "email" else "",
            "invoice_no": f"{channel}-R{place}",
            "invoice_date": str(today - timedelta(days=30)),
            "due_date": str(today - timedelta(days=10)),
            "amount": "100.00",
            "open": "100.00",
            "currency": "EUR",
        }


# Area codes of the North American plan; with the exchange 555 and a line 0100 to 0199 they are reserved for fiction.
AREAS = [
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231, 234,
    239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 276, 281, 301, 302, 303, 304, 305, 307, 308, 309,
    310, 312, 313, 314, 315, 316, 317, 318,
]  # fmt: skip


@contextlib.contextmanager
def open_stage(
    directory: Path,
    url: str,
    *,
    emails: int = 0,
    texts: int = 0,
    mail: Sequence[str] = (),
    sms: Sequence[str] = (),
) -> Iterator[Stage]:
    """Start the peers with these options, import accounts for e-mail and SMS, and hand the stage over."""
    stage = Stage(directory, url, open_database(url))
    try:
        stage.smtp_port = stage.start_peer("tests.fakes.smtp_server", "--ledger", stage.mail_ledger, *mail)
        stage.sms_port = stage.start_peer(
            "tests.fakes.twilio_server", "--ledger", stage.sms_ledger, "--account", ACCOUNT, "--token", TOKEN, *sms
        )
        for channel, count in (("email", emails), ("sms", texts)):
            if count:
                stage.owe(channel, count)
        yield stage
    finally:
        stage.close()
