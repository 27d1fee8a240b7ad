"""Runs the [[test]] blocks of a campaign: made-up accounts climb its ladder; for `contactd check`."""

from contactd.config.campaigns import NOTHING, GivenTable
from contactd.config.lints import expectations
from contactd.config.load import Loaded
from contactd.domain.account import Kind
from contactd.domain.errors import Problem
from contactd.domain.scenario import Given, expected_step


def run_tests(loaded: Loaded) -> list[Problem]:
    """Answer a problem for each test that ends on another step than it expects."""
    problems = []
    known = expectations(loaded.file)
    for index, test in enumerate(loaded.file.test):
        if test.expect not in known:
            continue  # lints.py has said so
        found = expected_step(loaded.campaign, _given(test.given), loaded.policy, test.on)
        if (found.step or NOTHING) != test.expect:
            got = f'step "{found.step}"' if found.step else f"nothing ({found.why})"
            text = f'the test fails: expected "{test.expect}", but then comes {got}'
            problems.append(loaded.source.problem(("test", index, "expect"), text))
    return problems


def _given(table: GivenTable) -> Given:
    values = {name: getattr(table, name) for name in GivenTable.model_fields}
    return Given(**values | {"kind": Kind(table.kind)})
