"""contactd: a daemon that contacts overdue accounts by e-mail, SMS and telephone, and logs every contact.

Floors, top to bottom: cli, daemon, web, engine, intake, store | channels | telephony, config, domain. A module imports
from its own floor and below; import-linter checks it (the contracts stand in pyproject.toml).
"""
