"""What accounts owe by law, what is charged, given up, handed over and proved to a court."""
