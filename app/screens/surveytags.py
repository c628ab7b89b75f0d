"""Tags of what people write in surveys."""

from __future__ import annotations

from flask import url_for
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.baseviews import Button
from app.listviews import SWITCHES
from app.models import SurveyTag
from app.screens.catalogues import LABELS, CatalogueView
from app.security import may


class SurveyTagView(CatalogueView):
    """What open answers are about, in words of the house."""

    datamodel = SQLAInterface(SurveyTag)
    bulk = SWITCHES
    route_base = "/surveytag"
    class_permission_name = "SurveyTag"
    list_title, add_title = _l("Tags of open answers"), _l("New tag")
    empty_text = _l("There are no tags yet. Write one here, or while you read the open answers of a survey.")
    list_columns = show_columns = ["name", "is_active"]
    add_columns = ["name", "is_active"]
    search_words = ("name",)
    base_order = ("name", "asc")
    label_columns = LABELS

    def buttons(self, item: SurveyTag) -> list[Button]:
        answers = Button(_("Answers with this tag"), url_for("SurveyWordsView.list", tag=item.id))
        return [*([answers] if may("can_see_answers", "SurveyResult") else []), *super().buttons(item)]
