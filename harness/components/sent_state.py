"""What of a model goes to another process: what it is, without what it has loaded or worked out."""

from collections.abc import Callable
from typing import Any, cast

from pydantic import BaseModel
from pydantic.fields import ModelPrivateAttr
from pydantic_core import PydanticUndefined


def sent_state(model: BaseModel, state: dict[Any, Any]) -> dict[Any, Any]:
    """The state that pydantic would pickle, without cached values and with private attributes at their beginnings.

    Private attributes without a default say what a model is, and go with it.
    """
    own = state["__pydantic_private__"] or {}
    private = {name: _beginning(model.__private_attributes__[name], value) for name, value in own.items()}
    fields = {name: value for name, value in state["__dict__"].items() if name in type(model).model_fields}
    return {**state, "__dict__": fields, "__pydantic_private__": private}


def _beginning(attribute: ModelPrivateAttr, value: Any) -> Any:
    """What a private attribute begins with; the value itself where it has no default."""
    if attribute.default_factory is not None:
        return cast(Callable[[], Any], attribute.default_factory)()
    return value if attribute.default is PydanticUndefined else attribute.default
