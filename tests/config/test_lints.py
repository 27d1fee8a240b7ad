"""What a well-formed campaign is warned about, because its author cannot mean it."""

from pathlib import Path

import pytest

from contactd.config.load import inspect

EMAIL = '[[step]]\nid = "{id}"\nchannel = "email"\ntemplate = "mahnung"\n'
BY_POST = EMAIL.replace('"email"', '"letter"') + 'deadline = "10 days"\n'
FIRST = (
    "is that of the first reminder, which brings default about: nobody owes it who was not in default before; remove it"
)
TOO_HIGH = (
    "is 2.50 EUR; of consumers courts let stand what paper, print and postage cost "
    "(BGH VIII ZR 95/18: a flat 2.50 EUR is too high); write about 1.20 EUR"
)
CALL = '[[step]]\nid = "anruf"\nchannel = "call"\n'
AGENT = "[agents.anna]\n"


def warnings(folder: Path, campaign: str, main: str = AGENT) -> list[str]:
    """List the warnings about one campaign, each without its file."""
    (folder / "campaigns.d").mkdir()
    (folder / "campaigns.d" / "a.toml").write_text(campaign, encoding="utf-8")
    path = folder / "contactd.toml"
    path.write_text(f'[operator]\nname = "Werke"\n{main}', encoding="utf-8")
    found = inspect(path)
    assert found.findings.errors == []
    return [f"{problem.line}: {problem.key}: {problem.message}" for problem in found.findings.warnings]


LETTER = '[[step]]\nid = "brief"\nchannel = "letter"\ntemplate = "mahnung"\nday = 14\n'


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        pytest.param(
            EMAIL.format(id="zwei") + "day = 14\n" + EMAIL.format(id="eins") + "day = 3\n",
            ['11: step[2].day: is before step "zwei" (day 14) above it; sort the steps'],
            id="steps out of order",
        ),
        pytest.param(
            '[[step]]\nid = "akte"\nchannel = "handover"\nday = 9\n' + EMAIL.format(id="a") + "day = 12\n",
            ['6: step[2]: is never reached: step "akte" above it hands the case over'],
            id="a step after a handover",
        ),
        pytest.param(
            '[[step]]\nid = "akte"\nchannel = "handover"\nday = 9\nselect = { kinds = ["business"] }\n'
            + EMAIL.format(id="a")
            + "day = 12\n",
            [],
            id="a step after a handover of some",
        ),
        pytest.param(
            '[[step]]\nid = "termin"\nchannel = "task"\nday = 9\ntemplate = "mahnung"\nkind = "meeting"\n'
            + EMAIL.format(id="a")
            + 'day = 12\nowner = "anna"\n',
            [
                "6: step[1].template: has no effect on a task; it is for messages",
                "13: step[2].owner: has no effect on a step by email; it is for tasks",
            ],
            id="keys of tasks and of messages mixed up",
        ),
        pytest.param(LETTER, ['2: step[1].deadline: is missing; a letter sets one, like "10 days"'], id="no deadline"),
        pytest.param(
            LETTER + 'deadline = "3 days"\n',
            ["7: step[1].deadline: is 3 days; usual and safe are 7 to 14 days"],
            id="a short deadline",
        ),
        pytest.param(
            LETTER + 'deadline = "3 weeks"\n',
            ["7: step[1].deadline: is 21 days; usual and safe are 7 to 14 days"],
            id="a long deadline",
        ),
        pytest.param(
            LETTER + 'deadline = "10 days"\npostage = "3 days"\n' + CALL + 'after = "brief + 12 days"\n',
            ['12: step[2].after: calls on day 26, before the deadline of "brief" is over (day 27)'],
            id="a call before the deadline",
        ),
        pytest.param(
            LETTER + 'deadline = "10 days"\npostage = "3 days"\n' + CALL + "day = 27\n", [], id="a call on the deadline"
        ),
        pytest.param(
            CALL + "day = 3\nattempts = 6\n" + EMAIL.format(id="a") + "day = 10\n[limits]\ncalls_per_week = 3\n",
            ["6: step[1].attempts: 6 do not fit into the 7 days until day 10: at most 3 in 7 days, so 3"],
            id="a weekly limit that can never allow all attempts",
        ),
        pytest.param(
            CALL + "day = 3\nattempts = 6\nuntil = 23\n[limits]\ncalls_per_week = 2\n",
            [],
            id="three weeks at two calls",
        ),
        pytest.param(
            CALL + 'day = 3\nattempts = 4\nuntil = 5\npause = "2 days"\n',
            ["6: step[1].attempts: 4 do not fit into the 3 days until day 6: pause is too long"],
            id="a pause that is too long",
        ),
        pytest.param(
            EMAIL.format(id="a") + 'day = 3\nmode = "progressive"\npostage = "2 days"\nclaim = "all"\n',
            [
                "7: step[1].mode: has no effect on a step by email; it is for calls",
                "8: step[1].postage: has no effect on a step by email; it is for letters",
                "9: step[1].claim: has no effect on a step by email; it is for letters",
            ],
            id="keys of other channels",
        ),
        pytest.param(
            CALL + 'day = 3\nfee = "1.20 EUR"\n',
            ["6: step[1].fee: has no effect on a step by call; it is for letters and e-mails"],
            id="a fee for a call",
        ),
        pytest.param(
            EMAIL.format(id="a")
            + 'day = 3\nfee = "0.50 EUR"\n'
            + BY_POST.format(id="b")
            + 'day = 9\nfee = "1.20 EUR"\n',
            [
                f"7: step[1].fee: {FIRST}",
                "7: step[1].fee: is for an e-mail, which costs neither paper nor postage: consumers owe none; drop it",
                '14: step[2].fee: is charged, but the letter does not ask for it; write claim = "all"',
            ],
            id="fees that are not owed or not asked for",
        ),
        pytest.param(
            BY_POST.format(id="a")
            + 'day = 3\nfee = "0.00 EUR"\n'
            + BY_POST.format(id="b")
            + 'day = 9\nfee = "2.50 EUR"\nclaim = "all"\n[select]\ncurrencies = ["CHF"]\n',
            [
                f"15: step[2].fee: {TOO_HIGH}",
                "15: step[2].fee: is in EUR, which currencies leaves out: never charged",
            ],
            id="a fee that is too high, in a currency nobody has",
        ),
        pytest.param(
            EMAIL.format(id="a")
            + "day = 3\n"
            + BY_POST.format(id="b")
            + 'day = 9\nfee = "5.00 EUR"\nclaim = "all"\n[select]\nkinds = ["business"]\n',
            [],
            id="what businesses agreed to",
        ),
    ],
)
def test_what_an_author_cannot_mean_is_warned_about(steps: str, says: list[str], tmp_path: Path) -> None:
    assert warnings(tmp_path, f'id = "a"\n{steps}') == says


def test_teams_and_creditors_that_do_not_exist_are_pointed_out(tmp_path: Path) -> None:
    campaign = f'id = "a"\nteam = "nrod"\n{CALL}day = 3\n[select]\ncreditors = ["werke", "wrke"]\n'
    main = '[agents.anna]\nteam = "nord"\n[creditors.werke]\n'
    assert warnings(tmp_path, campaign, main) == [
        '2: team: no agent is in team "nrod"; did you mean "nord"?',
        '8: select.creditors[2]: creditor "wrke" is not in contactd.toml; did you mean "werke"?',
    ]


def test_calls_without_anybody_to_talk_are_pointed_out(tmp_path: Path) -> None:
    said = "calls need agents without a team; add [agents.<id>], or team to this campaign"
    assert warnings(tmp_path, f'id = "a"\n{CALL}day = 3\n', main="") == [f"4: step[1].channel: {said}"]


def test_an_operator_without_name_is_pointed_out(tmp_path: Path) -> None:
    path = tmp_path / "contactd.toml"
    path.write_text("", encoding="utf-8")
    (warning,) = inspect(path).findings.warnings
    assert str(warning) == f"{path}:1: operator.name: is empty; messages do not say who writes"


def test_letters_that_lack_what_the_post_or_the_law_wants_are_pointed_out(tmp_path: Path) -> None:
    path = tmp_path / "contactd.toml"
    path.write_text('[operator]\nname = "Inkasso"\nkind = "collection-agency"\n[letters]\nbackend = "spool"\n', "utf-8")
    assert [str(warning).removeprefix(f"{path}:") for warning in inspect(path).findings.warnings] == [
        "1: operator.authority: is empty; an agency's letter names its supervisory authority (§ 13a RDG)",
        "4: letters.return_address: is empty, as is the address of [operator]: no letter can come back",
    ]


BOTH = ['campaigns "a" and "b" both take up some accounts; part them by [select]']
HEAD = 'id = "{id}"\n' + EMAIL.format(id="s") + "day = 3\n"


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("", "", BOTH),
        ('kinds = ["consumer"]', 'kinds = ["business"]', []),
        ('kinds = ["consumer"]', 'languages = ["en"]', BOTH),
        ('languages = ["de", ""]', 'languages = ["en"]', []),
        ('max_open = "10.00 EUR"', 'min_open = "10.01 EUR"', []),
        ('max_open = "10.00 EUR"', 'min_open = "10.00 EUR"', BOTH),
        ('min_open = "10.00 EUR"', 'max_open = "99.00 USD"', []),
    ],
)
def test_campaigns_that_take_up_the_same_account_are_pointed_out(
    one: str, other: str, said: list[str], tmp_path: Path
) -> None:
    (tmp_path / "campaigns.d").mkdir()
    for name, select in (("a", one), ("b", other)):
        text = f"{HEAD.format(id=name)}[select]\n{select}\n"
        (tmp_path / "campaigns.d" / f"{name}.toml").write_text(text, encoding="utf-8")
    path = tmp_path / "contactd.toml"
    path.write_text('[operator]\nname = "Werke"\n', encoding="utf-8")
    told = [problem.message for problem in inspect(path).findings.warnings]
    assert [message for message in told if "both take up" in message] == said
