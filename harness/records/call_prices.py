"""What calls of one model cost while they are made."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPrice:
    """By the token, or by the time of the machine."""

    currency: str
    million_tokens_in: float = 0.0
    million_tokens_out: float = 0.0
    device_hour: float = 0.0

    def of(self, tokens_in: int, tokens_out: int, seconds: float) -> float:
        """The price of so many tokens in so many seconds."""
        by_token = self.million_tokens_in * tokens_in + self.million_tokens_out * tokens_out
        return by_token / 1e6 + self.device_hour * seconds / 3600
