"""
Flask-Admin over the same tickets, behind Flask-Login, as its documentation shows it.

Runs in the environment of `flaskadmin.txt`; its one user is `admin` with the password in `PEER_PASSWORD`.
"""

import os

from flask import Flask, abort, redirect, request
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_login import LoginManager, UserMixin, current_user, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Column, DateTime, ForeignKey, Integer, String, Text
from sqlalchemy.orm import relationship

app = Flask(__name__)
app.config.update(SECRET_KEY="peer", SQLALCHEMY_DATABASE_URI=os.environ["PEER_DB"])
db = SQLAlchemy(app)
manager = LoginManager(app)


class Person(db.Model, UserMixin):
    id = Column(Integer, primary_key=True)
    name = Column(String(50), nullable=False)


@manager.user_loader
def load_user(key):
    return db.session.get(Person, int(key))


class Customer(db.Model):
    id = Column(Integer, primary_key=True)
    name = Column(String(120), nullable=False)
    email = Column(String(120), nullable=False)
    city = Column(String(60), nullable=False)

    def __str__(self):
        return self.name


class TicketType(db.Model):
    id = Column(Integer, primary_key=True)
    name = Column(String(60), nullable=False)

    def __str__(self):
        return self.name


class Agent(db.Model):
    id = Column(Integer, primary_key=True)
    name = Column(String(120), nullable=False)

    def __str__(self):
        return self.name


class Ticket(db.Model):
    id = Column(Integer, primary_key=True)
    number = Column(String(20), nullable=False, unique=True)
    title = Column(String(200), nullable=False)
    description = Column(Text, nullable=False)
    status = Column(String(20), nullable=False)
    priority = Column(String(20), nullable=False)
    channel = Column(String(20), nullable=False)
    requester_name = Column(String(120), nullable=False)
    requester_email = Column(String(120), nullable=False)
    created_at = Column(DateTime, nullable=False)
    updated_at = Column(DateTime, nullable=False)
    due_at = Column(DateTime, nullable=False)
    customer_id = Column(ForeignKey("customer.id"), nullable=False)
    customer = relationship("Customer")
    ticket_type_id = Column(ForeignKey("ticket_type.id"), nullable=False)
    ticket_type = relationship("TicketType")
    agent_id = Column(ForeignKey("agent.id"), nullable=False)
    agent = relationship("Agent")


class Guarded(ModelView):
    def is_accessible(self):
        return current_user.is_authenticated


class TicketView(Guarded):
    column_list = [
        "number", "title", "status", "priority", "channel", "requester_name", "customer", "ticket_type", "agent", "created_at", "due_at",
    ]  # fmt: skip
    column_searchable_list = ["title"]
    column_filters = ["ticket_type_id", "status"]
    column_default_sort = ("created_at", True)
    page_size = 25
    can_view_details = True


admin = Admin(app, name="Desk")
admin.add_view(TicketView(Ticket, db.session, endpoint="ticket"))
for model in (Customer, TicketType, Agent):
    admin.add_view(Guarded(model, db.session, endpoint=model.__name__.lower()))


@app.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "GET":
        return "<form method=post><input name=username><input name=password></form>"
    if request.form["password"] != os.environ["PEER_PASSWORD"]:
        abort(403)
    login_user(db.session.get(Person, 1))
    return redirect("/admin/ticket/")


if os.environ.get("PEER_PREPARE") == "1":
    with app.app_context():
        db.create_all()
        db.session.merge(Person(id=1, name="admin"))
        db.session.commit()
