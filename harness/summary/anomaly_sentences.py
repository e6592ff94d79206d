"""What is said of answers that share a fault: likely causes and remedies, by their keys in the report's catalogues."""

from collections.abc import Mapping

from harness.records.inputs import JSON
from harness.records.sentences import Sentence
from harness.text.stating import state

Explanation = tuple[Sentence, Sentence]  # the likely cause, the remedy

CAUSES: Mapping[str, str] = {
    "anomaly_causes.stop_string": "the first thing that the model writes is a stop string ({stops}), or its end token",
    "anomaly_causes.plain_stop_string": (
        "the first thing that the model writes is a stop string ({stops}), for instance the white space of "
        "the delimiter in format: plain, or its end token"
    ),
    "anomaly_causes.end_token": (
        "the first thing that the model writes is its end token: the prompt looks finished to it, for "
        "instance by a chat template that opens no turn for the answer"
    ),
    "anomaly_causes.cut_reasoning": (
        "the replies were cut inside their reasoning, which the server keeps apart, before an answer began"
    ),
    "anomaly_causes.no_text": (
        "tokens were generated, but none of them is text of the answer: reasoning that is kept apart, special"
        " tokens only, or a stop string at the beginning"
    ),
    "anomaly_causes.cut_prompts": (
        "the server counted {tokens} tokens for texts of {characters} characters, which have more: it cut the"
        " prompts at its context and did not say so; what was cut off was never read"
    ),
    "anomaly_causes.no_option": (
        "the reply would begin with something else than an option: probability {share} % on average, so that "
        "the pick is a choice among unlikely beginnings"
    ),
    "anomaly_causes.open_option": (
        "the first token is spread over so many spellings and other words that the few which the server lists"
        " do not tell the likeliest option, as often with small models"
    ),
    "anomaly_causes.refusal": "the model takes the question for something that it must not or cannot answer",
    "anomaly_causes.long_reasoning": "reasoning took all tokens that it may have, before there was an answer",
    "anomaly_causes.endless_text": (
        "a model in format: plain goes on with the text, and no stop string says where the answer ends"
    ),
    "anomaly_causes.long_answers": (
        "the answers are longer than max_tokens: {limit}, or the model does not know where to end them"
    ),
    "anomaly_causes.no_marker": "the model does not write the marker that its answer must follow",
    "anomaly_causes.open_reasoning": (
        "the replies end in their reasoning, before there is an answer: often the chat template opens a block"
        " that this model does not close, or closes by another tag"
    ),
    "anomaly_causes.other_form": "the answers are there, but not in the form that is asked for",
    "anomaly_causes.no_form": "the replies do not keep to the form that answer: {answer} reads",
    "anomaly_causes.single_prompt": (
        "the items are asked by one and the same prompt: a template leaves out what differs between them"
    ),
    "anomaly_causes.preferred_option": "the model prefers this option whatever is asked",
    "anomaly_causes.collapse": (
        "the training has collapsed to one answer: a learning rate that is too high, too many epochs, or rows"
        " that hardly differ"
    ),
    "anomaly_causes.unused_question": (
        "the model does not use the question: it repeats a worked example, its prompt, or the commonest answer"
    ),
}
REMEDIES: Mapping[str, str] = {
    "anomaly_remedies.stop_string": (
        "end the prompt with what the model would write first (the template, or delimiter in format: plain), "
        "or take it out of stop"
    ),
    "anomaly_remedies.trained_stop_string": (
        "end the prompt with what the model would write first (the template, or delimiter in format: plain), "
        "or take it out of stop; a trained model must then be trained again, because it has learnt the old "
        "end"
    ),
    "anomaly_remedies.end_token": "look at how the prompt ends, and ask a base model in format: plain",
    "anomaly_remedies.trained_end_token": (
        "look at how the prompt ends, and ask a base model in format: plain; a trained model must then be "
        "trained again, because it has learnt the old end"
    ),
    "anomaly_remedies.cut_reasoning": (
        "raise reasoning_tokens of the task or the variant: max_tokens is for the answer; or switch reasoning off"
    ),
    "anomaly_remedies.no_text": (
        "switch reasoning off or give it more tokens (reasoning_tokens), and look at how the prompt ends"
    ),
    "anomaly_remedies.cut_prompts": (
        "give the server a longer context (num_ctx of ollama:, --ctx-size of llama.cpp, --max-model-len of "
        "vLLM), or shorten the prompts"
    ),
    "anomaly_remedies.no_option": (
        "ask for the bare letter, show it by worked examples (shots), switch reasoning off, or let the model "
        "answer in words (choice: {{by: generation}})"
    ),
    "anomaly_remedies.open_option": (
        "take a larger model, ask for the bare letter, show it by worked examples (shots), or let the model "
        "write its answer (choice: {{by: generation}}); a model in this process knows all its tokens "
        "(huggingface, by: first_token or loglikelihood)"
    ),
    "anomaly_remedies.refusal": (
        "say in the system turn what the task is for and that an answer is wanted, or take another model; "
        "where passages are shown, look whether they hold the answer"
    ),
    "anomaly_remedies.long_reasoning": (
        "raise reasoning_tokens of the task or the variant (behind a server max_tokens), or switch reasoning off"
    ),
    "anomaly_remedies.endless_text": (
        'give the task stop strings (["\\n"] for answers of one line), or raise max_tokens ({limit})'
    ),
    "anomaly_remedies.long_answers": (
        "raise max_tokens, give stop strings, or say in the prompt how long an answer may be"
    ),
    "anomaly_remedies.no_marker": (
        "ask for the marker in words of your own (instruction, or the task's prompt), show it by worked "
        "examples (shots), or let the model answer without reasoning first"
    ),
    "anomaly_remedies.open_reasoning": (
        "name the model's tags by reasoning_tags, switch reasoning off, or mend the template's end"
    ),
    "anomaly_remedies.other_form": (
        "show the form by worked examples (shots), or ask for the bare answer; the report shows the lenient "
        "reading beside it"
    ),
    "anomaly_remedies.no_form": (
        "describe the form in the prompt, show it by worked examples (shots), and look at some replies"
    ),
    "anomaly_remedies.free_form": (
        "hold the replies to it (constrained: true), describe the form in the prompt, show it by worked "
        "examples (shots), and look at some replies"
    ),
    "anomaly_remedies.single_prompt": "put {{{{ question }}}}, or the columns that differ, into the variant's prompt",
    "anomaly_remedies.preferred_option": (
        "show worked examples (shots) in which all options occur, or ask in another form; compare with the "
        "variant {{floor: {{by: majority}}}}"
    ),
    "anomaly_remedies.collapse": (
        "lower learning_rate or epochs, look at the loss and at the train rows; compare with the variant "
        "{{floor: {{by: majority}}}}"
    ),
    "anomaly_remedies.unused_question": (
        "look at some of the prompts as they were sent, and change the examples or the instruction; compare "
        "with the variant {{floor: {{by: majority}}}}"
    ),
}


def explanation(cause: str, remedy: str, **values: JSON | Sentence) -> Explanation:
    """Both sentences by their names, with what they mention."""
    keys = f"anomaly_causes.{cause}", f"anomaly_remedies.{remedy}"
    return _sentence(keys[0], CAUSES[keys[0]], values), _sentence(keys[1], REMEDIES[keys[1]], values)


def _sentence(key: str, english: str, values: Mapping[str, JSON | Sentence]) -> Sentence:
    return state(key, english, **{name: value for name, value in values.items() if f"{{{name}}}" in english})
