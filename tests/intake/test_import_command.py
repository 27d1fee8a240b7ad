"""`contactd import` as it is typed: results, remarks, the file of rejected rows, exit codes."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contactd.cli.main import main
from contactd.domain.errors import InputError
from contactd.intake.accept import Options
from contactd.intake.files import import_file
from contactd.intake.profile import own
from contactd.store.database import Database

HEADER = "account_no;creditor;name;invoice_no;invoice_date;due_date;open;email"
Import = Callable[..., "Answer"]


def now() -> datetime:
    """Tell a time that stands still."""
    return datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Answer:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Import:
    """Give the command with a configuration of its own."""
    monkeypatch.chdir(tmp_path)
    Path("contactd.toml").write_text(f'[database]\nurl = "{database_url}"\n')

    def command(*arguments: str) -> Answer:
        try:
            main(["import", *arguments])
            code: object = 0
        except SystemExit as ended:
            code = ended.code or 0
        said = capsys.readouterr()
        return Answer(int(str(code)), said.out, said.err)

    return command


def row(number: int, rest: str = "10,00", email: str = "") -> str:
    """Write a row."""
    return f"{number};werke;Anna Moosbach;RE-{number};05.10.2026;19.10.2026;{rest};{email}"


def write(name: str, *rows: str) -> None:
    """Write a list of accounts."""
    Path(name).write_text("\n".join([HEADER, *rows, ""]))


def test_good_rows_are_counted(run: Import) -> None:
    write("list.csv", row(1), row(2))
    assert run("accounts", "list.csv") == Answer(
        0, "accepted 2  new 2  changed 0  cleared 0  unchanged 0  rejected 0\n", ""
    )
    assert run("accounts", "list.csv").out == "accepted 2  new 0  changed 0  cleared 0  unchanged 2  rejected 0\n"
    assert not Path("list.rejected.csv").exists()


def test_rejected_rows_are_written_beside_the_file_and_can_be_mended_there(run: Import) -> None:
    write("list.csv", row(1), row(2, email="nobody@"), f"{row(3)};more", '4;"x" y')
    answer = run("accounts", "list.csv")
    assert answer.code == 6
    assert answer.out == "accepted 1  new 1  changed 0  cleared 0  unchanged 0  rejected 3\n"
    assert answer.err.splitlines() == [
        'contactd: row 3: email: "nobody@" is no e-mail address: There must be something after the @-sign.',
        "contactd: row 4: has 9 cells, the header has 8",
        "contactd: row 5: a quotation mark stands inside a cell; write it twice",
        "contactd: rejected rows with their reasons: list.rejected.csv",
    ]
    rejected = Path("list.rejected.csv")
    assert rejected.stat().st_mode & 0o077 == 0
    text = rejected.read_text(encoding="utf-8-sig")
    assert text.splitlines()[:2] == [
        f"{HEADER};row;column;reason",
        row(2, email="nobody@")
        + ';3;email;"""nobody@"" is no e-mail address: There must be something after the @-sign."',
    ]
    rejected.write_text(text.replace(";nobody@;", ";anna@example.org;", 1), encoding="utf-8")
    assert run("accounts", "list.rejected.csv").out.startswith("accepted 1  new 1  ")
    write("list.csv", row(1))
    run("accounts", "list.csv")
    assert not rejected.exists()


def test_a_file_of_rejected_rows_fails(run: Import) -> None:
    write("list.csv", row(1, rest="viel"))
    assert run("accounts", "list.csv").code == 1


def test_a_file_of_no_use_fails(run: Import) -> None:
    Path("list.csv").write_text("")
    assert run("accounts", "list.csv") == Answer(1, "", "contactd: list.csv: is empty\n")
    write("list.csv")
    assert run("accounts", "list.csv").err == "contactd: list.csv: holds no row\n"


def test_a_full_list_that_would_clear_too_much_needs_force(run: Import) -> None:
    write("list.csv", *(row(number) for number in range(10)))
    run("accounts", "list.csv")
    write("list.csv", row(1))
    refused = run("accounts", "list.csv", "--full")
    assert (refused.code, refused.out) == (4, "")
    assert refused.err.startswith("contactd: list.csv: 9 of 10 open accounts would vanish (90 %, the limit is 30 %)")
    forced = run("accounts", "list.csv", "--full", "--force")
    assert (forced.code, forced.out[:36]) == (0, "accepted 1  new 0  changed 0  cleared"[:36])


def full(*rows: str, torn: str = "") -> str:
    """Write a list of 20 accounts without the second, but with these rows at its end; answers its name."""
    write("full.csv", *(row(number) for number in range(20) if number != 1), *rows)
    with Path("full.csv").open("a") as file:
        file.write(torn)
    return "full.csv"


@pytest.mark.parametrize(
    "broken",
    [
        '1;werke;"Anna" M;RE-1;05.10.2026;19.10.2026;10,00;',
        "1\x07;werke;Anna;RE-1;05.10.2026;19.10.2026;10,00;",
        ";werke;;;;;;",
    ],
)
def test_a_full_list_with_a_rejected_row_of_nobody_clears_nothing_without_force(run: Import, broken: str) -> None:
    write("list.csv", *(row(number) for number in range(20)))
    run("accounts", "list.csv")
    refused = run("accounts", full(broken), "--full")
    assert (refused.code, refused.out) == (4, "")
    assert refused.err == (
        "contactd: full.csv: rejected rows without a readable account number (row 21): it cannot be told what they "
        "show as open, so nothing was changed; mend the rows, or clear what the others do not show with --force\n"
    )
    assert "cleared 1 " in run("accounts", full(broken), "--full", "--force").out


def test_rows_of_nobody_do_not_matter_where_nothing_would_be_cleared(run: Import) -> None:
    write("list.csv", *(row(number) for number in range(20) if number != 1))
    run("accounts", "list.csv")
    broken = [f'1;"Anna" M;{number}' for number in range(7)]
    assert run("accounts", full(*broken), "--full").code == 6
    write("list.csv", row(1))
    run("accounts", "list.csv")
    assert "(row 21, 22, 23, 24, 25, …)" in run("accounts", full(*broken), "--full").err


def test_a_row_with_a_delimiter_too_many_keeps_its_account_open(run: Import) -> None:
    write("list.csv", *(row(number) for number in range(20)))
    run("accounts", "list.csv")
    answer = run("accounts", full(f";{row(1)}x"), "--full")
    assert (answer.code, "cleared 0 " in answer.out) == (6, True)


def test_a_torn_full_list_needs_force(run: Import) -> None:
    write("list.csv", *(row(number) for number in range(20)))
    run("accounts", "list.csv")
    refused = run("accounts", full(torn="19;werke;An"), "--full")
    assert refused.code == 4
    assert refused.err == (
        "contactd: full.csv: row 21: the file ends in the middle of this row: it is no full list, nothing was changed; "
        "export it again, import it without --full, or use --force\n"
    )
    assert run("accounts", full(torn="19;werke;An")).code == 6
    assert "cleared 1 " in run("accounts", full(torn="19;werke;An"), "--full", "--force").out


def test_a_full_list_of_zeros_would_clear_too_much_as_well(run: Import) -> None:
    write("list.csv", *(row(number) for number in range(10)))
    run("accounts", "list.csv")
    write("list.csv", *(row(number, rest="0,00") for number in range(10)))
    refused = run("accounts", "list.csv", "--full")
    assert (refused.code, "10 of 10 open accounts would vanish" in refused.err) == (4, True)


def test_creditors_that_are_not_in_a_full_list_are_named(run: Import) -> None:
    write(
        "list.csv",
        row(1),
        row(2).replace("werke", "netze"),
        row(3).replace("werke", ""),
        row(4, "0").replace("werke", "x"),
    )
    run("accounts", "list.csv")
    write("list.csv", row(1))
    answer = run("accounts", "list.csv", "--full", "--json")
    assert (answer.code, json.loads(answer.out)["creditors_left"]) == (0, ["", "netze"])
    assert answer.err.splitlines() == [
        "contactd: creditor (none) is not in this list: left as it is",
        "contactd: creditor netze is not in this list: left as it is",
    ]


def test_a_full_list_without_a_row_says_nothing_even_with_force(run: Import) -> None:
    write("list.csv", row(1))
    run("accounts", "list.csv")
    write("empty.csv")
    assert run("accounts", "empty.csv", "--full", "--force") == Answer(1, "", "contactd: empty.csv: holds no row\n")


def test_the_answer_can_be_json(run: Import) -> None:
    write("list.csv", row(1), row(2, rest=""))
    answer = run("accounts", "list.csv", "--json")
    assert answer.code == 6
    assert json.loads(answer.out) == {
        "accepted": 1, "new": 1, "changed": 0, "cleared": 0, "unchanged": 0, "rejected": 1, "accounts": 1,
        "new_accounts": 1, "rejected_rows": [{"row": 3, "column": "open", "reason": "is empty"}],
        "credit_rows": [], "creditors_left": [], "rejected_file": "list.rejected.csv",
    }  # fmt: skip


def test_payments_are_imported_and_those_nobody_owns_named(run: Import) -> None:
    write("list.csv", row(1))
    run("accounts", "list.csv")
    Path("paid.csv").write_text("invoice_no;amount;value_date\nRE-1;10,00;20.11.2026\nRE-9;5,00;20.11.2026\n")
    answer = run("payments", "paid.csv")
    assert answer == Answer(
        0,
        "accepted 2  new 2  unchanged 0  unmatched 1  rejected 0\n",
        "contactd: payments that fit no account, kept until it comes: row 3\n",
    )


def test_a_profile_is_found_by_name_and_by_file(run: Import) -> None:
    Path("profiles.d").mkdir()
    Path("profiles.d/own.toml").write_text('[columns]\naccount_no = "Konto"\n')
    write("list.csv", row(1), "Summe;;;;;;10,00;")
    text = Path("list.csv").read_text().replace("account_no", "Konto").replace("email", "Sachbearbeiter")
    Path("list.csv").write_text(text)
    for profile in ("own", "profiles.d/own.toml"):
        answer = run("accounts", "list.csv", "--profile", profile)
        assert answer.code == 0
        assert answer.err.splitlines() == [
            "contactd: columns left out of account: Sachbearbeiter",
            "contactd: total lines left out: 1",
        ]
    assert run("accounts", "list.csv", "--profile", "datev-opos").code == 1
    unknown = run("accounts", "list.csv", "--profile", "owl")
    assert unknown.code == 2
    assert "there is no profile 'owl'; known: datev-opos, own" in unknown.err
    Path("profiles.d/own.toml").write_text("nonsense = 1\n")
    assert run("accounts", "list.csv", "--profile", "own").code == 3


def test_a_terminal_sees_a_bar_and_the_same_answer(run: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    write("list.csv", row(1))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    answer = run("accounts", "list.csv")
    assert (answer.code, answer.out) == (0, "accepted 1  new 1  changed 0  cleared 0  unchanged 0  rejected 0\n")
    assert "writing" in answer.err


def test_progress_goes_from_reading_to_writing(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("\n".join([HEADER, *(row(number) for number in range(1_200)), ""]))
    heard: list[tuple[str, float]] = []
    import_file(database, path, own("accounts"), Options(now), progress=lambda *said: heard.append(said))
    assert [stage for stage, _ in heard] == ["reading"] * 4 + ["writing"]
    assert [share for _, share in heard] == sorted(share for _, share in heard)
    assert heard[3:] == [("reading", 1.0), ("writing", 1.0)]


def test_rejected_rows_that_cannot_be_written_refuse_the_file(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    path = folder / "list.csv"
    path.write_text(f"{HEADER}\n{row(1, rest='')}\n{row(2)}\n")
    (folder / "list.rejected.csv").mkdir()
    with pytest.raises(InputError, match=r"list\.rejected\.csv: cannot be replaced: Is a directory"):
        import_file(database, path, own("accounts"), Options(now))
    (folder / "list.rejected.csv").rmdir()

    def swept(stage: str, share: float) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    with pytest.raises(InputError, match=r"list\.rejected\.csv: cannot be written: No such file or directory"):
        import_file(database, path, own("accounts"), Options(now), progress=swept)


def test_a_good_file_in_a_folder_that_is_only_read_is_taken(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"{HEADER}\n{row(1)}\n")
    (tmp_path / "list.rejected.csv").mkdir()  # cannot be unlinked, as anything there
    report, _ = import_file(database, path, own("accounts"), Options(now))
    assert report.counts["accepted"] == 1


def test_rows_rejected_out_of_a_pipe_are_written_nowhere(run: Import) -> None:
    text = f"{HEADER}\n{row(1)}\n{row(2, rest='')}\n"
    os.mkfifo("pipe")
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(Path("pipe").write_text, text)
        answer = run("accounts", "pipe", "--json")
        writing.result()
    assert answer.code == 6
    assert answer.err.splitlines()[-1] == (
        "contactd: rejected rows are kept in no file: pipe is none; --json shows all of them with their reasons"
    )
    assert json.loads(answer.out)["rejected_file"] is None
    assert [path.name for path in Path().glob("*rejected*")] == []


def test_a_row_of_payments_that_does_not_fit_is_rejected(run: Import) -> None:
    Path("paid.csv").write_text("invoice_no;amount;value_date\nRE-1;10,00;20.11.2026;x\nRE-1;10,00;20.11.2026\n")
    answer = run("payments", "paid.csv")
    assert (answer.code, answer.out) == (6, "accepted 1  new 1  unchanged 0  unmatched 1  rejected 1\n")
    assert Path("paid.rejected.csv").read_text(encoding="utf-8-sig").splitlines()[1] == (
        'RE-1;10,00;"20.11.2026;x";2;;has 4 cells, the header has 3'
    )
    assert answer.err.splitlines()[1:] == [
        "contactd: row 2: has 4 cells, the header has 3",
        (
            "contactd: WARNING: whoever made the rejected payments has paid: 0 accounts these rows name are on hold "
            "(payment_rejected) until payments are imported again; mend the rows and import them"
        ),
        "contactd: rejected rows with their reasons: paid.rejected.csv",
    ]


@pytest.mark.parametrize(
    "broken", ["RE-1;viel;20.11.2026", 'RE-1;10,00;"20.11.2026"x', "RE-1;10,00;20.11.2026;x", 'RE-1;"10,00']
)
def test_whose_payment_is_rejected_rests_until_payments_are_imported_again(run: Import, broken: str) -> None:
    write("list.csv", row(1), row(2))
    run("accounts", "list.csv")
    Path("paid.csv").write_text(f"invoice_no;amount;value_date\n{broken}\nRE-2;10,00;20.11.2026\n")
    answer = run("payments", "paid.csv", "--json")
    assert (answer.code, json.loads(answer.out)["held"]) == (6, 1)
    assert "has paid: 1 accounts these rows name are on hold" in answer.err
    Path("paid.csv").write_text(f"invoice_no;amount;value_date\n{broken}\n")
    assert (run("payments", "paid.csv").code, json.loads(run("payments", "paid.csv", "--json").out)["held"]) == (1, 1)
    Path("paid.csv").write_text("invoice_no;amount;value_date\n")
    assert json.loads(run("payments", "paid.csv", "--json").out)["held"] == 0
