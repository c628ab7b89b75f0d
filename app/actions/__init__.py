"""Pages of actions: analysis, plan, review of the effect, board and calendar; and outputs that do not conform."""
