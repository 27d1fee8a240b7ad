"""The people of the test town: which number behaves how; for the call tests and for the network that plays them.

All numbers are of the ranges the German regulator keeps free for fiction (Bundesnetzagentur, "Rufnummern für Film- und
Fernsehproduktionen"). The city and the first of the last three digits choose the behaviour; the last two digits are a
serial, so each behaviour has a hundred numbers. Where time matters it is `serial mod 5` seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

BERLIN = "493023125"
FRANKFURT = "496990009"
COLOGNE = "492214710"
HAMBURG = "494066969"
MUNICH = "498999998"

# Steps of the dialplan. Answer(,i) goes on at once; a plain Answer() waits half a second for the caller's first packet,
# and what is said after it would come late.
_SECONDS = "Wait($[${EXTEN:-2} % 5])"
_LISTENS = "Wait(3600)"
_HELLO = ("Wait(0.3)", "Playback(@SOUNDS@/hello)")
_RING = ("Ringing()", _SECONDS)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a hundred numbers do; `steps` in Asterisk's dialplan."""

    name: str
    city: str
    digit: int
    steps: tuple[str, ...]

    @property
    def pattern(self) -> str:
        """Return its numbers as a pattern of the dialplan."""
        return f"_{self.city}{self.digit}XX"

    def number(self, serial: int = 0) -> str:
        """Return the number with this serial, 0 to 99, in E.164 with its plus."""
        assert 0 <= serial < 100, "a behaviour has a hundred numbers"
        return f"+{self.city}{self.digit}{serial:02d}"

    def numbers(self, seconds: int = 0) -> Iterator[str]:
        """Return the twenty numbers that take so many seconds, 0 to 4."""
        assert 0 <= seconds < 5, "a number says 0 to 4 seconds"
        return (self.number(serial) for serial in range(seconds, 100, 5))


# ---- people; rings so many seconds means: serial mod 5 ----
HUMAN = Behaviour("rings so many seconds, answers, says hello and listens", BERLIN, 0,
                  (*_RING, "Answer(,i)", *_HELLO, _LISTENS))  # fmt: skip
PROMPT = Behaviour("answers at once, says hello and listens", BERLIN, 1, ("Ringing()", "Answer(,i)", *_HELLO, _LISTENS))
PRESSES_ONE = Behaviour("answers at once, says hello, presses 1 after so many seconds", BERLIN, 2,
                        ("Ringing()", "Answer(,i)", *_HELLO, _SECONDS, "SendDTMF(1,250,120)", _LISTENS))  # fmt: skip
HANGS_UP = Behaviour("answers at once, says hello, hangs up after so many seconds", BERLIN, 3,
                     ("Ringing()", "Answer(,i)", *_HELLO, _SECONDS, "Hangup(16)"))  # fmt: skip
SILENT = Behaviour("rings so many seconds, answers and says nothing", BERLIN, 4, (*_RING, "Answer(,i)", _LISTENS))
EARLY_MEDIA = Behaviour("an announcement before the answer for so many seconds, no ringing, then hello", BERLIN, 5,
                        ("Progress()", _SECONDS, "Answer(,i)", *_HELLO, _LISTENS))  # fmt: skip
TALKER = Behaviour("rings so many seconds, answers with two words and a half second of pause", BERLIN, 6,
                   (*_RING, "Answer(,i)", "Wait(0.3)", "Playback(@SOUNDS@/name)", _LISTENS))  # fmt: skip
PRESSES_TWO = Behaviour("answers at once, says hello, presses 2 after so many seconds", BERLIN, 7,
                        ("Ringing()", "Answer(,i)", *_HELLO, _SECONDS, "SendDTMF(2,250,120)", _LISTENS))  # fmt: skip

TYPES = Behaviour("answers at once, says hello, presses 2, 0 and # after so many seconds", BERLIN, 8,
                  ("Ringing()", "Answer(,i)", *_HELLO, _SECONDS, "SendDTMF(20#,250,120)", _LISTENS))  # fmt: skip

PRESSES_NINE = Behaviour("answers at once, says hello, presses 9 after so many seconds", BERLIN, 9,
                         ("Ringing()", "Answer(,i)", *_HELLO, _SECONDS, "SendDTMF(9,250,120)", _LISTENS))  # fmt: skip
POSTCODE = "10115"
TYPES_POSTCODE = Behaviour("answers at once, says hello, types the postcode after so many seconds", HAMBURG, 0,
                           ("Ringing()", "Answer(,i)", *_HELLO, _SECONDS, f"SendDTMF({POSTCODE},250,120)",
                            _LISTENS))  # fmt: skip

# ---- puppets: the test moves them over ARI, application `network` ----
PUPPET = Behaviour("answers at once and does what the test says", MUNICH, 0,
                   ("Ringing()", "Answer(,i)", "Stasis(network,puppet,${EXTEN})", "Hangup()"))  # fmt: skip
RINGING_PUPPET = Behaviour("rings until the test answers or ends it", MUNICH, 1,
                           ("Ringing()", "Stasis(network,puppet,${EXTEN})", "Hangup()"))  # fmt: skip

# ---- machines ----
MACHINE = Behaviour("rings so many seconds, reads a long greeting, beeps and listens", FRANKFURT, 0,
                    (*_RING, "Answer(,i)", "Wait(0.3)", "Playback(@SOUNDS@/greeting)", "Wait(60)",
                     "Hangup(16)"))  # fmt: skip

# ---- nobody ----
BUSY = Behaviour("busy after so many seconds of ringing", COLOGNE, 0, (*_RING, "Hangup(17)"))
RINGS = Behaviour("rings for ever", COLOGNE, 1, ("Ringing()", _LISTENS))
REJECTS = Behaviour("rejects after so many seconds", COLOGNE, 2, (*_RING, "Hangup(21)"))
INVALID = Behaviour("no such number", COLOGNE, 3, ("Hangup(1)",))
CONGESTED = Behaviour("no way through", COLOGNE, 4, ("Hangup(34)",))
MUTE_TRUNK = Behaviour("nothing comes back but 100 Trying", COLOGNE, 5, (_LISTENS,))
SWITCHED_OFF = Behaviour("switched off, told after so many seconds", COLOGNE, 6, (*_RING, "Hangup(19)"))

BEHAVIOURS = tuple(value for value in list(globals().values()) if isinstance(value, Behaviour))
