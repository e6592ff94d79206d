"""The chat template of a server: the text that it makes of messages, where it tells that."""

from collections.abc import Mapping

from harness.models.chat_completions.served_engine import LLAMA_CPP, OLLAMA, ServedEngine, ServerRoot
from harness.models.remote.call_error import CallError
from harness.records.inputs import JSON, Prompt

FIELDS = ("chat_template", "chat_template_kwargs", "tools", "reasoning_format")  # of a request, that change a rendering


class ServedTemplate:
    """Renders prompts: llama.cpp at /apply-template, Ollama by a debug request, others by their tokens."""

    def __init__(self, root: ServerRoot, engine: ServedEngine, extra: Mapping[str, JSON]) -> None:
        self._root = root
        self._engine = engine
        self._extra = {name: extra[name] for name in FIELDS if name in extra}

    def render(self, prompt: Prompt) -> str | None:
        """The text that the server's model continues; None where the server does not tell it."""
        if not self._engine.name:
            return None
        messages: list[JSON] = [{"role": message.role, "content": message.content} for message in prompt]
        try:
            return self._text(messages)
        except CallError:
            return None

    def _text(self, messages: list[JSON]) -> str | None:
        body = {"model": self._root.model, "messages": messages}
        if self._engine.name == LLAMA_CPP:
            text = self._root.post("/apply-template", {**body, **self._extra}).get("prompt")
        elif self._engine.name == OLLAMA:
            content = self._root.post("/api/chat", {**body, "stream": False, "_debug_render_only": True})
            debug = content.get("_debug_info")
            text = debug.get("rendered_template") if isinstance(debug, dict) else None
        else:
            tokens = self._root.post("/tokenize", {**body, "add_generation_prompt": True, **self._extra}).get("tokens")
            if not isinstance(tokens, list) or not tokens:
                return None
            text = self._root.post("/detokenize", {"model": self._root.model, "tokens": tokens}).get("prompt")
        return text if isinstance(text, str) and text else None
