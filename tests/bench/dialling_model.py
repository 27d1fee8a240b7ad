"""A team, its customers and a carrier as a discrete-event model: seeded, single-threaded, thousands of times real time."""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

HOLD = 2.0
TICK = 1.0


@dataclass(frozen=True)
class World:
    """What the model is told."""

    agents: int = 20
    p: float = 0.3
    hours: float = 8.0
    rate: Callable[[float], float] | None = None
    ring_delay: tuple[float, float] = (0.0, 0.0)
    talk_cv: float = 1.0


class Call:
    __slots__ = ("placed", "ringing", "state", "answered_at", "campaign")

    def __init__(self, placed):
        self.placed = placed
        self.ringing = None
        self.state = 0


class Agent:
    __slots__ = ("state", "since", "end")


def lognormal(rng, mean, cv):
    s2 = math.log(1 + cv * cv)
    return rng.lognormvariate(math.log(mean) - s2 / 2, math.sqrt(s2))


class Model:
    def __init__(self, world, seed, policy):
        self.w = world
        self.rng = random.Random(seed)
        self.policy = policy
        self.now = 0.0
        self.heap = []
        self.seq = 0
        self.free = deque()
        self.talk = {}
        self.wrap = {}
        self.calls = {}
        self.waiting = deque()
        self.placed = self.answered = self.abandoned = self.cancelled = 0
        self.busy = 0.0
        self.log = []  # (t, answered, abandoned)
        self.known_end = {}

    def at(self, t, kind, obj):
        self.seq += 1
        heapq.heappush(self.heap, (t, self.seq, kind, obj))

    def run(self):
        w = self.w
        end = w.hours * 3600
        for i in range(w.agents):
            self.free.append(i)
        self.at(0.0, "tick", None)
        heap = self.heap
        while heap:
            t, _, kind, obj = heapq.heappop(heap)
            if t > end:
                break
            self.now = t
            if getattr(self, kind)(obj):
                self.steer()
        for since in (*self.talk.values(), *self.wrap.values()):
            self.busy += end - since
        return self.figures(end)

    def tick(self, _):
        self.at(self.now + TICK, "tick", None)
        return True

    def steer(self):
        place, cancel = self.policy.decide(self)
        for call in cancel:
            del self.calls[call]
            call.state = 9
            self.cancelled += 1
            self.policy.call_cancelled(self.now, call)
        for _ in range(place):
            self.place()

    def place(self):
        rng = self.rng
        call = Call(self.now)
        self.placed += 1
        self.calls[call] = None
        d = rng.uniform(*self.w.ring_delay)
        p = self.w.rate(self.now) if self.w.rate else self.w.p
        u = rng.random()
        if u < p:
            self.at(self.now + d, "rings", call)
            self.at(self.now + d + rng.uniform(6, 25), "answer", call)
        elif rng.random() < 0.9:
            self.at(self.now + d, "rings", call)
            self.at(self.now + d + 25, "unanswered", call)
        else:
            self.at(self.now + rng.uniform(1, 5), "unanswered", call)

    def rings(self, call):
        if call.state == 0:
            call.ringing = self.now
        return False

    def answer(self, call):
        if call.state:
            return False
        del self.calls[call]
        call.state = 1
        self.answered += 1
        self.log.append((self.now, 1, 0))
        self.policy.call_answered(self.now, call)
        if self.free:
            self.join(self.free.popleft())
        else:
            self.waiting.append(call)
            self.at(self.now + HOLD, "gives_up", call)
        return True

    def join(self, agent):
        self.talk[agent] = self.now
        t = lognormal(self.rng, 180, self.w.talk_cv)
        x = lognormal(self.rng, 30, 0.5)
        self.known_end[agent] = self.now + t + x
        self.at(self.now + t, "hangs_up", (agent, x))

    def unanswered(self, call):
        if call.state:
            return False
        del self.calls[call]
        call.state = 2
        self.policy.call_ended(self.now, call)
        return True

    def gives_up(self, call):
        if call.state != 1 or call not in self.waiting:
            return False
        self.waiting.remove(call)
        call.state = 3
        self.abandoned += 1
        self.log.append((self.now, 0, 1))
        self.policy.call_abandoned(self.now, call)
        return True

    def hangs_up(self, pair):
        agent, x = pair
        since = self.talk.pop(agent)
        self.busy += self.now - since
        self.policy.talk_ended(self.now, self.now - since)
        self.wrap[agent] = self.now
        self.at(self.now + x, "wrapped", agent)
        return True

    def wrapped(self, agent):
        since = self.wrap.pop(agent)
        self.busy += self.now - since
        self.policy.wrap_ended(self.now, self.now - since)
        del self.known_end[agent]
        if self.waiting:
            call = self.waiting.popleft()
            call.state = 4
            self.join(agent)
        else:
            self.free.append(agent)
        return True

    def figures(self, end):
        return {
            "util": self.busy / end / self.w.agents,
            "abandon": self.abandoned / max(1, self.answered),
            "answered": self.answered,
            "dials": self.placed / max(1, self.answered - self.abandoned),
            "hour": worst_hour(self.log),
            "hour100": worst_hour(self.log, inside=True),
        }


def worst_hour(log, inside=False):
    window = deque()
    n = a = total = 0
    worst = 0.0
    for t, x, y in log:
        window.append((t, x, y))
        n += x
        a += y
        total += x
        while window[0][0] <= t - 3600:
            _, x0, y0 = window.popleft()
            n -= x0
            a -= y0
        if (n if inside else total) >= 100 and n:
            worst = max(worst, a / n)
    return worst
