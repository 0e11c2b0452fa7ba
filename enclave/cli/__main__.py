"""`python -m enclave.cli`."""

from enclave.cli import main

main()
