"""How trunks and agents' telephones stand on Asterisk, for `contactd doctor`: whether each is there and answers."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from contactd.cli.checkup import Finding, failed, ok, warning
from contactd.clock import SystemClock
from contactd.config.providers import Trunk
from contactd.config.settings import Settings
from contactd.config.words import suggest
from contactd.domain.errors import ChannelError
from contactd.telephony.ari import Ari, path

_PJSIP = "PJSIP/"
_KEYS = "contactd.toml"
_USUAL = 30  # seconds: qualify_frequency of our sample
_ANSWER = 5  # seconds that a far end may take


def endpoint_of(dial: str) -> str:
    """Name the PJSIP endpoint of what Asterisk dials; empty for other channel drivers.

    Asterisk's forms are PJSIP/endpoint, PJSIP/number@endpoint and PJSIP/endpoint/sip:uri.
    """
    if not dial.startswith(_PJSIP):
        return ""
    first, _, uri = dial.removeprefix(_PJSIP).partition("/")
    return first if uri else first.rpartition("@")[2]


async def endpoints(ari: Ari) -> dict[str, str]:
    """Read the state of every PJSIP endpoint there is: online, offline or unknown."""
    return {one["resource"]: one["state"] for one in await ari.get("endpoints") if one["technology"] == "PJSIP"}


async def check_trunks(ari: Ari, settings: Settings, known: Mapping[str, str], started: str) -> list[Finding]:
    """Look at each trunk; `started` is when Asterisk was."""
    trunks = settings.telephony.asterisk.trunks or {"trunk": Trunk()}
    return [
        await _check_trunk(ari, f"trunk:{name}", name, trunk.dial, known, started) for name, trunk in trunks.items()
    ]


async def _check_trunk(ari: Ari, check: str, name: str, dial: str, known: Mapping[str, str], started: str) -> Finding:
    endpoint = endpoint_of(dial)
    if not endpoint:
        return ok(check, f"{dial} is not SIP by PJSIP, and not looked at")
    if endpoint not in known:
        key = f"dial in [telephony.asterisk.trunks.{name}] of {_KEYS}"
        return failed(check, _unknown(endpoint, known), f"write [{endpoint}] into pjsip.conf, or mend {key}")
    every = await _asked_every(ari, endpoint)
    if known[endpoint] != "online" and every and _just_started(started, every):
        cure = f"Asterisk was started a moment ago and asks for the first time within {every} s: try again then"
        return warning(check, f'nobody knows yet whether endpoint "{endpoint}" is online', cure)
    if known[endpoint] != "online":
        cure = (
            "contact and qualify_frequency of its aor in pjsip.conf, the registration (asterisk -rx 'pjsip show "
            "registrations'), the firewall for SIP"
        )
        return failed(check, f'endpoint "{endpoint}" is {known[endpoint]}: the provider does not answer', cure)
    if not every:
        text = f'endpoint "{endpoint}" is called online, but nobody asks: qualify_frequency of its aor is 0'
        return warning(check, text, f"qualify_frequency = 30 in [{endpoint}] type = aor of pjsip.conf")
    return ok(check, f'endpoint "{endpoint}" is online')


async def _asked_every(ari: Ari, endpoint: str) -> int:
    """Read how often Asterisk asks the far end of an endpoint for signs of life, in seconds; 0: never."""
    where = ("asterisk", "config", "dynamic", "res_pjsip")
    try:
        found = await ari.get(path(*where, "endpoint", endpoint))
        aors = [name.strip() for name in _attribute(found, "aors").split(",") if name.strip()]
        told = [_attribute(await ari.get(path(*where, "aor", aor)), "qualify_frequency") for aor in aors]
    except ChannelError:  # nothing is said against it then
        return _USUAL
    return max((int(one) for one in told if one.isdecimal()), default=_USUAL)


def _attribute(found: list[dict[str, str]], name: str) -> str:
    return next((one["value"] for one in found if one["attribute"] == name), "")


def _just_started(started: str, every: int) -> bool:
    try:
        at = datetime.strptime(started, "%Y-%m-%dT%H:%M:%S.%f%z")
    except ValueError:
        return False
    return SystemClock().now() - at < timedelta(seconds=every + _ANSWER)


def check_phones(settings: Settings, known: Mapping[str, str]) -> Iterator[Finding]:
    """Look at each agent's telephone; those that are online are one finding together."""
    online = 0
    for agent_id, agent in settings.agents.items():
        check, endpoint = f"phone:{agent_id}", endpoint_of(agent.phone)
        if not endpoint:
            yield ok(check, f"{agent.phone} is not SIP by PJSIP, and not looked at")
        elif endpoint not in known:
            cure = f"write [{endpoint}] into pjsip.conf, or mend phone in [agents.{agent_id}] of {_KEYS}"
            yield failed(check, _unknown(endpoint, known), cure)
        elif known[endpoint] != "online":
            cure = f"switch it on; its user and pass word are those of [{endpoint}] in pjsip.conf"
            yield warning(check, f'endpoint "{endpoint}" is {known[endpoint]}: not registered, or silent', cure)
        else:
            online += 1
    if online or not settings.agents:
        yield ok("phones", f"{online} of {len(settings.agents)} agents' telephones are online")


def _unknown(endpoint: str, known: Mapping[str, str]) -> str:
    return f'Asterisk knows no endpoint "{endpoint}"{suggest(endpoint, known)}'
