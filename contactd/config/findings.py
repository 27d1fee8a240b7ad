"""What is wrong, doubtful or worth knowing in a configuration, each with its place; every check of config uses it."""

from dataclasses import dataclass, field

from contactd.config.locate import Lines, Place
from contactd.domain.errors import Problem


def written(place: Place) -> str:
    """Write a place as a key: `step[2].retry.busy`, counted from 1."""
    text = ""
    for part in place:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@dataclass(frozen=True, slots=True)
class Source:
    """A TOML file as it is named in messages, and the lines of its keys."""

    file: str
    lines: Lines = field(default_factory=lambda: Lines(""))

    def problem(self, place: Place, message: str) -> Problem:
        """Say something about a key."""
        return Problem(self.file, self.lines.of(place), written(place), message)


@dataclass(frozen=True, slots=True)
class Findings:
    """Errors refuse the configuration; warnings should be read; notes tell what this version does not do yet."""

    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    def add(self, other: "Findings") -> None:
        """Take over what another found."""
        self.errors.extend(other.errors)
        self.warnings.extend(other.warnings)
        self.notes.extend(other.notes)

    def sort(self, first: str) -> None:
        """Put them in the order of the files, beginning with this one, and of their lines."""
        for problems in (self.errors, self.warnings, self.notes):
            problems.sort(key=lambda problem: (problem.file != first, problem.file, problem.line))
