"""JSON schemas in which each field has the text below it as its description.

Reading a class's source takes milliseconds, and only a schema needs it: pydantic's `use_attribute_docstrings` would
read it whenever a class is made, and there are sixty of them in `harness check`.
"""

import ast
import inspect
import sys
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema


class DocumentedSchema(GenerateJsonSchema):
    """pydantic's schema of a class, and of those within it, with the description of each field that states none."""

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        document = super().model_schema(schema)
        texts = field_texts(schema["cls"])
        for name, info in schema["cls"].model_fields.items():
            field = document.get("properties", {}).get(info.serialization_alias or info.alias or name)
            if field is not None and name in texts:
                field.setdefault("description", texts[name])
        return document


def documented_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a class, as `BaseModel.model_json_schema` makes it, with descriptions."""
    return model.model_json_schema(schema_generator=DocumentedSchema)


@dataclass(frozen=True)
class SchemaOf:
    """Marks a field whose values are written as a class is, which others read."""

    model: type[BaseModel]

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return documented_schema(self.model)


def field_texts(model: type[BaseModel]) -> dict[str, str]:
    """By field, the text that stands below it in the class, or else in the class that it comes from."""
    texts: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        body = _bodies(kind.__module__).get(kind.__qualname__, [])
        for field, text in pairwise([*body, ast.Pass()]):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                texts.pop(field.target.id, None)  # a field that is stated anew has its own text, or none
                if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                    texts[field.target.id] = inspect.cleandoc(str(text.value.value))
    return {name: texts[name] for name in model.model_fields if name in texts}


@cache
def _bodies(module: str) -> dict[str, list[ast.stmt]]:
    """The statements of the classes of a module, by their qualified names; none where there is no source."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError, KeyError, SyntaxError):
        return {}
    bodies: dict[str, list[ast.stmt]] = {}

    def collect(statements: list[ast.stmt], prefix: str) -> None:
        for statement in statements:
            if isinstance(statement, ast.ClassDef):
                bodies[f"{prefix}{statement.name}"] = statement.body
                collect(statement.body, f"{prefix}{statement.name}.")

    collect(tree.body, "")
    return bodies
