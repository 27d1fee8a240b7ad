"""Under which settings a simulated year goes by: some campaigns of the operator's, and every channel set up."""

from collections.abc import Sequence

from contactd.config.settings import Settings
from contactd.domain.notice import CAMPAIGN as NOTICES


def only(settings: Settings, campaigns: Sequence[str]) -> Settings:
    """Leave the named campaigns in force, in the order of the configuration; all of them when none is named."""
    chosen = tuple(one for one in settings.campaigns if not campaigns or one.id in campaigns)
    rules = {name: settings.policies[name] for name in (*(one.id for one in chosen), NOTICES)}
    return Settings.of(settings, settings.path, chosen, rules)


def reachable(settings: Settings) -> Settings:
    """Let every channel be set up: in a rehearsal each has its provider, so customers hear what they agreed on."""
    sections = settings.model_copy(
        update={
            "smtp": settings.smtp.model_copy(update={"host": settings.smtp.host or "mail.invalid"}),
            "sms": settings.sms.model_copy(update={"backend": "simulated"}),
            "letters": settings.letters.model_copy(update={"backend": "spool"}),
        }
    )
    return Settings.of(sections, settings.path, settings.campaigns, settings.policies)
