"""Words for why nothing happens: what keeps a team from dialling, what held accounts back; keys are the engine's."""

from collections.abc import Mapping
from typing import Any

from contactd.domain.phrase import Phrase
from contactd.web.words import _, said
from contactd.web.written import writers

_TEAM = {
    "dialling": _("Calls are being placed; under way: %(in_flight)s."),
    "draining": _("contactd is being stopped and begins nothing new."),
    "not_owner": _("Another contactd calls for this team."),
    "carrier_rests": _("The telephone lines cannot be used at this moment."),
    "no_campaign": _("No campaign has calls for this team."),
    "no_agent": _("Nobody of the team is ready to take calls."),
    "level_zero": _("%(campaign)s: its level is zero."),
    "trunks_full": _("%(campaign)s: all lines are in use."),
    "lines_full": _("%(campaign)s: no more calls at a time are allowed for so many agents."),
    "budget_spent": _(
        "%(campaign)s: too many calls were abandoned; one call for each free agent until that is better."
    ),
    "hour_spent": _("%(campaign)s: too many calls were abandoned this hour; one call for each free agent."),
    "not_decided": _("%(campaign)s: somebody is free, and calls are due: %(due)s."),
    "trunk_rests": _("Some numbers are tried later: the carrier refuses them now."),
}
_PAUSED = {"all": _("Everything is paused."), "channel:call": _("All calls are paused.")}
HELD = {
    "nothing_open": _("nothing open"),
    "paid_since_planning": _("paid meanwhile"),
    "payments_stale": _("payments not up to date"),
    "stopped": _("stopped"),
    "represented": _("represented"),
    "insolvency": _("insolvency"),
    "deceased": _("deceased"),
    "opted_out": _("wants no messages"),
    "undeliverable": _("address is of no use"),
    "suppressed": _("not to be contacted"),
    "no_address": _("no address or number"),
    "disputed": _("disputed"),
    "on_hold": _("on hold"),
    "cool_down": _("spoken to recently"),
    "day_cap": _("contacted often enough today"),
    "week_cap": _("contacted often enough this week"),
    "cap": _("contacted often enough"),
    "lock_out": _("rests after an abandoned call"),
    "outside_window": _("outside the permitted hours"),
    "quiet_hours": _("quiet hours"),
    "holiday": _("holiday"),
    "unknown_timezone": _("time zone not known"),
    "paused": _("paused"),
}


def why(told: Mapping[str, Any], zone: str, language: str) -> Phrase:
    """Put a reason of engine/calls/idleness.py into words; instants are told with their day, in that zone."""
    reason = str(told.get("reason", ""))
    if reason == "paused":
        if "campaign" in told:
            return said(_("%(campaign)s is paused."), campaign=told["campaign"])
        return said(_PAUSED[told["what"][0]])
    if reason == "no_callable_account":
        if told.get("next"):
            at = writers(language, lambda: zone)["told_moment"](told["next"])
            words = _("%(campaign)s: nobody may be called now; waiting: %(later)s, the next from %(at)s.")
            return said(words, campaign=told["campaign"], later=told["later"], at=at)
        return said(_("%(campaign)s: nobody is left to be called."), campaign=told["campaign"])
    if reason in _TEAM:
        return said(_TEAM[reason], **{name: value for name, value in told.items() if name != "reason"})
    return said("%(reason)s", reason=reason.replace("_", " "))


def held(reason: str) -> str:
    """Name, for the catalogue, why accounts were held back."""
    return HELD.get(reason, reason.replace("_", " "))
