"""One module for each subcommand: HELP, add_arguments(parser), run(options) -> exit code."""
