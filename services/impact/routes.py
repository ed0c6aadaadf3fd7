"""What impact answers: each endpoint of `services/apis/impact.py` and the handler behind it."""

from services.apis import impact as api
from services.impact import figures, handlers
from services.kit.routes import Routes

ROUTES = Routes("impact")
ROUTES.serve(api.GET_FIGURES, figures.get_figures)
ROUTES.serve(api.GET_FIGURES_CSV, handlers.get_figures_csv)
