"""[[webhooks]]: which other software is told what happened."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from contactd.config.secret import Secret
from contactd.config.section import LOOSE, Section
from contactd.config.words import Name, check_url

OURSELVES = frozenset({"127.0.0.1", "::1", "localhost"})
HookEvent = Literal["outcome", "agreement"]


def check_hook_url(value: str) -> str:
    """Accept an https address, plain http only where it does not leave this machine; raises ValueError."""
    parts = urlsplit(check_url(value))
    if parts.scheme != "https" and parts.hostname not in OURSELVES:
        raise ValueError(
            f'"{value}" would be read by everybody on the way; write it like "https://crm.example.org/hook"'
        )
    return value


class Webhook(Section):
    """Other software that is told of events by a signed POST, at least once each, in order for each account."""

    name: Name
    """Stands in the status and the log."""
    url: Annotated[str, AfterValidator(check_hook_url), Field(examples=["https://crm.example.org/hook"])]
    """Where it listens; https, or http on this machine. A redirect is not followed."""
    secret: Secret
    """What both know: signs each event (Standard Webhooks)."""
    events: Annotated[tuple[HookEvent, ...], LOOSE] = ("outcome", "agreement")
    """Of what it is told: how contacts ended, and what became of agreements."""
    personal: bool = False
    """Also told: the address that was used, and the reasons people wrote down."""
