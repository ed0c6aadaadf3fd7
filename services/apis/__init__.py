"""WHAT ONE CAN ASK: the HTTP contracts, one module per service.

One over 300 lines is split by noun (`identity_staff.py`). `endpoint.py` says how an endpoint is declared, `errors.py` how one says no.
"""
