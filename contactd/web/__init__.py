"""The floor that shows: health, metrics, webhooks and the HTTP interface.

Promise: a request is answered only after what it brought is committed. It uses engine and all below; only daemon and
cli use it.
"""
