"""The subcommands of `salvage rules`, one file each."""
