"""Sounds for the calls, made on the spot: bursts that have the rhythm of speech; raw 16-bit, 8 kHz, mono (.sln)."""

import math
import struct
from functools import cache
from pathlib import Path

RATE = 8000
VOICE = 300.0
BEEP = 1000.0
MUSIC = 620.0
# What a test lets a customer and an agent say, to find it in what the others hear.
CUSTOMER = 440.0
AGENT = 800.0
SUPERVISOR = 1300.0
_LOUDNESS = 9000


@cache
def tone(frequency: float, seconds: float) -> bytes:
    """Make a pure tone."""
    count = round(seconds * RATE)
    samples = (round(_LOUDNESS * math.sin(2 * math.pi * frequency * n / RATE)) for n in range(count))
    return struct.pack(f"<{count}h", *samples)


def silence(seconds: float) -> bytes:
    """Make silence."""
    return bytes(2 * round(seconds * RATE))


def write_sounds(folder: Path) -> None:
    """Write what people and machines say, and music, each as NAME.sln."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "music").mkdir(exist_ok=True)
    greeting = silence(0.3).join(tone(VOICE, seconds) for seconds in (2.2, 3.0, 3.0, 4.0))
    sounds = {
        "hello": tone(VOICE, 0.6),
        "name": tone(VOICE, 0.4) + silence(0.5) + tone(VOICE, 0.4),
        "greeting": greeting + silence(0.3) + tone(BEEP, 0.4),
        "customer": tone(CUSTOMER, 1.0),
        "agent": tone(AGENT, 1.0),
        "supervisor": tone(SUPERVISOR, 1.0),
        "beep": tone(BEEP, 0.3),
        "music/tune": tone(MUSIC, 10.0),
    }
    for name, samples in sounds.items():
        (folder / f"{name}.sln").write_bytes(samples)
