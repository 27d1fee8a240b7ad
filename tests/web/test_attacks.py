"""What somebody means ill with: bytes no text has, words that are more than words where they are shown or saved."""

from pathlib import Path

import pytest

from contactd.cli.audit import line_of
from contactd.cli.output import say
from contactd.config.settings import Agent as AgentTable
from contactd.config.settings import Sections, Settings
from contactd.domain.policy import Policy
from contactd.domain.report_table import table
from contactd.domain.role import Role
from contactd.engine.reports.report_files import as_csv
from contactd.store import audit
from tests.web.frame import CAMPAIGN, Frame
from tests.web.people import PASSWORD, Entrance
from tests.web.test_foreign import UNSAFE

FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data"
ODD = ["a\0b", "\0", "\ud800", "%00", "\u202e\u2066", "x" * 20_000, "\x1b]0;owned\x07", "a\r\nSet-Cookie: x=y"]
FIELDS = ("name", "password", "next", "code", "new", "again", "language", "theme", "back", "order", "words", "call",
          "attempt", "step", "note", "person", "item", "said", "outcome", "number", "on", "choice", "reason",
          "question", "tab", "amount", "callback_at", "represented_by", "understood", "invoices")  # fmt: skip


def with_anna(frame: Frame) -> None:
    before = frame.settings
    agents = {"anna": AgentTable(name="Anna")}
    frame.settings = type(before).of(Sections(agents=agents, web=before.web), before.path, before.campaigns)


@pytest.mark.parametrize("odd", ODD, ids=ascii)
async def test_no_byte_in_a_form_breaks_a_page(frame: Frame, door: Entrance, odd: str) -> None:
    with_anna(frame)
    anna = await door.person("anna", Role.ADMIN)
    broken = []
    forms = [dict.fromkeys(FIELDS, odd), {"attempt": "7", "on": "all", "reason": odd, "note": odd, "step": "prepare",
             "name": odd, "password": PASSWORD, "understood": odd, "order": "pause", "person": "customer"}]  # fmt: skip
    for address in {one.replace("{deed}", deed) for one in UNSAFE for deed in ("pause", "close")} - {"/sign-out"}:
        for form in forms:
            raw = {name: value.encode("utf-8", "surrogatepass").decode("latin-1") for name, value in form.items()}
            for given in (form, raw):
                try:
                    answer = await anna.post(address, **given)
                except UnicodeEncodeError:  # no client of ours sends it; its bytes are sent beside
                    continue
                if answer.status >= 500:
                    broken.append((address, answer.status, given is raw))
    assert broken == []


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", [f"{FORM}; charset=nope", f"{FORM}; charset=utf-16", f"{FORM}; charset=base64", PARTS,
                                  f"{PARTS}; boundary=x", f"{PARTS}; boundary={'x' * 80}"])  # fmt: skip
async def test_a_form_nobody_can_read_is_no_failure_of_ours(frame: Frame, door: Entrance, kind: str) -> None:
    with_anna(frame)
    anna = await door.person("anna", Role.ADMIN)
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n%s\r\n\xff\r\n--x--\r\n' % head
        for head in (b"", b"X: " + b"x" * 9000 + b"\r\n", b"Content-Transfer-Encoding: nope\r\n",
                     b"Content-Encoding: deflate\r\n", b"Content-Type: multipart/mixed; boundary=y\r\n")
    ]  # fmt: skip
    for someone, address in ((door.somebody(), "/sign-in"), (anna, "/preferences"), (anna, "/desk/save")):
        for body in (b"name=anna", b"\xff\xff", *parts):
            headers = {"Content-Type": kind, "Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
            url = f"http://{someone.host}{address}"
            async with someone.session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                assert answer.status < 500, (address, body)


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_no_query_breaks_a_page(frame: Frame, door: Entrance) -> None:
    policies = {CAMPAIGN.id: Policy("open", default_timezone="Europe/Berlin")}
    frame.settings = Settings.of(Sections(), Path("contactd.toml"), (CAMPAIGN,), policies)
    anna = await door.person("anna", Role.ADMIN)
    broken = []
    for query in ("%00", "%ed%a0%80", "%ff", "1%0d%0aX:1", "9" * 400, "-1", "1e9", "\u0661"):
        for path in ("/live/ask/close?on=", "/live/ask/pause?on=", "/live?done=", "/desk/case?attempt=", "/live/runs/",
                     "/sign-in?next=", "/reports/contacts?month=", "/reports/hours?days=", "/live/tasks?done=",
                     "/live/ask/", "/reports/contacts/", "/static/"):  # fmt: skip
            answer = await anna.get(path + query)
            if answer.status >= 500:
                broken.append((path, query, answer.status))
    assert broken == []


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_reason_writes_no_further_line_and_commands_no_terminal(
    frame: Frame, door: Entrance, capsys: pytest.CaptureFixture[str]
) -> None:
    anna = await door.person("anna", Role.SUPERVISOR)
    reason = "fair\n2026-11-23 09:00:00 boss             approve run          run:7\x1b[2K\x9b2J\u202e"
    assert (await anna.post("/live/do/pause", on="all", reason=reason)).status == 303
    [row] = [one for one in await frame.commit.read(audit.read) if one.what == "pause"]
    capsys.readouterr()
    say(line_of(row))
    line = capsys.readouterr().out.removesuffix("\n")
    assert line.isprintable(), line
    assert "fair 2026-11-23" in line


@pytest.mark.usefixtures("dialect")
@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(
    ("cell", "saved"),
    [
        ('=HYPERLINK("https://evil.example")', "'=HYPERLINK"), ("@SUM(A1)", "'@SUM(A1)"), ("+1+cmd|x", "'+1+cmd|x"),
        ("-2+3", "'-2+3"), ("\t=1", "'\t=1"), ("acme", "acme"), ("-12.50", "-12.50"), (-1.5e-7, "-1.5e-07"), (-3, "-3"),
    ],
)  # fmt: skip
def test_a_word_of_a_list_is_no_formula_in_a_table_that_is_saved(cell: str | float, saved: str) -> None:
    told = as_csv(table("told", "creditor:word", iter([(cell,)]))).splitlines()[1]
    assert told.strip('"').startswith(saved)
