"""Where the repository, the real data beside it and the weights of real models lie."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
REAL_DATA = ROOT.parent / "shared" / "data"
MODELS = Path.home() / ".cache" / "domain-harness"
REFERENCE = REAL_DATA.parent / "reference"  # what real servers answered, and golden figures
