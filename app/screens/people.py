"""Users, roles, groups and the door; the security manager that uses these screens."""

from __future__ import annotations

from typing import Any

from flask import abort, g, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.fields import QuerySelectMultipleField
from flask_appbuilder.security.api import SecurityApi
from flask_appbuilder.security.decorators import no_cache
from flask_appbuilder.security.sqla.models import PermissionView, Role
from flask_appbuilder.security.views import (
    AuthDBView,
    ResetMyPasswordView,
    ResetPasswordView,
    RoleModelView,
    UserDBModelView,
    UserGroupModelView,
    UserInfoEditView,
)
from flask_appbuilder.utils.base import get_safe_redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user, login_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms.widgets import CheckboxInput, ListWidget

from app.baseviews import READ_WRITE, Button, RuledView
from app.extensions import db
from app.forms import Checked, LoginForm, NewPasswordForm, ProfileForm, check_email
from app.screens.records import history_of
from app.security import ADMIN, PROCESS_ROLES, RequestRights, may


class UserView(RuledView, UserDBModelView):
    """Users of the staff. Nobody is deleted: a user who left is made inactive."""

    route_base = "/users"
    class_permission_name = "UserDBModelView"
    include_route_methods = READ_WRITE | {"userinfo"}
    list_title, add_title = _l("Users"), _l("New user")
    form_intro = _l("Nobody is deleted: a user who left is made inactive, and what the user did stays signed.")
    list_columns = ["username", "first_name", "last_name", "email", "roles", "active", "last_login"]
    show_fieldsets = [
        (_l("The person"), {"fields": ["first_name", "last_name", "email"]}),
        (_l("Access"), {"fields": ["username", "active", "roles", "groups", "last_login", "fail_login_count"]}),
    ]
    edit_columns = ["first_name", "last_name", "email", "username", "active", "roles", "groups"]
    add_fieldsets = [
        (_l("The person"), {"fields": ["first_name", "last_name", "email"]}),
        (_l("Access"), {"fields": ["username", "active", "roles", "groups"]}),
        (_l("First password"), {"fields": ["password", "conf_password"], "help": _l("The person changes it in “My profile”.")}),
    ]
    search_words = ("username", "first_name", "last_name", "email")
    filter_columns = ("active",)
    base_order = ("username", "asc")
    label_columns = {
        "username": _l("User name"), "first_name": _l("First name"), "last_name": _l("Last name"), "email": _l("E-mail"),
        "active": _l("Active"), "roles": _l("Roles"), "groups": _l("Groups"), "last_login": _l("Last sign-in"),
        "fail_login_count": _l("Failed sign-ins since then"),
    }  # fmt: skip
    description_columns = {
        "username": _l("What the person writes to sign in: short, without spaces."),
        "roles": _l("What the person may do and see."),
        "active": _l("An inactive user cannot sign in."),
        "groups": _l("A group lends its roles to its members."),
    }
    validators_columns = {**UserDBModelView.validators_columns, "email": [Checked(check_email)]}
    add_form_extra_fields = {"password": NewPasswordForm.password, "conf_password": NewPasswordForm.conf_password}

    def buttons(self, item: Any) -> list[Button]:
        if not may("can_this_form_get", "ResetPasswordView"):
            return []
        return [Button(_("Set a new password"), url_for("PasswordView.this_form_get", pk=item.id)), *history_of("ab_user", item.id)]

    @expose("/userinfo/")
    @has_access
    def userinfo(self) -> str:
        """The reader's own page."""
        buttons = [
            Button(_("Change my password"), url_for("OwnPasswordView.this_form_get")),
            Button(_("Edit my name"), url_for("ProfileView.this_form_get")),
            Button(_("My signature"), url_for("SignatureView.edit")),
            Button(_("What I am told by mail"), url_for("PreferenceView.edit")),
            Button(_("My calendar"), url_for("FeedView.edit")),
        ]
        fieldsets = [("", {"fields": ["username", "first_name", "last_name", "email", "roles", "groups", "last_login"]})]
        facts = {"title": _("My profile"), "item": self.item(str(g.user.id)), "fieldsets": fieldsets, "related": [], "buttons": buttons}
        return self.render_template(self.show_template, view=self, **facts)


def permissions_offered() -> list[PermissionView]:
    """Return every (permission, view) pair, by view, with its two names loaded."""
    statement = select(PermissionView).options(joinedload(PermissionView.permission), joinedload(PermissionView.view_menu))
    return sorted(db.session.scalars(statement), key=lambda pair: (pair.view_menu.name, pair.permission.name))


class RoleView(RuledView, RoleModelView):
    """Roles. The ones that ship are data of the product (`security.py`); a house may add its own."""

    route_base = "/roles"
    class_permission_name = "RoleModelView"
    include_route_methods = set(READ_WRITE)
    list_title, add_title = _l("Roles"), _l("New role")
    intro = _l("The roles that ship with Atiende keep their rights at every update, so they cannot be edited. Add your own beside them.")
    list_columns = ["name"]
    show_columns = add_columns = ["name", "permissions"]
    form_class_name = "form"
    label_columns = {"name": _l("Name"), "permissions": _l("Rights")}
    add_form_extra_fields = {
        "permissions": QuerySelectMultipleField(
            _l("Rights"),
            query_func=permissions_offered,
            get_pk_func=lambda pair: pair.id,
            widget=ListWidget(),
            option_widget=CheckboxInput(),
        )
    }

    def may_edit(self, item: Role) -> bool:
        return item.name not in PROCESS_ROLES and item.name != ADMIN


class GroupView(RuledView, UserGroupModelView):
    route_base = "/groups"
    class_permission_name = "UserGroupModelView"
    include_route_methods = set(READ_WRITE)
    list_title, add_title = _l("Groups"), _l("New group")
    empty_text = _l("There are no groups yet. Add one to give several people the same roles at once.")
    intro = _l("A group lends its roles to its members; put people in it on their own page.")
    list_columns = ["name", "label", "roles"]
    show_columns = add_columns = edit_columns = ["name", "label", "description", "roles"]
    form_class_name = "form"
    label_columns = {"name": _l("Name"), "label": _l("Label"), "description": _l("Description"), "roles": _l("Roles")}


class DoorView(AuthDBView):
    """The sign-in page. A wrong password keeps the name typed, and never says whether the name exists."""

    @expose("/login/", methods=["GET", "POST"])
    @no_cache
    def login(self) -> Any:
        if current_user.is_authenticated:
            return redirect(self._get_safe_next_url())
        form, status = LoginForm(), 200
        if form.validate_on_submit():
            user = self.appbuilder.sm.auth_user_db(form.username.data, form.password.data)
            if user:
                login_user(user, remember=False)
                return redirect(get_safe_redirect(request.args.get("next", "")))
            form.password.errors = [_("The user name or the password is wrong. After several failures the door closes for a while.")]
        if form.errors:
            status = 422
        return self.render_template(self.login_template, title=_("Sign in"), form=form), status


class OwnPasswordView(ResetMyPasswordView):
    class_permission_name = "ResetMyPasswordView"
    form, form_title, message = NewPasswordForm, _l("Change my password"), _l("Your password is changed.")


class PasswordView(ResetPasswordView):
    class_permission_name = "ResetPasswordView"
    form, form_title, message = NewPasswordForm, _l("Set a new password"), _l("The password is changed.")

    def form_get(self, form: Any) -> None:
        self._user()

    def form_post(self, form: Any) -> Any:
        user = self._user()
        super().form_post(form)
        return redirect(url_for("UserView.show", pk=user.id))

    def _user(self) -> Any:
        return self.appbuilder.sm.get_user_by_id(request.args.get("pk", 0, type=int)) or abort(404)


class ProfileView(UserInfoEditView):
    class_permission_name = "UserInfoEditView"
    route_base = "/profile"
    form, form_title, message = ProfileForm, _l("Edit my name"), _l("Your name is changed.")


class NoTokens(SecurityApi):
    """Flask-AppBuilder's sign-in for programs, shut: passwords could be guessed there without limit, and no program signs in yet."""

    include_route_methods: set[str] = set()


class HouseRights(RequestRights):
    """The security manager with the screens above."""

    security_api = NoTokens
    userdbmodelview, rolemodelview, groupmodelview = UserView, RoleView, GroupView
    authdbview, resetmypasswordview, resetpasswordview, userinfoeditview = DoorView, OwnPasswordView, PasswordView, ProfileView
