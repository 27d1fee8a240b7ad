"""Whom campaigns share and leave out, and what is wrong with a comparison; told by `contactd check`."""

from pathlib import Path

import pytest

from contactd.config.findings import Findings
from contactd.config.load import inspect

STEP = '[[step]]\nid = "s"\nchannel = "email"\ntemplate = "mahnung"\nday = 3\n'


MEET = ['campaigns "a" and "b" both take up some accounts; part them by [select]']


def found(folder: Path, *campaigns: str) -> Findings:
    """Inspect campaigns a, b, … of which each is given by what follows its step."""
    (folder / "campaigns.d").mkdir()
    for name, rest in zip("abc", campaigns, strict=False):
        text = f'id = "{name}"\n{STEP}{rest}\n'
        (folder / "campaigns.d" / f"{name}.toml").write_text(text, encoding="utf-8")
    path = folder / "contactd.toml"
    path.write_text('[operator]\nname = "Werke"\n[smtp]\nhost = "mail.example"\nsender = "a@example.com"\n', "utf-8")
    return inspect(path).findings


def select(text: str) -> str:
    return f"[select]\n{text}"


@pytest.mark.parametrize(
    ("selects", "warned", "noted"),
    [
        pytest.param([""], [], [], id="everybody"),
        pytest.param(['kinds = ["consumer"]'], [], ["no campaign takes up business customers"], id="a kind"),
        pytest.param(
            ['kinds = ["business"]\nsegments = ["sme"]', 'kinds = ["consumer"]'],
            ["no campaign takes up business customers of other segments"],
            [],
            id="segments nobody names",
        ),
        pytest.param(
            ['segments = ["government"]\nkinds = ["business"]', 'segments = ["small"]'],
            [
                'no campaign takes up consumer customers of segment "government"',
                "no campaign takes up consumer customers of other segments",
                "no campaign takes up business customers of other segments",
            ],
            [],
            id="a segment of one kind",
        ),
        pytest.param(
            ['max_open = "50.00 EUR"', 'min_open = "100.00 EUR"\nmax_open = "200.00 EUR"'],
            [
                f"no campaign takes up {kind} customers who owe {hole}"
                for kind in ("consumer", "business")
                for hole in ("from 50.01 EUR to 99.99 EUR", "more than 200.00 EUR")
            ],
            [],
            id="amounts between and above",
        ),
        pytest.param(['min_open = "10.00 EUR"'], [], [], id="too little to write for"),
        pytest.param(['max_open = "50.00 EUR"', 'min_open = "50.01 EUR"'], [], [], id="amounts that meet"),
    ],
)
def test_who_is_taken_up_by_nobody_is_pointed_out(
    selects: list[str], warned: list[str], noted: list[str], tmp_path: Path
) -> None:
    findings = found(tmp_path, *map(select, selects))
    assert [problem.message for problem in findings.warnings] == warned
    assert [problem.message for problem in findings.notes] == noted


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ('segments = ["strategic"]', "", []),  # the special case first
        ("", 'segments = ["strategic"]', MEET),
        ('segments = ["strategic"]\nmin_days_due = 5', "", MEET),  # the general one would have begun by then
        ('min_open = "100.00 EUR"', 'min_open = "50.00 EUR"', []),
        ('max_open = "50.00 EUR"', 'max_open = "100.00 EUR"', []),
        ('max_open = "100.00 EUR"', 'max_open = "50.00 EUR"', MEET),
        ("max_customers = 50", "min_customers = 51", []),
        ("max_customers = 50", "min_customers = 50", MEET),
        ("max_customers = 50", "max_customers = 60", []),
        ("max_customers = 50", "", []),
        ('kinds = ["business"]', 'kinds = ["consumer", "business"]', []),
        ("max_customers = 50", 'kinds = ["business"]', MEET),
    ],
)
def test_two_campaigns_that_meet_are_pointed_out_unless_the_first_is_the_special_case(
    one: str, other: str, said: list[str], tmp_path: Path
) -> None:
    told = [problem.message for problem in found(tmp_path, select(one), select(other)).warnings]
    assert [message for message in told if "both" in message] == said


ON = '[[test]]\non = "2026-12-01T10:00"\nexpect = "s"\ngiven = { open = "1.00 EUR", days_due = 3, arm = "z" }\n'
ARMS = '[[arm]]\nid = "x"\nshare = "50 %"\n[[arm]]\nid = "y"\nshare = "50 %"\nhold_out = true\n'


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (ARMS, []),
        (ARMS.replace("50 %", "45 %"), ["the shares make 90 %; together they must be 100 %"]),
        (ARMS.replace('"y"', '"x"'), ['"x" is already the id of arm 1']),
        ('[[arm]]\nid = "x"\nshare = "100 %"\n', ["is the only one; a comparison needs two"]),
        (f'arms = ["xx"]\n{ARMS}', ['there is no arm "xx"; did you mean "x"?']),
        ('arms = ["x"]\n', ['there is no arm "x"']),
        (ARMS + ON, ['there is no arm "z"; arms: "x", "y"']),
    ],
)
def test_a_comparison_that_cannot_be_is_refused(rest: str, said: list[str], tmp_path: Path) -> None:
    assert [problem.message for problem in found(tmp_path, rest).errors] == said
