"""What only shows when several tables of contactd.toml, or a table and a campaign, are looked at together."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations

from contactd.config.campaigns import CampaignFile, SelectTable
from contactd.config.dunning_fees import doubtful_fees
from contactd.config.findings import Findings, Source
from contactd.config.gaps import apart, find_gaps, within
from contactd.config.locate import Place
from contactd.config.settings import Sections
from contactd.config.values import format_duration
from contactd.config.webhooks import OURSELVES
from contactd.config.words import listed, suggest
from contactd.domain.account import Channel

LATER = frozenset({Channel.HANDOVER})


def unavailable(sections: Sections, channel: Channel, *, approve: str = "") -> str:
    """Say why this daemon cannot carry out such a step as it is meant; nothing when it can."""
    later = f'channel "{channel}"' if channel in LATER else "approve" if approve else ""
    if later:
        return f"{later} is not available in this version; run refuses it"
    twilio = sections.twilio
    ready = {
        Channel.EMAIL: bool(sections.smtp.host),
        Channel.SMS: sections.sms.backend == "simulated"
        or (sections.sms.backend == "twilio" and bool(twilio.account_sid)),
        Channel.LETTER: sections.letters.backend != "none",
        Channel.CALL: sections.telephony.backend != "none",
        Channel.TASK: True,
    }
    keys = {
        Channel.EMAIL: "host in [smtp]",
        Channel.SMS: "backend in [sms] and account_sid in [twilio]",
        Channel.LETTER: "backend in [letters]",
        Channel.CALL: "backend in [telephony]",
    }
    if ready[channel]:
        return ""
    return f'nobody carries out channel "{channel}": set {keys[channel]}; run refuses it until then'


def check(sections: Sections, source: Source) -> Findings:
    """Compare the tables of contactd.toml with each other."""
    findings = Findings()
    findings.errors.extend(source.problem(place, message) for place, message in _contradictions(sections))
    if not sections.operator.name:
        findings.warnings.append(source.problem(("operator", "name"), "is empty; messages do not say who writes"))
    findings.warnings.extend(source.problem(place, message) for place, message in _incomplete_letters(sections))
    if sections.agreements.missed_instalments == 1:
        text = "is 1: towards consumers, standard terms by which one late instalment makes all the rest due are risky"
        findings.warnings.append(source.problem(("agreements", "missed_instalments"), f"{text}; write 2"))
    agreed = sections.agreements
    if agreed.needs_notice != "never" and not {"email", "letter"} & set(agreed.channels):
        text = "names neither email nor letter: nobody can be given the notice, so the rest of no plan falls due"
        findings.warnings.append(source.problem(("agreements", "channels"), text))
    return findings


def check_campaigns(sections: Sections, campaigns: Iterable[tuple[CampaignFile, Source]]) -> Findings:
    """Compare contactd.toml with each campaign."""
    findings = Findings()
    campaigns = list(campaigns)
    for (one, _), (other, source) in combinations(campaigns, 2):
        if not apart(one.select, other.select) and not _goes_first(one.select, other.select):
            text = f'campaigns "{one.id}" and "{other.id}" both take up some accounts; part them by [select]'
            findings.warnings.append(source.problem(("id",), text))
    if campaigns:
        last = campaigns[-1][1]
        gaps = find_gaps([file.select for file, _ in campaigns])
        findings.warnings.extend(last.problem(("select",), text) for text in gaps.surprising)
        findings.notes.extend(last.problem(("select",), text) for text in gaps.usual)
    for file, source in campaigns:
        found = (*_strangers(sections, file), *doubtful_fees(sections.claims, file))
        findings.warnings.extend(source.problem(place, message) for place, message in found)
        told = set()
        for index, step in enumerate(file.step):
            why = unavailable(sections, Channel(step.channel), approve=step.approve)
            if why and why not in told:
                told.add(why)
                findings.notes.append(source.problem(("step", index, "channel"), why))
    return findings


def _contradictions(sections: Sections) -> Iterator[tuple[Place, str]]:
    smtp, twilio, simulated = sections.smtp, sections.twilio, sections.telephony.simulated
    if smtp.host and not (smtp.sender or sections.operator.email):
        yield ("smtp", "sender"), "is missing; set it, or email in [operator]"
    if smtp.username and not smtp.password:
        yield ("smtp", "password"), 'is missing for this username; write password = { env = "SMTP_PASSWORD" }'
    if smtp.password and not smtp.username:
        yield ("smtp", "username"), "is missing for this password"
    if smtp.password and smtp.security == "none":
        yield ("smtp", "security"), 'would send the password in the clear; write "starttls" or "tls"'
    if twilio.account_sid and not twilio.auth_token:
        yield ("twilio", "auth_token"), 'is missing; write auth_token = { env = "TWILIO_AUTH_TOKEN" }'
    if twilio.account_sid and not (twilio.sender or twilio.messaging_service):
        yield ("twilio", "from"), "is missing; set it, or messaging_service"
    if twilio.sender and twilio.messaging_service:
        yield ("twilio", "messaging_service"), "stands beside from; keep one of the two"
    if simulated.answer + simulated.busy + simulated.machine > 1:
        yield ("telephony", "simulated"), "answer, busy and machine are shares of all calls; together at most 100 %"
    if sections.database.password and not sections.database.url.startswith("postgresql"):
        yield ("database", "password"), "is for PostgreSQL; SQLite has none, remove it"
    yield from _letters(sections)
    yield from _asterisk(sections)
    yield from _doubled_webhooks(sections)
    yield from _short_leases(sections)
    yield from _real_beside_personas(sections)


def _real_beside_personas(sections: Sections) -> Iterator[tuple[Place, str]]:
    """Find what reaches real people, or lets them in, beside customers who are played."""
    if not sections.telephony.simulated.personas:
        return
    real = {
        ("telephony", "backend"): sections.telephony.backend != "simulated",
        ("smtp", "host"): sections.smtp.host not in {"", *OURSELVES},
        ("sms", "backend"): sections.sms.backend == "twilio" and bool(sections.twilio.account_sid),
        ("letters", "backend"): sections.letters.backend in {"command", "http"},
        ("webhooks",): bool(sections.webhooks),
        ("web", "bind"): sections.web.bind not in OURSELVES,
    }
    text = "reaches beyond this machine, but personas play the customers: take out personas in [telephony.simulated]"
    yield from ((place, text) for place, reaches in real.items() if reaches)


def _letters(sections: Sections) -> Iterator[tuple[Place, str]]:
    letters = sections.letters
    if letters.backend == "command" and not letters.command:
        yield ("letters", "command"), 'is missing; write the program that takes a letter, like ["lp", "{file}"]'
    elif letters.command and not any("{file}" in part for part in letters.command):
        yield ("letters", "command"), 'names no letter; write it like ["lp", "{file}"]'
    if letters.backend == "http" and not letters.url:
        yield ("letters", "url"), "is missing; write the address that takes a letter"
    if letters.look_up and "{reference}" not in letters.look_up:
        yield ("letters", "look_up"), "names no letter; put {reference} where its number belongs"


def _incomplete_letters(sections: Sections) -> Iterator[tuple[Place, str]]:
    """Find what letters would lack that the law or the post asks for."""
    operator, letters = sections.operator, sections.letters
    if letters.backend == "none":
        return
    if not (letters.return_address or (operator.street and operator.city)):
        yield ("letters", "return_address"), "is empty, as is the address of [operator]: no letter can come back"
    if operator.kind == "collection-agency" and not operator.authority:
        yield ("operator", "authority"), "is empty; an agency's letter names its supervisory authority (§ 13a RDG)"


def _asterisk(sections: Sections) -> Iterator[tuple[Place, str]]:
    asterisk = sections.telephony.asterisk
    if sections.telephony.backend != "asterisk":
        return
    if not asterisk.password:
        yield ("telephony", "asterisk", "password"), 'is missing; write password = { credential = "ari-password" }'
    for name, trunk in asterisk.trunks.items():
        if "{number}" not in trunk.dial and "{digits}" not in trunk.dial:
            place = ("telephony", "asterisk", "trunks", name, "dial")
            yield place, 'names no number; write it like "PJSIP/{digits}@trunk"'
    for agent_id, agent in sections.agents.items():
        if not agent.phone:
            yield ("agents", agent_id, "phone"), 'is missing; write what Asterisk dials, like phone = "PJSIP/1001"'


def _doubled_webhooks(sections: Sections) -> Iterator[tuple[Place, str]]:
    counts = Counter(one.name for one in sections.webhooks)
    for index, one in enumerate(sections.webhooks):
        if counts[one.name] > 1:
            yield ("webhooks", index, "name"), "is the same as another webhook's; each needs its own"


def _short_leases(sections: Sections) -> Iterator[tuple[Place, str]]:
    smtp, twilio = sections.smtp, sections.twilio
    by_twilio = sections.sms.backend == "twilio" and twilio.account_sid
    waits = {"smtp": smtp.timeout} if smtp.host else {}
    waits |= {"twilio": twilio.timeout} if by_twilio else {}
    waits |= {"letters": sections.letters.timeout} if sections.letters.backend in {"command", "http"} else {}
    for table, timeout in waits.items():
        if timeout >= sections.sending.lease:
            why = "or a message is taken back while its answer may still come"
            text = f"must be longer than timeout in [{table}], which is {format_duration(timeout)}, {why}"
            yield ("sending", "lease"), text


def _goes_first(one: SelectTable, other: SelectTable) -> bool:
    """Say whether the first is the special case of the other: the order of the files is meant."""
    return within(one, other) and not within(other, one)


def _strangers(sections: Sections, file: CampaignFile) -> Iterator[tuple[Place, str]]:
    """Find words of a campaign that name nothing in contactd.toml."""
    teams = {agent.team for agent in sections.agents.values()}
    calls = [index for index, step in enumerate(file.step) if step.channel == Channel.CALL.value]
    if file.team and file.team not in teams:
        hint = suggest(file.team, teams - {""}) or f"; teams: {listed(sorted(teams - {''})) or 'none'}"
        yield ("team",), f'no agent is in team "{file.team}"{hint}'
    elif calls and file.team not in teams:
        yield (
            ("step", calls[0], "channel"),
            "calls need agents without a team; add [agents.<id>], or team to this campaign",
        )
    for index, creditor in enumerate(file.select.creditors):
        if sections.creditors and creditor not in sections.creditors:
            yield (
                ("select", "creditors", index),
                (f'creditor "{creditor}" is not in contactd.toml{suggest(creditor, sections.creditors)}'),
            )
