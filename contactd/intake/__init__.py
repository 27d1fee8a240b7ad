"""The floor that receives: foreign files and records of accounts and payments become values of the domain.

Promise: every row is taken or rejected with its number, column and reason, and the same file again changes nothing. It
uses store, config and domain; engine and all above may use it.
"""
