"""Self-contained HTML pages, made from records: data (`blocks`) -> one page (`page`).

Nothing here knows a system: a run's page shows the blocks that its system hands over (`run_page`).
"""
