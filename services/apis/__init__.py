"""WHAT ONE CAN ASK: the HTTP contracts, one module per service.

`ENDPOINTS` of each module lists them; `endpoint.py` says how one is declared, `errors.py` how one says no.
"""
