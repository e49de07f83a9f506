"""The browser editor's server: one page over every system's headless sessions.

`application` and `*_routes` have the routes and no business, `guard` says who may ask, `workspaces` what
is opened and edited, `worker` runs everything that computes, `serving` starts it.
"""
