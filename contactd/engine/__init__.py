"""The floor that moves: planner, sender, dialer and timetable carry out what the domain decided.

Promise: the rules are asked again in the transaction that commits an intent, and no contact is made twice. It uses
intake, store, channels and telephony; web, daemon and cli use it.
"""
