"""Which accounts are taken up, for which step and when; proposed, approved, explained."""
