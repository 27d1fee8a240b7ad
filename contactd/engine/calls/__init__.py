"""Telephone calls: what is dialled for whom and how fast, each call's life, the agents at work."""
