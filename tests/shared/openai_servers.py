"""The stand-ins of the two servers of OpenAI's form that people run themselves: llama.cpp's and vLLM's."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.shared.engines import Body, Ending, Engine
from tests.shared.http_stand_in import HttpReply, RefusedError
from tests.shared.ollama_replies import strange_part
from tests.shared.openai_stand_in import OpenAIStandIn, Work, embeddings, number_of

SMOLLM_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


class LlamaServer(OpenAIStandIn):
    """llama.cpp's server: tells its context, slots and template at /props, its rendering at /apply-template."""

    numbers_tokens = True

    def __init__(
        self, engine: Engine, *, template: str = SMOLLM_TEMPLATE, embeds: bool = False, aliases: Sequence[str] = (),
        **settings: Any,
    ) -> None:  # fmt: skip
        super().__init__(engine, template=template, **settings)
        self.fingerprint = "b0-unknown"
        self.embeds = embeds
        self.aliases = [self.model, *aliases]

    def unknown_path(self) -> RefusedError:
        return RefusedError(404, "File Not Found", "not_found_error", code=404)

    def error(self, path: str, refusal: RefusedError) -> Body:
        return {"error": {"code": refusal.status, "message": str(refusal), "type": refusal.kind, **refusal.details}}

    def looked_up(self, path: str) -> HttpReply:
        if path == "/health":
            return HttpReply(parts=[{"status": "ok"}])
        if path == "/props":
            return HttpReply(parts=[self._props()])
        if path == "/v1/models":
            return HttpReply(parts=[self._models()])
        raise self.unknown_path()

    def _props(self) -> Body:
        return {
            "default_generation_settings": {"n_ctx": self.context}, "total_slots": self.queue.parallel,
            "model_alias": self.model, "model_ftype": "Q4_1", "model_path": f"models/{self.model}.gguf",
            "modalities": {"vision": False, "video": False, "audio": False}, "endpoint_slots": True,
            "endpoint_props": False, "endpoint_metrics": False, "chat_template": self.template,
            "bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "build_info": self.fingerprint, "is_sleeping": False,
        }  # fmt: skip

    def _models(self) -> Body:
        meta = {"n_ctx": self.context, "n_ctx_train": self.engine.trained, "n_embd": self.engine.width, "ftype": "Q4_1"}
        meta |= {"vocab_type": 2, "n_vocab": 49152, "n_params": 134515008, "size": 96576768}
        data = {"id": self.model, "aliases": self.aliases, "tags": [], "object": "model", "created": int(time.time())}
        nothing = dict.fromkeys(("modified_at", "size", "digest", "description", "parameters"), "")
        details = {"parent_model": "", "format": "gguf", "family": "", "families": [""], "parameter_size": ""}
        old = {"name": self.model, "model": self.model, **nothing, "type": "model", "tags": [""]}
        old |= {"capabilities": ["completion"], "details": details | {"quantization_level": ""}}
        return {"models": [old], "object": "list", "data": [data | {"owned_by": "llamacpp", "meta": meta}]}

    def looked_into(self, path: str, body: Body) -> HttpReply:
        if path == "/apply-template":
            if not body.get("messages"):
                raise RefusedError(400, "'messages' is required", "invalid_request_error")
            return HttpReply(parts=[{"prompt": self.render(body["messages"])}])
        if path == "/tokenize":
            tokens = self.engine.tokens(body.get("content", ""))
            return HttpReply(parts=[{"tokens": [number_of(token) for token in tokens]}])
        if path == "/v1/embeddings":
            if not self.embeds:
                error = "This server does not support embeddings. Start it with `--embeddings`"
                raise RefusedError(501, error, "not_supported_error")
            return HttpReply(parts=[embeddings(self.engine, self.model, body)])
        raise self.unknown_path()

    def _native(self, body: Body, text: str, *, is_chat: bool) -> Body:
        """A text is continued by a schema in `json_schema`; `response_format` is not read there."""
        if is_chat:
            return super()._native(body, text, is_chat=is_chat)
        native = super()._native({**body, "response_format": None}, text, is_chat=is_chat)
        return native | ({"format": body["json_schema"]} if body.get("json_schema") else {})

    def check(self, body: Body) -> None:
        if body.get("top_logprobs") and not body.get("logprobs"):
            raise RefusedError(400, "top_logprobs requires logprobs to be set to true", "invalid_request_error")
        schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema") or body.get("json_schema")
        strange = strange_part(schema) if isinstance(schema, Mapping) else None
        if strange is not None:
            template = "Unable to generate parser for this template. Automatic parser generation failed"
            unknown = f"Unrecognized schema: {json.dumps(strange, separators=(',', ':'))}"
            raise RefusedError(400, f"{template}: JSON schema conversion failed:\n{unknown}", "invalid_request_error")

    def fit(self, tokens: list[Any], wanted: int | None) -> list[Any]:
        if len(tokens) < self.context:
            return tokens
        size = f"request ({len(tokens)} tokens) exceeds the available context size ({self.context} tokens)"
        counts = {"n_prompt_tokens": len(tokens), "n_ctx": self.context}
        raise RefusedError(400, f"{size}, try increasing it", "exceed_context_size_error", **counts)

    def counted(self, tokens_in: int, ending: Ending) -> Body:
        counted = super().counted(tokens_in, ending)
        counted["usage"]["prompt_tokens_details"] = {"cached_tokens": ending.cached}
        prompt_ms, predicted_ms = ending.prompt_seconds * 1000, ending.seconds * 1000
        worked, made = max(1, tokens_in - ending.cached), max(1, ending.tokens_out)
        timings = {
            "cache_n": ending.cached, "prompt_n": tokens_in - ending.cached, "prompt_ms": prompt_ms,
            "prompt_per_token_ms": prompt_ms / worked, "prompt_per_second": worked / max(prompt_ms / 1000, 1e-9),
            "predicted_n": ending.tokens_out, "predicted_ms": predicted_ms,
            "predicted_per_token_ms": predicted_ms / made, "predicted_per_second": made / max(predicted_ms / 1000, 1e-9),
        }  # fmt: skip
        return counted | {"timings": timings}

    def counted_at_the_end(self, work: Work, counted: Body) -> tuple[Body, Body | None]:
        last, behind = super().counted_at_the_end(work, counted)
        return (last, behind) if behind is not None else ({"timings": counted["timings"]}, None)


class Vllm(OpenAIStandIn):
    """vLLM: tells its version at /version, counts a conversation at /tokenize, and scores a prompt with `echo`."""

    def __init__(self, engine: Engine, *, version: str = "0.11.0", **settings: Any) -> None:
        super().__init__(engine, **settings)
        self.version = version

    def unknown_path(self) -> RefusedError:
        return RefusedError(404, "Not Found", "NotFoundError", code=404)

    def looked_up(self, path: str) -> HttpReply:
        if path == "/version":
            return HttpReply(parts=[{"version": self.version}])
        if path == "/health":
            return HttpReply(parts=[], text=" ")
        if path == "/v1/models":
            model = {"id": self.model, "object": "model", "created": int(time.time()), "owned_by": "vllm"}
            model |= {"root": self.model, "parent": None, "max_model_len": self.context, "permission": []}
            return HttpReply(parts=[{"object": "list", "data": [model]}])
        raise self.unknown_path()

    def looked_into(self, path: str, body: Body) -> HttpReply:
        if path == "/tokenize":
            text = self.render(body["messages"]) if body.get("messages") else str(body.get("prompt", ""))
            tokens = [number_of(token) for token in self.engine.tokens(text)]
            counts = {"count": len(tokens), "max_model_len": self.context, "tokens": tokens, "token_strs": None}
            return HttpReply(parts=[counts])
        if path == "/detokenize":
            return HttpReply(parts=[{"prompt": "".join(map(chr, body["tokens"]))}])  # of a script: a character a token
        raise self.unknown_path()

    def check(self, body: Body) -> None:
        if body.get("model") not in (None, self.model):
            error = f"The model `{body['model']}` does not exist."
            raise RefusedError(404, error, "NotFoundError", param="model", code=404)
        if (body.get("top_logprobs") or 0) > 20:
            error = f"Requested sample logprobs of {body['top_logprobs']}, which is greater than max allowed: 20"
            raise RefusedError(400, error, "BadRequestError", code=400)

    def fit(self, tokens: list[Any], wanted: int | None) -> list[Any]:
        if len(tokens) + (wanted or 1) <= self.context:
            return tokens
        limit = f"This model's maximum context length is {self.context} tokens"
        asked = f"However, you requested {len(tokens) + (wanted or 0)} tokens ({len(tokens)} in the messages"
        error = f"{limit}. {asked}, {wanted or 0} in the completion). Please reduce the length of the messages or completion."
        raise RefusedError(400, error, "BadRequestError", code=400)

    def message(self, content: str, thinking: str) -> Body:
        nothing = {"refusal": None, "annotations": None, "audio": None, "function_call": None, "tool_calls": []}
        return {"role": "assistant", "content": content, **nothing, "reasoning_content": thinking or None}

    def choice(self, fields: Body, reason: str | None, logprobs: list[Body]) -> Body:
        usual = super().choice(fields, reason, logprobs)
        return {"logprobs": None, **usual, "stop_reason": None}

    def counted(self, tokens_in: int, ending: Ending) -> Body:
        counted = super().counted(tokens_in, ending)
        counted["usage"]["prompt_tokens_details"] = None
        return counted

    def _whole(self, work: Work, is_gone: Callable[[], bool]) -> Body:
        whole = super()._whole(work, is_gone)
        if work.is_chat or not work.body.get("echo"):
            return whole
        text = str(work.body["prompt"])
        likely = scored(text)
        noted = {"tokens": list(text), "token_logprobs": likely, "text_offset": list(range(len(text)))}
        noted["top_logprobs"] = [None if p is None else {c: p} for c, p in zip(text, likely, strict=True)]
        whole["choices"][0] |= {"text": text + whole["choices"][0]["text"], "logprobs": noted}
        return whole


def scored(text: str) -> list[float | None]:
    """The log-probability of each character after those before it, by a rule: seen before is likely, new is not."""
    return [None, *(-0.5 if text[i] in text[:i] else -3.0 for i in range(1, len(text)))][: len(text)]
