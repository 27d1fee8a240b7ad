"""Verbs about the configuration: check, schema, config show. They start nothing and open no database."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from contactd.cli.options import as_json, config_option
from contactd.cli.output import REFUSED, emit_json, say, show_document

if TYPE_CHECKING:
    from contactd.config.findings import Findings
    from contactd.config.load import Inspection
    from contactd.domain.errors import Problem


@click.command()
@config_option
@as_json
def check(config: Path | None, json: bool) -> None:
    """Validate configuration and templates, and run the tests of every campaign.

    Every mistake is shown as FILE:LINE: KEY: MESSAGE. Warnings and notes do not refuse a configuration. Exit code 0: it
    can be used; 3: it cannot.
    """
    from contactd.cli.proofs import check_templates
    from contactd.config.load import find, inspect
    from contactd.config.selftest import run_tests

    found = inspect(find(config))
    findings, done = found.findings, 0
    findings.add(check_templates(found))
    for loaded in found.campaigns:
        failed = run_tests(loaded)
        findings.errors.extend(failed)
        done += len(loaded.file.test)
    findings.sort(str(found.path))
    if json:
        emit_json(_as_json(found, findings, done))
    else:
        _write(found, findings, done)
    if findings.errors:
        raise SystemExit(REFUSED)


@click.command()
@click.argument("kind", type=click.Choice(["contactd", "campaign", "script", "persona"]), default="contactd")
def schema(kind: str) -> None:
    """Print the JSON Schema of contactd.toml, or of files in campaigns.d, scripts.d, personas.d, for editors."""
    from contactd.config.schema import schema_of

    emit_json(schema_of(kind))


@click.group()
def config() -> None:
    """Show the configuration in force."""


@config.command()
@config_option
@click.option("--changed", is_flag=True, help="Only what differs from the defaults.")
@as_json
def show(config: Path | None, changed: bool, json: bool) -> None:
    """Print every key with its value as TOML; of secrets only where they are kept."""
    from contactd.config.load import find, load
    from contactd.config.show import as_toml, as_values

    path = find(config)
    settings = load(path, secrets=False)
    values = as_values(settings, changed=changed)
    campaigns = [
        {"id": one.id, "file": settings.place(one.id, one.steps[0].id)[0], "steps": [step.id for step in one.steps]}
        for one in settings.campaigns
    ]
    if json:
        emit_json({"config": str(path), "settings": values, "campaigns": campaigns})
        return
    say(f"# {path}")
    for one in campaigns:
        say(f'# campaign "{one["id"]}" in {one["file"]}: {", ".join(one["steps"])}')
    show_document(as_toml(values))


def _as_json(found: "Inspection", findings: "Findings", tests: int) -> dict[str, object]:
    return {
        "ok": not findings.errors,
        "config": str(found.path),
        "campaigns": [loaded.file.id for loaded in found.campaigns],
        "tests": tests,
        "errors": [_row(problem) for problem in findings.errors],
        "warnings": [_row(problem) for problem in findings.warnings],
        "notes": [_row(problem) for problem in findings.notes],
    }


def _row(problem: "Problem") -> dict[str, object]:
    return {"file": problem.file, "line": problem.line, "key": problem.key, "message": problem.message}


def _write(found: "Inspection", findings: "Findings", tests: int) -> None:
    for problem in findings.errors:
        say(str(problem))
    for word, problems in (("warning", findings.warnings), ("note", findings.notes)):
        for problem in problems:
            say(f"{word}: {problem}")
    counts = [_count(len(findings.errors), "error"), _count(len(findings.warnings), "warning")]
    counts += [_count(len(found.campaigns), "campaign"), _count(tests, "test")]
    say(f"{found.path}: {'refused' if findings.errors else 'ok'} ({', '.join(counts)})")


def _count(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
