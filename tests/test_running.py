"""How the process of a daemon is prepared."""

import gc

from contactd.cli.running import settle


def test_full_rounds_of_the_garbage_collector_are_rare_and_leave_out_what_has_been_loaded() -> None:
    before, thresholds = gc.get_freeze_count(), gc.get_threshold()
    settle()
    try:
        assert gc.get_freeze_count() > before
        assert gc.get_threshold() == (*thresholds[:2], 100)
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
