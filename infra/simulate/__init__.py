"""A town that lives for weeks under one seed while everything that can fail does – and must come out whole: `meritcoin simulate`."""
