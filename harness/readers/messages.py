"""Messages with role and content are how ms-swift, OpenAI and TRL write conversations."""

from pydantic import Field

from harness.readers.parsing.turns import MessageTags
from harness.readers.sharegpt import Sharegpt


class Messages(Sharegpt):
    """Rows {"messages": [{"role": …, "content": …}, …]}, read as `sharegpt` reads its conversations.

    Roles are system, user, assistant, tool_call and tool_response; `tags` names others.
    """

    messages: str = "messages"
    """The key of the turns."""
    tags: MessageTags = Field(default_factory=MessageTags)
    """How a turn names its role and its text, and how the roles are called."""
