"""What every table of the configuration has in common; the models of config are made of it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, Strict

from contactd.config.secret import Secret

Port = Annotated[int, Field(ge=0, le=65535)]
# A TOML array is a list; strict mode would take nothing but a tuple.
LOOSE = Strict(strict=False)
NO_SECRET = Secret()


class Section(BaseModel):
    """A table: unknown keys are refused, nothing is converted silently, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)
