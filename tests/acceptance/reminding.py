"""A campaign that reminds by e-mail, for tests to which it does not matter which."""

CAMPAIGN = """\
id = "standard"
language = "de"
timezone = "Europe/Berlin"
[[step]]
id = "reminder"
day = 3
channel = "email"
template = "erinnerung"
"""
