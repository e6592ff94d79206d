"""LLM-as-judge: what a judge is asked, how its reply is read, and how far it can be trusted."""
