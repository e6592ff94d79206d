"""Messages with role and content are how ms-swift, OpenAI and TRL write conversations."""

from pydantic import Field

from harness.readers.parsing.turns import MessageTags
from harness.readers.sharegpt import Sharegpt


class Messages(Sharegpt):
    """Rows {"messages": [{"role": …, "content": …}, …]}, read as `sharegpt` reads its conversations.

    Roles are system, user, assistant, tool_call and tool_response; `tags` names others.
    """

    messages: str = "messages"
    tags: MessageTags = Field(default_factory=MessageTags)
