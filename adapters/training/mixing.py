"""How much general data is mixed into a training, as a suite writes it: a ratio, a number of rows, or both."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

MOST = 1000  # general rows for each of the tasks' rows: a larger ratio can only be meant as a number of rows
PROPORTION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*:\s*(\d+(?:\.\d+)?)\s*")  # domain : general


def _check_ratio(value: Any) -> Any:
    """Raise ValueError, with all that may stand there, for what is no ratio."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f'must be a ratio such as 0.5 or "1:1", or {{max_samples: 500}}, not {value}')
    if isinstance(value, str) and PROPORTION.fullmatch(value) is None:
        raise ValueError(f"a ratio in text is written domain:general, e.g. 1:1, 2:1 or 0:1, not '{value[:40]}'")
    share = Share.of(value)
    ratio = math.nan if share.ratio is None else share.ratio
    if not 0 <= ratio <= MOST:
        raise ValueError(f"a ratio is a number from 0 to {MOST:,}, not {value}; for a number of rows use max_samples")
    if not share.keeps_domain and not ratio:
        raise ValueError("0:0 leaves no row to learn; write 1:0 for no general data, 0:1 for nothing else")
    return value


Ratio = Annotated[float | str, BeforeValidator(_check_ratio)]


class MixedRows(BaseModel):
    """How much of a data set is mixed in, where a ratio alone does not say it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    ratio: Ratio | None = None
    """Rows for each row of the tasks (0.5), or "domain:general"; null: max_samples, or all rows."""
    max_samples: int | None = Field(None, ge=1)
    """Most rows of the data set; null: as many as the ratio says."""


Mix = Annotated[
    Annotated[Ratio, Tag("ratio")] | Annotated[MixedRows, Tag("rows")],
    Discriminator(lambda value: "rows" if isinstance(value, dict | MixedRows) else "ratio"),
]


@dataclass(frozen=True)
class Share:
    """How many rows of a data set a training takes."""

    ratio: float | None  # for each row of the tasks and texts; None: whatever their number
    keeps_domain: bool = True  # whether the rows of the tasks and texts are learnt too
    most: int | None = None

    @classmethod
    def of(cls, mix: float | str | MixedRows) -> "Share":
        """What `mix` gives for a data set: 0.5 and "2:1" are one general row for two of the tasks' rows."""
        if isinstance(mix, MixedRows):
            share = cls(None) if mix.ratio is None else cls.of(mix.ratio)
            return cls(share.ratio, share.keeps_domain, mix.max_samples)
        parts = PROPORTION.fullmatch(mix) if isinstance(mix, str) else None
        if parts is None:
            return cls(float(mix))
        domain, general = map(float, parts.groups())
        return cls(general / domain if domain else general, domain > 0)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is mixed in: 1:0."""
        return self.ratio == 0

    def count(self, domain: int, available: int) -> int:
        """Rows to take beside `domain` rows of the tasks and texts; all there are where the ratio asks for more."""
        count = available if self.ratio is None else round(self.ratio * domain)
        return min(count, available, available if self.most is None else self.most)


def mixing_mistake(mix: Mapping[str, float | str | MixedRows], has_domain: bool) -> str | None:
    """Why the entries of `mix` do not go together, or with the tasks and texts that a training has."""
    shares = {name: Share.of(value) for name, value in mix.items()}
    if not has_domain:
        related = next((name for name, share in shares.items() if share.ratio is not None), None)
        if related is None:
            return None
        return (
            f"mix.{related}: with no task in on and no text in texts there is nothing to be in a ratio to; give a "
            "number of rows, e.g. {max_samples: 500}, or name the task and write 0:1"
        )
    dropping = [name for name, share in shares.items() if not share.keeps_domain]
    keeping = [name for name, share in shares.items() if share.keeps_domain and share.ratio is not None]
    if dropping and keeping:
        return (
            f"mix.{dropping[0]} leaves out the rows of tasks and texts (0:…), mix.{keeping[0]} does not; "
            "give both the same side"
        )
    return None
