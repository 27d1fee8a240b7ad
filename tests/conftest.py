"""What holds for every test: fixtures more than one folder uses, and the rule about missing parts."""

pytest_plugins = [
    "tests.missing_parts",
    "tests.calls.servers",  # `pbx`, `network`, `ari`, `town`, `line`
    "tests.databases",  # `database` and `database_url`
    "tests.telephony.carriers",  # `bench`
]
