"""Whether what was trained elsewhere belongs to a base, by names and shapes alone, and how an adapter is put on it."""

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters.external.adapter_folder import adapter_weights, last_name, shown, tensor_shapes
from adapters.methods.base.peft import bridged, unbridge
from harness.errors import ModelError, nearest
from harness.models.huggingface import HuggingFace

PREFIX = "base_model.model."  # before the base's own names, in what PEFT saves
EMBEDDINGS = ("embed_tokens", "lm_head", "wte", "word_embeddings", "embed_in", "embed_out", "output_layer")
Shapes = Mapping[str, tuple[int, ...]]


def check_name(folder: Path, configuration: Any, base: HuggingFace) -> None:
    """Raise ModelError if the adapter says that it was trained on a model of another name."""
    trained_on = configuration.base_model_name_or_path
    if trained_on and last_name(trained_on).lower() != last_name(base.path).lower():
        raise ModelError(
            f"adapter {folder} was trained on {trained_on}, but its base here is {base.path}; name that base, or set "
            "other_name: true if it is the same model under another name"
        )


def check_fit(folder: Path, configuration: Any, base: HuggingFace) -> None:
    """Raise ModelError unless the base takes each tensor of the adapter. Loads no weights."""
    from peft import get_peft_model
    from peft.utils import get_peft_model_state_dict

    there = tensor_shapes(adapter_weights(folder))
    network = base.skeleton()
    own = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    modules = [name for name, _ in network.named_modules() if name]
    _check_targets(folder, configuration, modules, there, base)
    made = copy.deepcopy(configuration)
    made.base_model_name_or_path = None
    try:
        with _quiet():
            adapted = get_peft_model(network, made, low_cpu_mem_usage=True)
            wanted = get_peft_model_state_dict(adapted, save_embedding_layers=False)
    except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"adapter {folder} cannot be put on {base.path}: {reason}") from error
    expected = {name: tuple(value.shape) for name, value in wanted.items()}
    _compare(folder, expected, there, own, f"{base.path}{_origin(configuration)}")


def _compare(folder: Path, expected: Shapes, there: Shapes, own: Shapes, base: str) -> None:
    """No tensor is missing, none is left over, all have the model's shapes. Whole weights of the base may be there."""
    missing = sorted(expected.keys() - there.keys())
    extra = sorted(name for name in there if name not in expected and own_name(name) not in own)
    for name, shape in sorted(there.items()):
        fits = expected.get(name) or own.get(own_name(name))
        if fits is None or fits == shape:
            continue
        if own_name(name).rpartition(".")[0].rpartition(".")[2] in EMBEDDINGS and fits[1:] == shape[1:]:
            raise ModelError(
                f"adapter {folder} was trained with {shape[0]} words in its vocabulary, the base {base} has {fits[0]}; "
                "merge it where it was trained and name the merged folder as a huggingface model"
            )
        raise ModelError(
            f"adapter {folder} does not fit: {name} is {shown(shape)}, but {shown(fits)} in {base}; name the base that "
            "it was trained on"
        )
    for names, wrong in ((extra, "it has tensors that the base lacks"), (missing, "it lacks tensors")):
        if names:
            raise ModelError(
                f"adapter {folder} does not fit {base}: {wrong}: {len(names)}, the first {names[0]}; name the base "
                "that it was trained on, or copy the folder again"
            )


def _check_targets(folder: Path, configuration: Any, modules: list[str], there: Shapes, base: HuggingFace) -> None:
    """Modules that the adapter changes, by its configuration, must exist; names that it holds nothing for may not."""
    targets = getattr(configuration, "target_modules", None)
    named = set() if isinstance(targets, str) or targets is None else set(targets)
    lacking = sorted(name for name in named if not any(f".{module}".endswith(f".{name}") for module in modules))
    used = [name for name in lacking if any(f".{name}." in tensor for tensor in there)]
    wrong = used or (lacking if set(lacking) == named else [])
    for field, names in (("target_modules", wrong), ("modules_to_save", _unsaved(configuration, modules))):
        if names:
            leaves = {module.rpartition(".")[2] for module in modules if not module.rpartition(".")[2].isdigit()}
            remedies = ", ".join(f"{name} ({nearest(name, leaves)})" for name in names)
            raise ModelError(f"adapter {folder}: {field}: {base.path} has no module {remedies}")


def _unsaved(configuration: Any, modules: list[str]) -> list[str]:
    saved = getattr(configuration, "modules_to_save", None) or []
    return sorted(name for name in saved if not any(f".{module}".endswith(f".{name}") for module in modules))


def _origin(configuration: Any) -> str:
    trained_on = configuration.base_model_name_or_path
    return f" (it was trained on {trained_on})" if trained_on else ""


def own_name(name: str) -> str:
    """The base's own name of a tensor that PEFT saved."""
    return name.removeprefix(PREFIX).replace(".base_layer.", ".")


def put_on(network: Any, folder: Path, configuration: Any) -> tuple[Any, Callable[[], None]]:
    """The network with the adapter on, and what takes it off so that the base answers again as it did.

    PEFT takes off what it has wrapped, but leaves in place biases that it has overwritten and modules that were
    trained whole (peft 0.21).
    """
    import torch
    from peft import PeftModel
    from peft.utils.other import ModulesToSaveWrapper

    own = dict(network.named_parameters(remove_duplicate=False))
    whole = set(getattr(configuration, "modules_to_save", None) or ())
    overwritten = [
        (own[name], own[name].detach().clone())
        for name in map(own_name, tensor_shapes(adapter_weights(folder)))
        if name in own and not whole.intersection(name.split("."))
    ]
    with _quiet():
        adapted = PeftModel.from_pretrained(network, folder, config=copy.deepcopy(configuration)).eval()
    bridged(adapted)
    wrapped = {
        name: module.original_module
        for name, module in network.named_modules()
        if isinstance(module, ModulesToSaveWrapper)
    }

    def take_off() -> None:
        if configuration.is_prompt_learning:
            unbridge(adapted)
        else:
            adapted.unload()
        for name, module in wrapped.items():
            network.set_submodule(name, module)
        with torch.no_grad():
            for parameter, before in overwritten:
                parameter.copy_(before)

    return adapted, take_off


@contextmanager
def _quiet() -> Iterator[None]:
    """What PEFT warns of was checked before: names of bases, tied embeddings, a name that transformers will drop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
