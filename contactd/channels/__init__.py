"""The floor that reaches: messages out by e-mail, SMS and letter, one file a provider behind one protocol.

Promise: a backend returns what the provider accepted or raises one of the errors of the domain, nothing else. It uses
config and domain; it knows neither store nor telephony.
"""
