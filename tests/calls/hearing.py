"""Tells whether a recording holds a tone of a given frequency, and when: Goertzel's algorithm on slices of 50 ms."""

import math
import struct
import wave
from dataclasses import dataclass
from pathlib import Path

from tests.calls.sounds import RATE

SLICE = 400  # samples: 50 ms, so frequencies are told apart from about 20 Hz on
_QUIET = 200.0  # root mean square below which a slice is silence


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording, one number a sample."""

    samples: tuple[int, ...]

    @property
    def seconds(self) -> float:
        """Return how long it lasts."""
        return len(self.samples) / RATE

    def slices(self) -> list[tuple[int, ...]]:
        """Cut it into whole slices."""
        return [self.samples[start : start + SLICE] for start in range(0, len(self.samples) - SLICE + 1, SLICE)]

    def seconds_of(self, frequency: float) -> float:
        """Return for how long the tone is heard, alone or above others."""
        return sum(has_tone(part, frequency) for part in self.slices()) * SLICE / RATE

    def first(self, frequency: float) -> float | None:
        """Return when the tone is first heard, in seconds from the beginning; None: never."""
        return next((n * SLICE / RATE for n, part in enumerate(self.slices()) if has_tone(part, frequency)), None)

    def loud_seconds(self) -> float:
        """Return for how long there is any sound."""
        return sum(_level(part) > _QUIET for part in self.slices()) * SLICE / RATE


def read_sound(path: Path) -> Sound:
    """Read an .sln or .wav of 16 bit, 8 kHz, mono."""
    if path.suffix == ".wav":
        with wave.open(str(path)) as file:
            assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (RATE, 2, 1)
            raw = file.readframes(file.getnframes())
    else:
        raw = path.read_bytes()
    return Sound(struct.unpack(f"<{len(raw) // 2}h", raw[: len(raw) // 2 * 2]))


def has_tone(part: tuple[int, ...], frequency: float) -> bool:
    """Tell whether a tenth or more of a slice's energy is in this frequency, and the slice is no silence."""
    level = _level(part)
    return level > _QUIET and 2 * _power(part, frequency) / (len(part) * level) ** 2 > 0.1


def _level(part: tuple[int, ...]) -> float:
    return math.sqrt(sum(sample * sample for sample in part) / len(part))


def _power(part: tuple[int, ...], frequency: float) -> float:
    """Return the squared size of one term of the Fourier transform."""
    turn = 2 * math.cos(2 * math.pi * frequency / RATE)
    before = last = 0.0
    for sample in part:
        before, last = last, sample + turn * last - before
    return last * last + before * before - turn * last * before
