"""Names for strings that must not be mixed up."""

from typing import NewType

Token = NewType("Token", str)  # the thing bought: YES or NO of one bracket
OrderId = NewType("OrderId", str)
CommandId = NewType("CommandId", str)
RunId = NewType("RunId", str)
