"""The rules of a campaign: the preset of its jurisdiction, tightened by its [limits]; load.py uses it."""

from dataclasses import replace
from datetime import timedelta

from contactd.config.campaigns import CampaignFile, LimitsTable
from contactd.config.holidays import every_region
from contactd.config.settings import Sections
from contactd.domain.account import Channel
from contactd.domain.calendar import parse_windows
from contactd.domain.policy import Policy
from contactd.domain.presets import PRESETS, Limits, tighten

# Settings are read without a clock, so the span is fixed; holidays are worked out when first asked for.
_YEARS = range(2020, 2061)


def policy_of(file: CampaignFile, sections: Sections) -> Policy:
    """Answer the rules in force for a campaign."""
    return tighten(
        PRESETS[file.rules or sections.rules.preset],
        _limits(file.limits),
        holidays=every_region(_YEARS),
        default_timezone=file.timezone,
        payments_max_age=sections.intake.payments_max_age,
    )


def policy_of_notices(sections: Sections) -> Policy:
    """Answer the rules for notices about agreements: the preset's hours, none of its caps.

    Who agreed on something asked to hear of it; that they hear of it at night as well nobody asked for.
    """
    preset = tighten(
        PRESETS[sections.rules.preset],
        Limits(),
        holidays=every_region(_YEARS),
        default_timezone=sections.claims.timezone,
    )
    return replace(preset, caps=(), cool_down=0, lock_out=timedelta(), payments_max_age=None)


def _limits(table: LimitsTable) -> Limits:
    return Limits(
        per_customer_per_day=table.per_customer_per_day,
        contacts_per_week=table.contacts_per_week,
        calls_per_day=table.calls_per_day,
        calls_per_week=table.calls_per_week,
        cool_down_days=table.cool_down,
        calls_per_number_per_day=table.calls_per_number_per_day,
        lock_out=table.lock_out,
        windows={
            Channel(channel): parse_windows(list(windows)) for channel, windows in table.windows.items() if windows
        },
        quiet=parse_windows(list(table.quiet), overnight=True) if table.quiet else None,
    )
