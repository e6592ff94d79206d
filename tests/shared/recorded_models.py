"""The three models that the real Ollamas of the recordings had, over one engine."""

from tests.shared.engines import Engine
from tests.shared.go_template import BARE, CHATML, THINKER
from tests.shared.ollama_stand_in import ServedModel

STOPS = ("<|im_start|>", "<|im_end|>")


def recorded_models(engine: Engine) -> list[ServedModel]:
    """One that thinks, one from a bare GGUF without a template, and a plain one."""
    thinker = ServedModel(
        name="thinker:latest",
        engine=engine,
        template=THINKER,
        capabilities=("completion", "thinking"),
        stop=STOPS,
        blob="smollm2",
    )
    bare = ServedModel(
        name="gemma3:270m", engine=engine, template=BARE, family="gemma3", size=253113294, parameter_size="268.10M",
        quantization="Q4_K_M", digest="96ad8808e998f7a8bb00b55c63430443f77f5a3a6af6efef3259122a226fa2b2",
    )  # fmt: skip
    return [thinker, bare, ServedModel(name="smollm2:135m", engine=engine, template=CHATML, stop=STOPS, blob="smollm2")]
