"""Each verb finds by itself all that it imports; the other tests start it when everything was imported already."""

import subprocess
import sys

import pytest

from contactd.cli.main import VERBS

_MODULES = sorted({module for module, _, _ in VERBS.values()})


@pytest.mark.parametrize("module", _MODULES)
def test_a_verb_imports_all_it_needs_by_itself(module: str) -> None:
    done = subprocess.run([sys.executable, "-P", "-c", f"import {module}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
