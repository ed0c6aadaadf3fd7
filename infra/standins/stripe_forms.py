"""What Stripe's API is sent: bracketed form fields, and what the stand-in understands of them.

An unknown parameter is refused as Stripe refuses it, so that a mistake shows here and not on the
first real payment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from services.apis.endpoint import read_early

LOWEST_CENTS = 50
HIGHEST_CENTS = 99_999_999

Url = Annotated[str, Meta(pattern=r"^https?://[^\s]+$", max_length=5000)]
Cents = Annotated[int, Meta(ge=1, le=HIGHEST_CENTS)]
Metadata = dict[Annotated[str, Meta(max_length=40)], Annotated[str, Meta(max_length=500)]]
PaymentMethod = Literal["card", "sepa_debit"]
Params = TypeVar("Params")


class StripeSaysNo(Exception):
    """An answer in Stripe's error shape (docs.stripe.com/api/errors)."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        said = {"message": message, "type": kind, "code": code, "param": param}
        self.body = {"error": {name: value for name, value in said.items() if value is not None}}


class _Form(Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class ProductData(_Form):
    name: Annotated[str, Meta(min_length=1, max_length=250)]


class PriceData(_Form):
    currency: Literal["eur"]
    unit_amount: Cents
    product_data: ProductData


class LineItem(_Form):
    price_data: PriceData
    quantity: Annotated[int, Meta(ge=1)]


class IntentData(_Form):
    description: str | None = None
    metadata: Metadata = {}


class AdaptivePricing(_Form):
    enabled: bool = True


class CheckoutParams(_Form):
    """POST /v1/checkout/sessions, as of API version 2026-09-30 ("endive")."""

    mode: Literal["payment"]
    line_items: Annotated[list[LineItem], Meta(min_length=1, max_length=100)]
    success_url: Url
    cancel_url: Url | None = None
    allowed_payment_method_types: tuple[PaymentMethod, ...] = ("card", "sepa_debit")
    adaptive_pricing: AdaptivePricing = field(default_factory=AdaptivePricing)
    client_reference_id: Annotated[str, Meta(max_length=200)] | None = None
    metadata: Metadata = {}
    payment_intent_data: IntentData = field(default_factory=IntentData)
    expand: list[str] = []

    @property
    def amount_cents(self) -> int:
        return sum(item.quantity * item.price_data.unit_amount for item in self.line_items)


class RefundParams(_Form):
    """POST /v1/refunds."""

    payment_intent: str
    amount: Cents | None = None
    metadata: Metadata = {}
    expand: list[str] = []


class ExpireParams(_Form):
    """POST /v1/checkout/sessions/{id}/expire."""

    expand: list[str] = []


class Created(_Form):
    gt: int | None = None
    gte: int | None = None
    lt: int | None = None
    lte: int | None = None


class ListParams(_Form):
    """GET of any list: the page asked for, and the filters the stand-in keeps to."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 10
    starting_after: str | None = None
    ending_before: str | None = None
    payment_intent: str | None = None
    charge: str | None = None
    source: str | None = None
    type: str | None = None
    created: Created = field(default_factory=Created)
    expand: list[str] = []


class OneParams(_Form):
    """GET of one object."""

    expand: list[str] = []


read_early(*_Form.__subclasses__())


def read(pairs: Iterable[tuple[str, str]], form: type[Params]) -> Params:
    """The parameters of a request. Raises `StripeSaysNo` for what Stripe would refuse too."""
    fields = _nested(pairs)
    if "payment_method_types" in fields:
        raise StripeSaysNo(
            "`payment_method_types` is no longer supported; use `allowed_payment_method_types`.",
            code="payment_method_types_no_longer_supported",
            param="payment_method_types",
        )
    try:
        return msgspec.convert(fields, form, strict=False)
    except msgspec.ValidationError as error:
        unknown = re.search(r"unknown field `(\w+)`", str(error))
        if unknown:
            raise StripeSaysNo(
                f"Received unknown parameter: {unknown[1]}",
                code="parameter_unknown",
                param=unknown[1],
            ) from error
        raise StripeSaysNo(f"Invalid parameters: {error}") from error


def _nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=x` becomes `{"a": {"b": ["x"]}}`."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        *branches, leaf = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name) or [name]
        at = tree
        for branch in branches:
            at = at.setdefault(branch, {})
            if not isinstance(at, dict):
                raise StripeSaysNo(f"Invalid parameter: {name}", param=name)
        at[leaf or str(len(at))] = value
    return {name: _listed(value) for name, value in tree.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(name.isdecimal() for name in value):
        return [_listed(each) for each in value.values()]
    return {name: _listed(each) for name, each in value.items()}
