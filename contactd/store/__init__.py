"""The floor that remembers: accounts, attempts and the contact log, in SQLite or PostgreSQL by the same functions.

Promise: functions take a connection and the caller owns the transaction; a transition and its log row are committed
together or not at all. It uses config and domain; it knows neither channels nor telephony.
"""
