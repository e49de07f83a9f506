"""What the process runs on: memory pages, the cache of compiled programs, the machine."""
