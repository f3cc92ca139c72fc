"""How `./shoal test` runs: suites list their cases and report each one's result."""
