"""How it runs: wiring, command line, buses, stand-ins for the outside world."""
