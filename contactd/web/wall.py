"""The wallboard: six figures that can be read from across the room, and why nothing is dialled; app.py mounts it."""

from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from contactd.channels.wording import money
from contactd.config.wall import Wall
from contactd.domain.agent import State
from contactd.domain.money import Money
from contactd.domain.phrase import Phrase
from contactd.domain.role import Role
from contactd.web import reasons
from contactd.web.board import EVERY, TREND, WALL, Board, Floor
from contactd.web.desk_state import clock_of
from contactd.web.figures import Line, share
from contactd.web.hub import Hub, Topic
from contactd.web.pages import Pages
from contactd.web.visitors import Viewer, viewer_of
from contactd.web.window import Window
from contactd.web.words import _, said

_SAMPLES = int(TREND.total_seconds() / 10) + 1
_NEAR = 0.75  # of the limit
GOOD, WARN, BAD = "good", "warn", "bad"


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure: `more` stands behind it in small, `notes` below; `mark` says in a word what its colour says."""

    name: str
    label: str
    value: str
    more: str
    notes: tuple[Phrase, ...]
    line: Line
    look: str = ""
    mark: str = ""


def routes(window: Window, pages: Pages, hub: Hub, board: Board) -> list[web.RouteDef]:
    """List the address, and let pages show the board."""

    async def tell(viewer: Viewer) -> str:
        floor = await board.look()
        key = WALL, viewer.language
        return board.keep(key, floor) or str(board.keep(key, floor, _text(window, pages, viewer, floor)))

    async def show(request: web.Request) -> web.StreamResponse:
        return pages.show(request, "wall.html", board=await tell(viewer_of(request)))

    hub.add(Topic(WALL, Role.SUPERVISOR, tell, EVERY))
    return [web.get("/wall", show)]


def _text(window: Window, pages: Pages, viewer: Viewer, floor: Floor) -> str:
    settings = window.settings()
    told = why(floor, settings.claims.timezone, viewer.language)
    return pages.text(viewer, "wall_board.html", tiles=list(tiles(floor, settings.wall, viewer.language)), why=told)


def why(floor: Floor, zone: str, language: str) -> list[tuple[str, list[Phrase]]]:
    """Say for each team, by its name, what keeps it from dialling, or that nothing does."""
    return [(team, [reasons.why(one, zone, language) for one in told]) for team, told in floor.known.why.items()]


def tiles(floor: Floor, wall: Wall, language: str) -> Iterator[Tile]:
    """Work out the six figures."""
    yield _talking(floor, wall, language)
    yield _free(floor, wall)
    yield _abandoned(floor, language)
    total, promised = floor.known.total, floor.known.promises
    shown = share(total.right / total.answered, language) if total.answered else share(0, language)
    notes = (said(_("%(share)s of those who picked up"), share=shown), *_aim(wall.right_parties))
    yield Tile("right", _("Right parties"), str(total.right), "", notes, _line(floor, "right", wall.right_parties),
               _reached(total.right, wall.right_parties))  # fmt: skip
    sums = " + ".join(money(Money(minor, currency), language) for currency, minor in promised.amounts)
    notes = (said("%(sum)s", sum=sums or money(Money(0, "EUR"), language)), *_aim(wall.promises))
    yield Tile("promises", _("Promises"), str(promised.number), "", notes, _line(floor, "promises", wall.promises),
               _reached(promised.number, wall.promises))  # fmt: skip
    due = floor.known.callbacks["overdue"]
    notes = (said(_("agreed on in all: %(count)s"), count=floor.known.callbacks["waiting"]),)
    yield Tile("callbacks", _("Callbacks due"), str(due), "", notes, _line(floor, "callbacks"),
               WARN if due else GOOD, _("call back now") if due else "")  # fmt: skip


def _talking(floor: Floor, wall: Wall, language: str) -> Tile:
    talking, there = floor.in_state(State.TALK), floor.signed_in
    part = talking / there if there else 0.0
    notes = [said(_("%(share)s talk"), share=share(part, language))]
    if wall.talking:
        notes.append(said(_("target %(target)s"), target=share(wall.talking, language)))
    low = bool(wall.talking and there and part < wall.talking)
    look = WARN if low else GOOD if wall.talking and there else ""
    line = _line(floor, "talking", wall.talking * there)
    return Tile("talking", _("Talking"), str(talking), f"/ {there}", tuple(notes), line, look, _("few") if low else "")


def _free(floor: Floor, wall: Wall) -> Tile:
    wait, free = floor.longest_wait, floor.in_state(State.READY)
    target = said(_("target %(target)s"), target=clock_of(wall.wait.total_seconds()))
    longest = said(_("longest wait %(wait)s"), wait=clock_of(wait.total_seconds()))
    notes = (longest, target) if free else (target,)
    long = wait > wall.wait
    look = WARN if long else GOOD if free else ""
    return Tile("free", _("Free"), str(free), "", notes, _line(floor, "free"), look, _("waits long") if long else "")


def _abandoned(floor: Floor, language: str) -> Tile:
    total, limit = floor.known.total, floor.limit
    notes = [said(_("%(lost)s of %(answered)s today"), lost=total.abandoned, answered=total.answered)]
    if limit:
        notes.append(said(_("limit %(limit)s"), limit=share(limit, language)))
    rate, line = total.abandon_rate, _line(floor, "abandoned", limit)
    look, mark = (GOOD, "") if total.answered else ("", "")
    if limit and rate > limit:
        look, mark = BAD, _("above the limit")
    elif limit and rate > _NEAR * limit:
        look, mark = WARN, _("near the limit")
    return Tile("abandoned", _("Abandoned"), share(rate, language), "", tuple(notes), line, look, mark)


def _aim(target: int) -> tuple[Phrase, ...]:
    return (said(_("target %(target)s"), target=target),) if target else ()


def _reached(value: int, target: int) -> str:
    return GOOD if target and value >= target else ""


def _line(floor: Floor, name: str, target: float = 0.0) -> Line:
    return Line(floor.trends[name], _SAMPLES, target)
