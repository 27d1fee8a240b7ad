"""How the process of a daemon is prepared."""

import gc

from contactd.cli.running import settle


def test_what_has_been_loaded_is_left_out_of_later_rounds_of_the_garbage_collector() -> None:
    before = gc.get_freeze_count()
    settle()
    try:
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
