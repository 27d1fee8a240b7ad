"""What is not ours is exactly what was released, with its licence beside it."""

import hashlib

import pytest

from tests.house.tree import ROOT

# SHA-256 of the file in the released package: htmx.org 4.0.1 dist/htmx.min.js, axe-core 4.14.1 axe.min.js.
RELEASED = {
    "contactd/web/static/htmx.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    "tests/browser/axe.js": "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c",
}
LICENCES = {"contactd/web/static/htmx.LICENSE.txt": "Zero-Clause BSD", "tests/browser/axe.LICENSE": "Mozilla Public"}


@pytest.mark.parametrize("path", RELEASED)
def test_a_vendored_file_is_what_was_released(path: str) -> None:
    assert hashlib.sha256((ROOT / path).read_bytes()).hexdigest() == RELEASED[path]


@pytest.mark.parametrize("path", LICENCES)
def test_its_licence_stands_beside_it(path: str) -> None:
    assert LICENCES[path] in (ROOT / path).read_text(encoding="utf-8")
