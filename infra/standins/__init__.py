"""Stand-ins for the outside world: they speak the same formats as the real bank and Stripe."""
