"""The floor that is told: TOML files become checked, typed settings, or errors that name file, line and key.

Promise: whoever holds a configuration object holds a valid one. It uses the domain; every floor above may use it.
"""
