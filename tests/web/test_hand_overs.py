"""Hand-overs over HTTP: the model and the JSON of the command line, by two callers."""

import json

from tests.web.frame import AGREEING, CHIEF, Frame, Visitor
from tests.web.lists import ACCOUNTS, row, send, told

HAND_OVERS = "/api/v1/hand-overs"
ASKED = {"account": "K-1", "to": "court", "reason": "nothing helped", "anyway": "limitation at year's end"}


async def test_one_caller_proposes_another_approves_and_it_is_listed_and_withdrawn(
    frame: Frame, visitor: Visitor
) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    made = told(await send(visitor, HAND_OVERS, ASKED, token=AGREEING))
    assert (made["to"], made["state"], made["proposed_by"]) == ("court", "proposed", "api:crm")
    assert made["against"] == ["no letter or e-mail of this case has announced it"]
    whose = {"account": "K-1", "reason": "agreed"}
    own = await send(visitor, f"{HAND_OVERS}/approve", whose, token=AGREEING)
    assert (own.status, "somebody else has to approve it" in told(own)["error"]) == (409, True)
    approved = told(await send(visitor, f"{HAND_OVERS}/approve", whose, token=CHIEF))
    assert (approved["state"], approved["decided_by"], approved["decision"]) == ("approved", "api:chief", "agreed")
    answer = await visitor.get(HAND_OVERS, Authorization=f"Bearer {CHIEF}")
    assert [one["account"] for one in json.loads(answer.body)["hand_overs"]] == ["K-1"]
    back = told(await send(visitor, f"{HAND_OVERS}/withdraw", whose, token=AGREEING))
    assert back["state"] == "withdrawn"
    assert frame.woken


async def test_what_is_asked_wrongly_is_told(visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    for changed, status, words in (
        ({"to": "police"}, 422, "one of court, lawyer, agency"),
        ({"colour": "red"}, 422, "is no key here"),
        ({"reason": ""}, 422, "say why"),
        ({"anyway": ""}, 409, "has announced it"),
        ({"account": "K-9"}, 404, "there is no account 'K-9'"),
    ):
        answer = await send(visitor, HAND_OVERS, ASKED | changed, token=AGREEING)
        assert answer.status == status
        assert words in told(answer)["error"]
    assert (await send(visitor, HAND_OVERS, ASKED)).status == 403
    assert (await visitor.get(HAND_OVERS)).status == 401
