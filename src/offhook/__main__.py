"""`python -m offhook`: the command, where its script is not on the path. Knows nothing else."""

from offhook.cli.main import main

main()
