"""How long what is personal is kept; a part of contactd.toml."""

from contactd.config.section import Section
from contactd.config.values import Days, Years


class Retention(Section):
    """When what is personal is erased, by a job each night; the chain of the contact log stays whole."""

    contact_log: Years = 6
    """Letters, messages, calls: texts, addresses and references, from the end of the year, once nothing is owed."""
    books: Years = 8
    """Accounts that owe nothing, with their invoices and payments, from the end of the year of the last one."""
    inbox: Days = 90
    """What providers and customers sent us, as they sent it, once it was acted on."""
    drafts: Days = 90
    """What an agent wrote of a conversation and never handed in."""
    webhooks: Days = 30
    """Events other software has not taken for a day, from when they were given up; the contact log stays."""
    audit: Years = 3
    """Who did what by page, over HTTP and at a terminal, from the end of the year."""
