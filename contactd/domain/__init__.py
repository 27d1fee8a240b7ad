"""The floor that decides: the rules of dunning, calling and paying, as plain functions and values.

Promise: standard library only, and of that nothing that reads a clock, draws a random number, logs, waits or touches a
file. The same arguments give the same answer. Every floor above may use it; it uses none.
"""
