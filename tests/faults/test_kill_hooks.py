"""A daemon that is killed between sending an event and noting it sends it again, under the same id."""

import asyncio
from functools import partial
from pathlib import Path

from contactd.store import hooks
from tests.fakes.hook_server import SECRET, hook_server
from tests.faults.life import Life, until
from tests.faults.stage import Stage, open_stage

_HOOK = '[[webhooks]]\nname = "crm"\nurl = "{url}"\nsecret = {{ file = "hook" }}\nevents = ["outcome"]\n'
_PATIENCE = 90


def known(stage: Stage) -> bool:
    """Tell whether the daemon has begun to follow the log for the webhook."""
    with stage.database.snapshot() as connection:
        return bool(hooks.listed(connection))


async def begin(life: Life) -> None:
    """Start the daemon without keeping the listener's loop from its work."""
    await asyncio.to_thread(life.start)
    await asyncio.to_thread(life.wait_ready)


async def test_an_event_that_was_sent_and_not_noted_is_sent_again(tmp_path: Path, database_url: str) -> None:
    with open_stage(tmp_path, database_url, emails=0, texts=1) as stage:
        async with hook_server() as listener:
            life = stage.life("one")
            (life.folder / "hook").write_text(SECRET)
            with life.config.open("a") as config:
                config.write(_HOOK.format(url=listener.url))
            listener.hung = True
            await begin(life)
            await asyncio.to_thread(until, partial(known, stage), _PATIENCE, life.log_tail)
            assert await asyncio.to_thread(life.plan, "sms")
            await listener.asked.wait()
            await asyncio.to_thread(life.kill)
            assert listener.taken == []
            listener.hung = False
            await begin(life)
            await asyncio.to_thread(until, lambda: bool(listener.taken), _PATIENCE, life.log_tail)
            assert await asyncio.to_thread(life.stop) == 0
    assert listener.taken[0] == listener.ledger[0].id
    assert all(one.genuine for one in listener.ledger)
    assert life.logged("started")
