"""Messages and letters: composed, sent, settled with the providers."""
