"""A working day of the dialer without anybody being called: people, agents and a store that are made up.

Promise: the engine that works here is the one that works in the daemon; only what surrounds it is replaced.
"""
