"""An agent at a terminal: the telephone rings at sign-in, a real customer is put through, another number is dialled."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from contactd.cli.control import ask
from contactd.config.load import load
from contactd.store.database import open_database
from contactd.store.schema import account
from tests.calls import town as people
from tests.calls.asterisk import Asterisk
from tests.calls.network import Network
from tests.calls.office import at_work, owe, write

SHOWN = "+493023125011"  # the campaign's own
MOBILE, AT_HOME = people.PROMPT.number(60), people.PROMPT.number(61)


async def test_an_agent_works_with_real_calls_from_a_terminal(pbx: Asterisk, network: Network, tmp_path: Path) -> None:
    config = write(tmp_path, pbx, agents=1, step=f'mode = "progressive"\ncaller_id = "{SHOWN}"')
    settings = load(config)
    database = open_database(settings.database_url)
    owe(database, [AT_HOME])
    with database.transaction() as connection:
        connection.execute(sa.update(account).values(mobile=MOBILE))
    before = len(network.calls())

    async def anna(*order: str) -> dict[str, Any]:
        return await asyncio.to_thread(ask, settings.control_path, "POST", "/".join(["/agents/anna", *order]))

    async def until(holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(60):
            while True:
                [shown] = (await asyncio.to_thread(ask, settings.control_path, "GET", "/agents"))["agents"]
                if holds(shown):
                    return dict(shown)
                await asyncio.sleep(0.05)

    async with at_work(config, sign_in=False) as office:
        assert (await anna("sign-in"))["state"] == "phone_wait"
        shown = await until(lambda agent: agent["call_state"] == "connected")
        assert (shown["number"], shown["account"]) == (MOBILE, AT_HOME.removeprefix("+"))
        await anna("hold")
        await until(lambda agent: agent["call_state"] == "hold")
        await anna("retrieve")
        await until(lambda agent: agent["call_state"] == "connected")
        await anna("dial", "dropped", AT_HOME)
        await until(lambda agent: agent["number"] == AT_HOME and agent["call_state"] == "connected")
        assert (await anna("done", "promise"))["state"] == "ready"
        await office.finish()
        assert (await anna("sign-out"))["state"] == "offline"
    database.close()
    calls = [(call.number, call.caller) for call in network.calls()[before:] if not call.number.startswith("agent")]
    assert calls == [(MOBILE.removeprefix("+"), SHOWN), (AT_HOME.removeprefix("+"), SHOWN)]
