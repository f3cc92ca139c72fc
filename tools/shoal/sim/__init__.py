"""The multicore timing model: runs the guest suites in it and reads what it says."""
