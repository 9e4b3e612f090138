"""Words that bodies about payments are written with."""

from typing import Annotated, Literal

from pydantic import Field

Method = Literal["bank_transfer", "direct_debit", "card", "cash", "cheque", "other"]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
