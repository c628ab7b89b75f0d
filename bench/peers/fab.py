"""
Flask-AppBuilder as its documentation starts an application. `PEER_CARE=1` uses the knobs that it offers against its own selects.

Runs in the environment of `fab.txt`; `PEER_PREPARE=1` creates its own tables, rights and the user first.
"""

import os

from flask import Flask
from flask_appbuilder import AppBuilder, Model, ModelView
from flask_appbuilder.fields import AJAXSelectField
from flask_appbuilder.fieldwidgets import Select2AJAXWidget
from flask_appbuilder.models.sqla.base import SQLA
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import Column, DateTime, ForeignKey, Integer, String, Text
from sqlalchemy.orm import relationship

WITH_CARE = os.environ.get("PEER_CARE") == "1"
PREPARE = os.environ.get("PEER_PREPARE") == "1"
LOADING = "selectin" if WITH_CARE else "select"

app = Flask(__name__)
app.config.update(
    SECRET_KEY="peer", SQLALCHEMY_DATABASE_URI=os.environ["PEER_DB"], AUTH_TYPE=1, WTF_CSRF_ENABLED=True,
    FAB_PASSWORD_COMPLEXITY_ENABLED=False, FAB_UPDATE_PERMS=PREPARE,
)  # fmt: skip
db = SQLA(app)


class Customer(Model):
    __tablename__ = "customer"
    id = Column(Integer, primary_key=True)
    name = Column(String(120), nullable=False)
    email = Column(String(120), nullable=False)
    city = Column(String(60), nullable=False)

    def __repr__(self):
        return self.name


class TicketType(Model):
    __tablename__ = "ticket_type"
    id = Column(Integer, primary_key=True)
    name = Column(String(60), nullable=False)

    def __repr__(self):
        return self.name


class Agent(Model):
    __tablename__ = "agent"
    id = Column(Integer, primary_key=True)
    name = Column(String(120), nullable=False)

    def __repr__(self):
        return self.name


class Ticket(Model):
    __tablename__ = "ticket"
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
    customer = relationship("Customer", lazy=LOADING)
    ticket_type_id = Column(ForeignKey("ticket_type.id"), nullable=False)
    ticket_type = relationship("TicketType", lazy=LOADING)
    agent_id = Column(ForeignKey("agent.id"), nullable=False)
    agent = relationship("Agent", lazy=LOADING)

    def __repr__(self):
        return self.number


class TicketView(ModelView):
    datamodel = SQLAInterface(Ticket)
    list_columns = [
        "number", "title", "status", "priority", "channel", "requester_name", "customer", "ticket_type", "agent", "created_at", "due_at",
    ]  # fmt: skip
    base_order = ("created_at", "desc")
    page_size = 25
    if WITH_CARE:
        search_columns = ["number", "title", "status", "priority", "channel", "ticket_type", "agent", "created_at", "due_at"]
        add_form_extra_fields = {
            "customer": AJAXSelectField(
                "Customer", datamodel=datamodel, col_name="customer",
                widget=Select2AJAXWidget(endpoint="/ticketview/api/column/add/customer"),
            )
        }  # fmt: skip


class CustomerView(ModelView):
    datamodel = SQLAInterface(Customer)
    list_columns = ["name", "email", "city"]


class TicketTypeView(ModelView):
    datamodel = SQLAInterface(TicketType)
    list_columns = ["name"]


class AgentView(ModelView):
    datamodel = SQLAInterface(Agent)
    list_columns = ["name"]


with app.app_context():
    appbuilder = AppBuilder(app, db.session)
    if PREPARE:
        Model.metadata.create_all(db.engine)
    for view, label in ((TicketView, "Tickets"), (CustomerView, "Customers"), (TicketTypeView, "Types"), (AgentView, "Agents")):
        appbuilder.add_view(view, label, category="Desk")
    if PREPARE and not appbuilder.sm.find_user("admin"):
        appbuilder.sm.add_user("admin", "Ad", "Min", "admin@example.com", appbuilder.sm.find_role("Admin"), os.environ["PEER_PASSWORD"])
