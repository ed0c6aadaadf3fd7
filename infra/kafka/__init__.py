"""A real Kafka broker (or three) without Docker: jars from Maven, verified, run by the machine's Java. `make kafka` starts one."""
