"""The floor that is typed: the command contactd, one file a family of verbs.

Promise: `contactd --help` stays fast, because a verb imports what it needs when it runs; exit codes tell a script what
happened. It may use everything; nothing uses it.
"""
