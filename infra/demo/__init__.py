"""The demo town: a made-up place where the whole scheme can be walked through."""
