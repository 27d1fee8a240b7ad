"""Notes in the audit log that somebody hears an agent no more, however it came to an end; app.py keeps it up."""

from functools import partial

from contactd.domain.happened import Supervised
from contactd.engine.errands import Errands, insist
from contactd.store import audit
from contactd.store.audit import Deed
from contactd.web.window import Window


def note_ends(window: Window) -> Errands:
    """Listen from now on; answers what is being written. That somebody begins is noted where it is asked for."""
    errands = Errands()

    async def write(deed: Deed) -> None:
        await window.commit.run(lambda connection: audit.add(connection, deed))

    def hear(event: object) -> None:
        if isinstance(event, Supervised) and not event.how:
            deed = Deed(window.clock.now(), event.supervisor, "hear no more", f"agent:{event.agent}")
            errands.run(partial(insist, partial(write, deed), window.clock))

    window.bus.listen(hear)
    return errands
