"""Training: methods, the trainer, interop."""

from harness.runtime.process_settings import quiet_libraries

quiet_libraries()  # PEFT imports bitsandbytes for every method, by whichever way this package is reached
