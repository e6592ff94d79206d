"""Whether an adapter trained elsewhere belongs to a base, by names and shapes alone, and how it is attached."""

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters.external.adapter_folder import adapter_weights, format_shape, model_name
from adapters.methods.base.peft import bridged, unbridge
from harness.errors import ModelError, nearest
from harness.models.huggingface import HuggingFace
from harness.models.local.batches import out_of_memory
from harness.models.local.model_folder import tensor_shapes

PREFIX = "base_model.model."  # before the base's own names, in what PEFT saves
EMBEDDINGS = ("embed_tokens", "lm_head", "wte", "word_embeddings", "embed_in", "embed_out", "output_layer")
Shapes = Mapping[str, tuple[int, ...]]


def check_base_name(folder: Path, configuration: Any, base: HuggingFace) -> None:
    """Raise ModelError if the adapter says that it was trained on a model of another name."""
    trained_on = configuration.base_model_name_or_path
    if trained_on and model_name(trained_on).lower() != model_name(base.path).lower():
        raise ModelError(
            f"adapter {folder} was trained on {trained_on}, but its base here is {base.path}; name that base, or set "
            "other_name: true if it is the same model under another name"
        )


def check_tensors(folder: Path, configuration: Any, base: HuggingFace) -> None:
    """Raise ModelError unless the base takes each tensor of the adapter. Loads no weights."""
    from peft import get_peft_model
    from peft.utils import get_peft_model_state_dict

    stored = tensor_shapes(adapter_weights(folder))
    network = base.skeleton()
    base_shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    modules = [name for name, _ in network.named_modules() if name]
    _check_targets(folder, configuration, modules, stored, base)
    anonymous = copy.deepcopy(configuration)
    anonymous.base_model_name_or_path = None
    try:
        with _no_warnings():
            adapted = get_peft_model(network, anonymous, low_cpu_mem_usage=True)
            state = get_peft_model_state_dict(adapted, save_embedding_layers=False)
    except Exception as error:  # PEFT trusts its configuration: a wrong field fails in many ways
        reason = " ".join(str(error).split())
        raise ModelError(f"adapter {folder} cannot be attached to {base.path}: {reason}") from error
    expected = {name: tuple(value.shape) for name, value in state.items()}
    _compare(folder, expected, stored, base_shapes, f"{base.path}{_training_base(configuration)}")


def _compare(folder: Path, expected: Shapes, stored: Shapes, base_shapes: Shapes, base: str) -> None:
    """Raise ModelError for a missing, superfluous or misshapen tensor; whole weights of the base may be stored too."""
    missing = sorted(expected.keys() - stored.keys())
    extra = sorted(name for name in stored if name not in expected and base_tensor(name) not in base_shapes)
    for name, shape in sorted(stored.items()):
        right = expected.get(name) or base_shapes.get(base_tensor(name))
        if right is None or right == shape:
            continue
        if base_tensor(name).rpartition(".")[0].rpartition(".")[2] in EMBEDDINGS and right[1:] == shape[1:]:
            raise ModelError(
                f"adapter {folder} was trained with {shape[0]} words in its vocabulary, the base {base} has "
                f"{right[0]}; merge it where it was trained and name the merged folder as a huggingface model"
            )
        raise ModelError(
            f"adapter {folder} does not fit: {name} is {format_shape(shape)}, but {format_shape(right)} in {base}; "
            "name the base that it was trained on"
        )
    for names, problem in ((extra, "it has tensors that the base lacks"), (missing, "it lacks tensors")):
        if names:
            raise ModelError(
                f"adapter {folder} does not fit {base}: {problem}: {len(names)}, the first {names[0]}; name the base "
                "that it was trained on, or copy the folder again"
            )


def _check_targets(folder: Path, configuration: Any, modules: list[str], stored: Shapes, base: HuggingFace) -> None:
    """Raise ModelError if a module that the configuration names and the adapter has tensors for is missing."""
    targets = getattr(configuration, "target_modules", None)
    named = set() if isinstance(targets, str) or targets is None else set(targets)
    lacking = sorted(name for name in named if not any(f".{module}".endswith(f".{name}") for module in modules))
    used = [name for name in lacking if any(f".{name}." in tensor for tensor in stored)]
    missing = used or (lacking if set(lacking) == named else [])
    unsaved = _missing_saved_modules(configuration, modules)
    for field, names in (("target_modules", missing), ("modules_to_save", unsaved)):
        if names:
            leaves = {module.rpartition(".")[2] for module in modules if not module.rpartition(".")[2].isdigit()}
            remedies = ", ".join(f"{name} ({nearest(name, leaves)})" for name in names)
            raise ModelError(f"adapter {folder}: {field}: {base.path} has no module {remedies}")


def _missing_saved_modules(configuration: Any, modules: list[str]) -> list[str]:
    saved = getattr(configuration, "modules_to_save", None) or []
    return sorted(name for name in saved if not any(f".{module}".endswith(f".{name}") for module in modules))


def _training_base(configuration: Any) -> str:
    trained_on = configuration.base_model_name_or_path
    return f" (it was trained on {trained_on})" if trained_on else ""


def base_tensor(name: str) -> str:
    """The base's name of a tensor that PEFT saved."""
    return name.removeprefix(PREFIX).replace(".base_layer.", ".")


def attach_adapter(network: Any, folder: Path, configuration: Any) -> tuple[Any, Callable[[], None]]:
    """The network with the adapter, and the function that detaches it so that the base answers again as before.

    PEFT unwraps what it has wrapped, but leaves in place biases that it has overwritten and modules that were trained
    whole (peft 0.21).
    """
    import torch
    from peft.utils.other import ModulesToSaveWrapper

    parameters = dict(network.named_parameters(remove_duplicate=False))
    whole = set(getattr(configuration, "modules_to_save", None) or ())
    overwritten = [
        (parameters[name], parameters[name].detach().clone())
        for name in map(base_tensor, tensor_shapes(adapter_weights(folder)))
        if name in parameters and not whole.intersection(name.split("."))
    ]
    adapted = _load_adapter(network, folder, configuration)
    bridged(adapted)
    wrapped = {
        name: module.original_module
        for name, module in network.named_modules()
        if isinstance(module, ModulesToSaveWrapper)
    }

    def detach() -> None:
        if configuration.is_prompt_learning:
            unbridge(adapted)
        else:
            adapted.unload()
        for name, module in wrapped.items():
            network.set_submodule(name, module)
        with torch.no_grad():
            for parameter, before in overwritten:
                parameter.copy_(before)

    return adapted, detach


def _load_adapter(network: Any, folder: Path, configuration: Any) -> Any:
    from peft import PeftModel

    try:
        with _no_warnings():
            return PeftModel.from_pretrained(network, folder, config=copy.deepcopy(configuration)).eval()
    except Exception as error:  # of many kinds: the files have changed since they were checked, or PEFT knows better
        if out_of_memory(error):
            raise
        raise ModelError(f"adapter {folder} cannot be attached: {' '.join(str(error).split())}") from error


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Without PEFT's warnings of what was checked before: names of bases, tied embeddings, names to be removed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
