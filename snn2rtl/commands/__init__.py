"""One file for each command: HELP, add_arguments(parser), run(args) -> Outcome. No work here: parse, call, describe."""
