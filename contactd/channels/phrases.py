"""Reads `phrases.<language>.toml`, the ready sentences templates put in; for render.py and `contactd check`."""

from collections.abc import Mapping
from pathlib import Path

from contactd.config.read import read_toml
from contactd.domain.errors import ConfigError

Phrases = Mapping[str, Mapping[str, str]]


def read_phrases(path: Path) -> Phrases:
    """Read one file: groups of sentences; raises ConfigError with everything that is wrong in it."""
    tables, source = read_toml(path)
    problems = []
    for group, sentences in tables.items():
        if not isinstance(sentences, dict):
            problems.append(source.problem((group,), "must be a table of sentences, like [next_step]"))
            continue
        problems += [
            source.problem((group, key), "must be text in quotes")
            for key, sentence in sentences.items()
            if not isinstance(sentence, str)
        ]
    if problems:
        raise ConfigError(problems)
    return tables
