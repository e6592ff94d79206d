"""An Ollama for the tests here; see tests/shared/ollama_fixtures.py."""

from tests.shared.ollama_fixtures import stand_in as stand_in
