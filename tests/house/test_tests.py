"""House rules for the tests: names are sentences, no mocking library, the wheel is tested, no skip hides in CI."""

import ast
import os
import re
import sys
from pathlib import Path

import pytest

import contactd
from tests.house.tree import ROOT, imports, modules

pytest_plugins = ["pytester"]

WORDS = 4
MOCK = re.compile(r"unittest[.]mock|^mock\b|pytest_mock")


def test_every_name_of_a_test_is_a_sentence() -> None:
    short = [
        f"{module.at(node)} {node.name}"
        for module in modules("tests")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test")
        and len(node.name.split("_")) < WORDS + 1
    ]
    assert short == []


def test_no_test_uses_a_mocking_library() -> None:
    mocked = [
        f"{module.at(node)} {name}"
        for module in modules("tests")
        for name, node in imports(module)
        if MOCK.search(name)
    ]
    assert mocked == []


def test_the_installed_wheel_is_tested_and_not_the_tree() -> None:
    if "PYTHONPATH" in os.environ:
        pytest.skip("PYTHONPATH is set: the tree is tested on purpose")
    assert Path(contactd.__file__).is_relative_to(sys.prefix), "pytest found the tree; run it by `make test`"
    assert not Path(contactd.__file__).is_relative_to(ROOT / "contactd")


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """Lay out a suite with the project's own rule about skips, one skipped test and one skipped module."""
    pytester.makeconftest((ROOT / "tests" / "missing_parts.py").read_text(encoding="utf-8"))
    pytester.makepyfile(
        test_part="import pytest\ndef test_part(): pytest.skip('no such server')\n",
        test_whole="import pytest\npytest.importorskip('no_such_package')\ndef test_whole(): pass\n",
        test_known="import pytest\n@pytest.mark.xfail(strict=True)\ndef test_known(): assert False\n",
    )
    return pytester


def test_a_skip_on_a_laptop_stays_a_skip(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    suite.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(skipped=2, xfailed=1)


def test_a_skip_under_ci_is_a_failure_with_its_reason(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = suite.runpytest_subprocess("-p", "no:cacheprovider", "--continue-on-collection-errors")
    result.assert_outcomes(failed=1, errors=1, xfailed=1)
    result.stdout.fnmatch_lines(["*failure under CI=true: *no such server*"])
    result.stdout.fnmatch_lines(["*failure under CI=true: *no_such_package*"])
