"""The small knowledge base of terms, for everything that looks things up."""

from tests.shared.rag_fixtures import ask as ask
from tests.shared.rag_fixtures import norm as norm
from tests.shared.rag_fixtures import overlap as overlap
from tests.shared.rag_fixtures import terms as terms
from tests.shared.rag_fixtures import tiny_window as tiny_window
