"""The verb `doctor`: looks whether everything contactd needs is there, and places a test call for whoever wants one."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contactd.cli.options import as_json, config_option
from contactd.cli.output import FAILED, emit_json, say, say_marked

if TYPE_CHECKING:
    from contactd.cli.checkup import Finding
    from contactd.cli.echo import Target
    from contactd.config.settings import Settings

_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


@click.command()
@click.option("--echo", "phone", metavar="PHONE", help="Call this number, or this agent, and play back what is said.")
@click.option("--yes", is_flag=True, help="Do not ask before a telephone rings.")
@config_option
@as_json
def doctor(phone: str | None, yes: bool, config: Path | None, json: bool) -> None:
    """Look at configuration, database, providers and Asterisk: what is there, what is not, and the cure.

    Nothing is changed and nobody is called, but for --echo: that telephone rings. Exit code 0: everything is ok, or
    there are warnings only; 1: something failed; 4: the number is a customer's and is not called.
    """
    from contactd import logs
    from contactd.cli.checkup import State, check_configuration

    logs.set_up("error", "console")
    told = _Told(quiet=json)
    finding, settings = check_configuration(config)
    told.hear(finding)
    if settings is not None:
        target = _target(phone, settings, sure=yes) if phone is not None else None
        asyncio.run(_examine(settings, target, told))
    states = Counter(finding.state for finding in told.findings)
    if json:
        stages = {"stages": told.stages} if phone is not None else {}
        checks = [finding.as_json() for finding in told.findings]
        emit_json({"ok": not states[State.FAILED], "checks": checks, **stages})
    else:
        say(", ".join(f"{states[state]} {state}" for state in State))
    if states[State.FAILED]:
        raise SystemExit(FAILED)


class _Told:
    """Everything that was found, shown as it comes in unless `quiet`."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self.findings: list[Finding] = []
        self.stages: list[dict[str, object]] = []

    def hear(self, finding: "Finding") -> None:
        """Take a finding."""
        self.findings.append(finding)
        if self._quiet:
            return
        say_marked(f"{finding.state:8}", _COLOURS[finding.state], f" {finding.check}: {finding.found}")
        if finding.cure:
            say(f"         -> {finding.cure}")

    def hear_stage(self, seconds: float, what: str) -> None:
        """Take what happened to the test call."""
        self.stages.append({"seconds": round(seconds, 3), "what": what})
        if not self._quiet:
            say(f"  {seconds:6.2f} s  {what}")


def _target(phone: str, settings: "Settings", *, sure: bool) -> "Target":
    """Find out whom to call, refuse a customer, and ask."""
    from contactd.cli.echo import target_of

    target = target_of(phone, settings)
    if not sure:
        click.confirm(f"{target.name} will ring ({target.dial}). Call?", abort=True, err=True)
    return target


async def _examine(settings: "Settings", target: "Target | None", told: _Told) -> None:
    from contactd.cli import checkup
    from contactd.cli.checkup_asterisk import examine
    from contactd.cli.checkup_letters import check_letters
    from contactd.clock import SystemClock

    answers = checkup.daemon_answers(settings)
    told.hear(checkup.check_base_rates(settings, SystemClock().now().date()))
    told.hear(checkup.check_state(settings))
    told.hear(checkup.check_database(settings))
    told.hear(checkup.check_daemon(settings, answers=answers))
    told.hear(await checkup.check_mail(settings))
    for finding in checkup.check_sms(settings):
        told.hear(finding)
    told.hear(check_letters(settings))
    if settings.telephony.backend != "asterisk":
        told.hear(checkup.ok("calls", f'backend "{settings.telephony.backend}" in [telephony]'))
        return
    await examine(settings, target, daemon_answers=answers, tell=told.hear, stage=told.hear_stage)
