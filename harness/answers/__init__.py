"""How a task's answer is asked for and read back: one file a kind of answer."""
