"""The sections of the page: one entry each, `<name>.py` beside `<name>.html.j2`, found by `reports.section`."""
