"""The demo town's pages: every language, every person, safe headers, and the town's history while it is being lived."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from msgspec import structs

from infra.demo import shoes
from infra.demo.pages import start_page
from infra.demo.people import PEOPLE
from infra.demo.sections_auditor import AuditorView
from infra.demo.trail import follow_a_coin
from infra.demo.view import Document, History, Person, Section
from infra.wiring import Town
from services.kit.i18n import LANGUAGES, RIGHT_TO_LEFT, init_i18n
from services.kit.pages import init_pages
from tests.stories.town_life import (
    Cast,
    a_bank,
    a_city_fund,
    a_shop_joins,
    an_approved_account,
    an_approved_batch,
    release,
    statements_are_issued,
    take_part,
    the_bank_closes_its_day,
)

LIVING = History(12, 56, "Parco delle Rose")
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PAGES = ["/", "/docs", *(f"/shoes/{person.key}" for person in PEOPLE)]


@dataclass
class SmallTown:
    """A town of a few plain values."""

    town: str = "Valdarco"
    population: int = 38_000
    people: Sequence[Person] = PEOPLE
    documents: Sequence[Document] = (Document("events", "/docs/asyncapi.json"), Document("ledger", "/docs/ledger.json"))
    now: History = LIVING

    def history(self) -> History:
        return self.now

    auditor: AuditorView | None = None

    def sections(self, key: str) -> Sequence[Section]:
        if key == "auditor" and self.auditor:
            return self.auditor.sections()
        if key != "volunteer":
            return []
        return [
            shoes.coins_to_spend(1250, [(450, date(2026, 12, 31))], "/ledger/lots"),
            shoes.hours_and_thanks([("<b>Parco</b>", date(2026, 11, 28), 500, "waiting")], "/attendance"),
            shoes.next_shifts([], "/shifts"),
        ]


@pytest.fixture
def small_town() -> SmallTown:
    return SmallTown()


@pytest.fixture
def browser(small_town: SmallTown) -> FlaskClient:
    app = Flask(__name__, static_folder=None)
    init_i18n(app)
    init_pages(app)
    app.register_blueprint(start_page(small_town))
    app.add_url_rule("/broken", "broken", lambda: 1 // 0)
    return app.test_client()


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_speaks_every_language_in_its_direction(browser: FlaskClient, path: str, code: str) -> None:
    page = browser.get(f"{path}?lang={code}")
    assert page.status_code == 200
    expected = "rtl" if code in RIGHT_TO_LEFT else "ltr"
    assert f'<html lang="{code}" dir="{expected}">' in page.text
    assert page.headers["Content-Language"] == code


def test_the_language_is_chosen_then_remembered_then_the_browsers_then_the_citys(browser: FlaskClient) -> None:
    def spoken(path: str = "/", **headers: str) -> str:
        return browser.get(path, headers=headers).headers["Content-Language"]

    assert spoken() == "it"
    assert spoken(**{"Accept-Language": "de, ur-PK;q=0.8, en;q=0.5"}) == "ur"
    assert spoken("/?lang=uk") == "uk"
    assert spoken(**{"Accept-Language": "ur"}) == "uk"
    assert spoken("/?lang=tlh") == "uk"


def test_one_picks_a_language_by_its_own_name(browser: FlaskClient) -> None:
    page = browser.get("/shoes/volunteer?lang=bn").text
    for code, name in LANGUAGES.items():
        assert re.search(rf'<a href="\?lang={code}" lang="{code}" hreflang="{code}"[^>]*><bdi>{name}</bdi>', page)


@pytest.mark.parametrize("path", [*PAGES, "/nowhere", "/broken"])
def test_no_page_needs_an_inline_script_or_style(browser: FlaskClient, path: str) -> None:
    page = browser.get(path, headers=BROWSER)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|<[^>]*\s(?:style|on\w+)=", page.text)
    assert all('src="' in script for script in re.findall(r"<script[^>]*>", page.text))
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)


def test_everything_a_page_loads_is_there_and_kept_for_a_year(browser: FlaskClient) -> None:
    page = browser.get("/").text
    loaded = set(re.findall(r'"(/assets/[^"#]+)', page))
    assert {path.rsplit("/", 1)[1] for path in loaded} >= {"meritcoin.css", "icons.svg", "follow.js", "mark.svg"}
    for path in loaded:
        with browser.get(path) as answer:
            assert answer.status_code == 200
            assert "max-age=31536000" in answer.headers["Cache-Control"]
            assert "immutable" in answer.headers["Cache-Control"]


def test_a_file_of_an_older_edition_is_asked_for_again(browser: FlaskClient) -> None:
    with browser.get("/assets/000000000000/meritcoin.css") as answer:
        assert answer.status_code == 200
        assert "immutable" not in answer.headers["Cache-Control"]
    assert browser.get("/assets/000000000000/../pages.py").status_code == 404


def test_everybody_can_be_stepped_into_from_the_start_page(browser: FlaskClient) -> None:
    page = browser.get("/?lang=it").text
    for person in PEOPLE:
        assert f'<a class="person" href="/shoes/{person.key}">' in page
    assert "38.000" in page
    assert browser.get("/shoes/nobody").status_code == 404


def test_amounts_and_days_are_written_as_the_language_writes_them(browser: FlaskClient) -> None:
    italian, english = (browser.get(f"/shoes/volunteer?lang={code}").text for code in ("it", "en"))
    assert "<bdi>12,50</bdi>" in italian
    assert "gio 31 dic" in italian
    assert "<bdi>12.50</bdi>" in english
    assert "use them until Thu 31 Dec" in english


def test_what_people_typed_is_shown_as_text(browser: FlaskClient) -> None:
    page = browser.get("/shoes/volunteer").text
    assert "&lt;b&gt;Parco&lt;/b&gt;" in page
    assert "<b>Parco" not in page


def test_a_question_without_an_answer_yet_says_so_and_names_its_source(browser: FlaskClient) -> None:
    page = browser.get("/shoes/volunteer?lang=en").text
    assert "No shift is published yet." in page
    assert '<a class="source" href="/shifts">' in page


def test_while_the_town_lives_its_history_the_page_follows_and_can_do_without_script(browser: FlaskClient) -> None:
    page = browser.get("/?lang=en").text
    assert 'data-follow="/demo/progress?lang=en"' in page
    assert '<progress class="progress" value="12" max="56"' in page
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    assert browser.get("/demo/progress?lang=it").json == {
        "done": 12,
        "total": 56,
        "over": False,
        "words": {"days": "Giorno 12 di 56", "sentence": "Parco delle Rose"},
    }


def test_when_the_history_is_lived_nothing_polls_any_more(browser: FlaskClient, small_town: SmallTown) -> None:
    small_town.now = History(56, 56, finished=True)
    page = browser.get("/?lang=en").text
    assert "The town has lived its first 56 days." in page
    assert "follow.js" not in page
    assert browser.get("/demo/progress").json["over"] is True


def test_a_history_that_stopped_says_why_and_how_to_begin_again(browser: FlaskClient, small_town: SmallTown) -> None:
    small_town.now = History(12, 56, failed="The disk is full.")
    page = browser.get("/?lang=en").text
    assert "The town stopped on day 12 of 56." in page
    assert "The disk is full." in page
    assert '<code dir="ltr">make demo RESET=1</code>' in page


def test_the_auditor_follows_a_coin_from_the_funds_decision_to_the_banks_line(
    town: Town, browser: FlaskClient, small_town: SmallTown
) -> None:
    cast = Cast(town)
    amal, shop = cast.volunteer("Amal"), a_shop_joins(cast)
    a_city_fund(cast)
    ask = cast.paolo.ask
    assert follow_a_coin(ask) is None
    first, second = (take_part(cast, amal) for _ in range(2))
    earlier = amal.buys(shop.till, 500)
    statements_are_issued(cast, "2026-05")
    shop.till.void(amal.buys(shop.till, 100).sale_id)
    sale = amal.buys(shop.till, 450)
    statements_are_issued(cast, "2026-06")
    an_approved_account(cast, shop)
    claim = shop.claims("2026-06")
    batch = an_approved_batch(cast)
    bank = a_bank(town)
    bank.submit(release(cast, batch))
    the_bank_closes_its_day(cast, bank)

    way = follow_a_coin(ask)

    assert way is not None
    assert way.decision is not None
    assert (way.decision.set_aside_id, way.decision.act) == (way.topup.journal, "Determina n. 1/2026")
    # What came first was spent first: this sale took the second shift's coins.
    assert (
        (way.sale.journal, way.shift.shift_id) == (sale.sale_id, second.shift_id) != (earlier.sale_id, first.shift_id)
    )
    assert (way.attendance.shift_id, way.attendance.minutes, way.attendance.state) == (
        second.shift_id,
        120,
        "confirmed",
    )
    assert (way.award.attendance_id, way.coins.journal) == (way.attendance.attendance_id, way.award.award_id)
    assert (way.topup.credit, way.coins.debit, way.coins.credit) == (way.coins.debit, way.topup.credit, way.sale.debit)
    assert (way.claim, [line.amount_cents for line in way.paid.entries]) == (
        structs.replace(claim, state="paid"), [claim.amount_cents],
    )  # fmt: skip
    small_town.auditor = AuditorView(town, ask)
    page = browser.get("/shoes/auditor?lang=en").text
    ids = re.findall(r'<code class="id" dir="ltr">([0-9a-f-]{36})</code>', page)
    assert ids == [
        str(id_)
        for id_ in (
            way.topup.journal, second.shift_id, way.attendance.attendance_id, way.award.award_id, way.coins.transfer_id,
            sale.sale_id, way.statement.statement_id, claim.claim_id, cast.giulio.person_id, cast.lucia.person_id,
            cast.franca.person_id, way.paid.entries[0].entry_id,
        )
    ]  # fmt: skip
    told = page[page.index("Where did this coin go?") : page.index("Do the books agree?")]
    assert not any(name in told for name in ("Amal", "Panificio", "Mani in Comune"))


@pytest.mark.parametrize(
    ("path", "status", "words"), [("/nowhere", 404, "nothing at this address"), ("/broken", 500, "on our side")]
)
def test_an_error_is_a_page_for_a_person_and_not_for_a_program(
    browser: FlaskClient, path: str, status: int, words: str
) -> None:
    page = browser.get(f"{path}?lang=en", headers=BROWSER)
    assert (page.status_code, words in page.text) == (status, True)
    answer = browser.get(path, headers={"Accept": "application/json"})
    assert answer.status_code == status
    assert "/assets/" not in answer.text
    assert "Content-Security-Policy" in answer.headers
