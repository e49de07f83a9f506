"""Configs: the schemas of systems' keys, the files of configs, and configs as flat dictionaries.

A config is an `ml_collections.ConfigDict`. Nothing here knows a system: each declares its keys as a
`schema.Schema`. Only the systems' builders read a config; functions below them take plain arguments.
"""
