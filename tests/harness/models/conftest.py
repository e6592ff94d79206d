"""Servers for the tests here; see tests/shared/ollama_fixtures.py and served_fixtures.py."""

from tests.shared.ollama_fixtures import _smollm2 as _smollm2
from tests.shared.ollama_fixtures import real_ollama as real_ollama
from tests.shared.ollama_fixtures import stand_in as stand_in
from tests.shared.served_fixtures import llama_server as llama_server
from tests.shared.served_fixtures import serve as serve
