"""What a check has to answer."""

from typing import ClassVar

import msgspec

from actions.world import Report, World


class Check(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A check: its fields are its `with:` keys."""

    NAME: ClassVar[str]

    async def judge(self, world: World) -> Report:
        """Look, and say yes, no, or that it cannot be told."""
        raise NotImplementedError
