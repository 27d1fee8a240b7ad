"""The `contactd` command: finds each verb's module when it is called, so that `--help` stays quick."""

import importlib
from collections.abc import Sequence

import click

# verb -> (module, attribute, what --help says); the module is imported only when the verb is used.
VERBS: dict[str, tuple[str, str, str]] = {
    "run": ("contactd.cli.operate", "run", "Run the daemon."),
    "demo": ("contactd.cli.demo", "demo", "Show the whole job on made-up accounts, in a minute."),
    "simulate": (
        "contactd.cli.simulate",
        "simulate",
        "Try out a campaign or the dialer on a virtual clock; nobody is called.",
    ),
    "check": ("contactd.cli.configuration", "check", "Validate configuration, templates and campaign tests."),
    "preview": ("contactd.cli.preview", "preview", "Show what a template makes of a made-up account."),
    "doctor": ("contactd.cli.doctor", "doctor", "Look whether everything contactd needs is there; try a call."),
    "plan": ("contactd.cli.explain", "plan", "Show what a planning run would take up; sends nothing."),
    "runs": ("contactd.cli.proposals", "runs", "List planning runs: proposed, executed, rejected, expired."),
    "proposal": ("contactd.cli.proposals", "proposal", "Look at a proposed run, drop accounts, approve or reject it."),
    "why": ("contactd.cli.explain", "why", "Say what comes next for an account, and which rule stands against it."),
    "statement": ("contactd.cli.statement", "statement", "Say what an account owes by law, line by line."),
    "dossier": ("contactd.cli.dossier", "dossier", "Put all that proves a claim into a ZIP for a lawyer or a court."),
    "report": ("contactd.cli.report", "report", "Report what brings money in, what runs out, what is to be handed on."),
    "import": ("contactd.cli.intake", "import_", "Import accounts or payments."),
    "payments": ("contactd.cli.bank", "payments", "See to the payments nobody has been found for."),
    "status": ("contactd.cli.operate", "status", "Show what the running daemon is doing."),
    "agents": ("contactd.cli.agents", "agents", "Show who works on the telephone; give people a login."),
    "agent": ("contactd.cli.agents", "agent", "Let an agent sign in, end a call, hold, transfer, dial."),
    "tokens": ("contactd.cli.programs", "tokens", "Give other software a token for the HTTP interface."),
    "webhooks": ("contactd.cli.hooks", "webhooks", "Show whether webhooks are taken; tell again what was given up."),
    "log": ("contactd.cli.log", "log", "Show the contact log."),
    "audit": ("contactd.cli.audit", "audit", "Show who did what."),
    "export": ("contactd.cli.privacy", "export", "Read out all that is kept about a debtor."),
    "erase": ("contactd.cli.privacy", "erase", "Erase who a debtor is, unless it must be kept."),
    "pause": ("contactd.cli.operate", "pause", "Pause a campaign, a channel or everything."),
    "resume": ("contactd.cli.operate", "resume", "Resume what was paused."),
    "reload": ("contactd.cli.operate", "reload", "Put a changed configuration in force; refused whole when wrong."),
    "stop": ("contactd.cli.operate", "stop", "Stop contacting an account."),
    "agree": ("contactd.cli.agree", "agree", "Agree on a promise, a plan, a deferral; dispute an invoice."),
    "agreements": ("contactd.cli.agree", "agreements_", "Show what is agreed with customers."),
    "task": ("contactd.cli.tasks", "task", "Give people something to do; say what came out."),
    "tasks": ("contactd.cli.tasks", "tasks_", "Show what people have to do."),
    "letters": ("contactd.cli.letters", "letters", "Note that letters came back."),
    "post": ("contactd.cli.post", "post", "Post a cost or a write-off on an account, or take one back."),
    "claim": (
        "contactd.cli.claim",
        "claim",
        "Note what only a person can judge about claims: that payment was refused.",
    ),
    "hand-over": ("contactd.cli.hand_over", "hand_over", "Hand an account over to a court, a lawyer or an agency."),
    "settle": ("contactd.cli.operate", "settle", "Say how an unclear attempt ended."),
    "migrate": ("contactd.cli.operate", "migrate", "Create the database or bring it to this version."),
    "schema": ("contactd.cli.configuration", "schema", "Print the JSON Schema of the configuration."),
    "config": ("contactd.cli.configuration", "config", "Show the configuration in force."),
}


class Verbs(click.Group):
    """Lists the verbs without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Keep the order of the table."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module, attribute, _ = VERBS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Answer a misspelt verb with the nearest one."""
        import difflib

        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table, again without importing."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(verb, text) for verb, (_, _, text) in VERBS.items()])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="contactd")
def cli() -> None:
    """Contact overdue accounts: exact, lawful, quick and kind.

    Exit codes: 0 ok, 1 failed, 2 usage, 3 configuration refused, 4 not allowed, 5 service not reachable, 6 partial.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; errors contactd foresaw are told in plain words."""
    import os

    from contactd.cli.output import FAILED, REFUSED, UNREACHABLE, say
    from contactd.domain.errors import ConfigError, ContactdError, StoreError, Unreachable

    os.umask(0o077)  # databases, logs and lists of rejected rows name people
    try:
        cli.main(arguments, prog_name="contactd")
    except ContactdError as error:
        for line in str(error).splitlines():
            say(f"contactd: {line}", err=True)
        codes = {ConfigError: REFUSED, StoreError: UNREACHABLE, Unreachable: UNREACHABLE}
        code = next((code for kind, code in codes.items() if isinstance(error, kind)), FAILED)
        raise SystemExit(code) from None


if __name__ == "__main__":
    main()
