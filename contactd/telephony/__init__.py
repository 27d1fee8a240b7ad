"""The floor that calls: telephone calls out, one file a carrier or exchange behind one protocol.

Promise: a backend reports what happened to a call as events of the domain and decides nothing. It uses config and
domain; it knows neither store nor channels.
"""
