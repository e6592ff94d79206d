"""Charts drawn as SVG without a library, so that the page stays offline and byte-stable."""
