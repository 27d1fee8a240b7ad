"""Which modules of Asterisk contactd uses, and what for; for `contactd doctor`, whose finding names what is missing.

deploy/asterisk/modules.conf loads all of them; a test compares.
"""

import re
from collections.abc import Collection, Mapping

from contactd.cli.checkup import Finding, failed, ok, warning
from contactd.config.settings import Settings
from contactd.domain.account import Channel

_CHECK = "modules"
_OLDEST = 18
# Without one of these there are no calls, or none that anybody hears.
ALWAYS: Mapping[str, str] = {
    "res_http_websocket": "events of calls",
    "res_stasis": "calls in our hands",
    "res_stasis_answer": "calls in our hands",
    "res_stasis_playback": "spoken texts",
    "res_stasis_snoop": "the beep in an agent's ear, supervision",
    "res_ari": "the interface",
    "res_ari_applications": "calls of an earlier daemon",
    "res_ari_asterisk": "a restart of Asterisk",
    "res_ari_bridges": "joining customer and agent",
    "res_ari_channels": "placing calls",
    "res_ari_events": "events of calls",
    "res_ari_playbacks": "stopping a text",
    "app_stasis": "calls that come back from the dialplan",
    "pbx_config": "extensions.conf",
    "bridge_simple": "joining customer and agent",
    "bridge_holding": "agents and customers who wait",
    "format_wav": "spoken texts",
    "func_callerid": "the number shown",
}
PJSIP: Mapping[str, str] = {
    "chan_pjsip": "SIP",
    "res_pjsip": "SIP",
    "res_pjsip_pubsub": "SIP: chan_pjsip does not load without it",
    "res_pjsip_session": "SIP",
    "res_pjsip_sdp_rtp": "speech",
    "res_rtp_asterisk": "speech",
    "res_pjsip_header_funcs": "the attempt's number in the call",
}
DETECT: Mapping[str, str] = {"app_amd": "detect"}
# Calls work without these, worse.
WISHED: Mapping[str, str] = {
    "res_musiconhold": "what people on hold hear",
    "bridge_softmix": "a third party in a conversation",
    "codec_resample": "recordings of another rate",
    "res_ari_endpoints": "how trunks and telephones stand, for the doctor",
    "res_ari_recordings": "recordings, doctor --echo",
    "res_stasis_recording": "recordings, doctor --echo",
    "chan_bridge_media": "whether sounds can be read, for the doctor",
    "func_dialplan": "whether [contactd-amd] is there, for the doctor",
}
WISHED_OF_PJSIP: Mapping[str, str] = {
    "res_pjsip_caller_id": "the number shown",
    "res_pjsip_rfc3326": "why a call ended",
    "res_pjsip_nat": "telephones behind NAT",
    "codec_alaw": "G.711 A-law",
    "codec_ulaw": "G.711 mu-law",
}
_DEAF = "bridge_native_rtp"


def check_version(version: str) -> Finding:
    """Compare with the oldest that contactd works with."""
    check, number = "version", re.search(r"(?<!\d)(\d+)\.\d", version)
    if number is None:
        return warning(check, f'"{version}" tells no number', f"contactd needs {_OLDEST} or newer")
    if int(number[1]) < _OLDEST:
        return failed(check, f"Asterisk {version} is too old", f"install {_OLDEST} or newer")
    return ok(check, f"Asterisk {version}")


def check_modules(running: Collection[str], settings: Settings) -> list[Finding]:
    """Compare what runs with what these settings need; names without their ending."""
    needed, wished = _needs(settings)
    missing = {name: why for name, why in needed.items() if name not in running}
    poorer = {name: why for name, why in wished.items() if name not in running}
    findings = []
    if missing:
        findings.append(failed(_CHECK, f"not loaded: {_told(missing)}", _cure(missing)))
    if poorer:
        findings.append(warning(_CHECK, f"not loaded: {_told(poorer)}", _cure(poorer)))
    if not findings:
        findings.append(ok(_CHECK, f"all {len(needed) + len(wished)} that contactd uses are loaded"))
    if _DEAF in running:
        text = f"{_DEAF} is loaded: after a beep or a change of customer an agent's telephone may stay silent"
        findings.append(warning(_CHECK, text, f"noload = {_DEAF}.so in modules.conf, and restart Asterisk"))
    return findings


def _needs(settings: Settings) -> tuple[dict[str, str], dict[str, str]]:
    asterisk = settings.telephony.asterisk
    dials = [trunk.dial for trunk in asterisk.trunks.values()] + [agent.phone for agent in settings.agents.values()]
    needed, wished = dict(ALWAYS), dict(WISHED)
    if not asterisk.trunks or any(dial.startswith("PJSIP/") for dial in dials):
        needed |= PJSIP
        wished |= WISHED_OF_PJSIP
    if detections(settings):
        needed |= DETECT
    return needed, wished


def detections(settings: Settings) -> set[str]:
    """Say how campaigns tell machines from people."""
    steps = [step for campaign in settings.campaigns for step in campaign.steps if step.channel is Channel.CALL]
    return {str(step.detect) for step in steps if step.detect != "none"}


def _told(missing: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({why})" for name, why in missing.items())


def _cure(missing: Mapping[str, str]) -> str:
    return f"in modules.conf: {', '.join(f'load = {name}.so' for name in missing)}; then restart Asterisk"
