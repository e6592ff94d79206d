"""The protocol of OpenAI's chat completions as its servers really speak it: what `openai:` is made of."""
