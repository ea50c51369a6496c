"""The store of costs that the platform's own screen uses: US dollars by org, agent and model."""

from exporter.demo.data.agents import UNITS
from exporter.demo.data.models import cost_by_model
from exporter.demo.request import ApiRequest, Json


def tenant_cost(request: ApiRequest) -> Json:
    """Return the cost of the org."""
    return {"total_cost": sum(request.view.chats(request.days(required=True)).cost) / UNITS}


def costs_by_model(request: ApiRequest) -> Json:
    """Return the cost of each model."""
    total = sum(request.view.chats(request.days(required=True)).cost)
    return [
        {"model": model.name, "total_cost": units / UNITS}
        for model, units in cost_by_model(total).items()
    ]


def costs_by_agent(request: ApiRequest) -> Json:
    """Return the cost of each agent; names need not be unique."""
    days, view = request.days(required=True), request.view
    costs = {agent: sum(view.chats(days, (agent,)).cost) for agent in view.agents}
    return {
        "tenant": request.org.key,
        "tenant_total_cost": sum(costs.values()) / UNITS,
        "mentor_data": [
            {
                "mentor_unique_id": agent.agent_id,
                "mentor_name": agent.name,
                "total_cost": units / UNITS,
                "mentor_sessions": [],
            }
            for agent, units in costs.items()
        ],
    }
