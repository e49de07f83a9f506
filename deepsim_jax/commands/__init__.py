"""The command line: verbs, each with flags of its own, shared ones and those of every system."""
