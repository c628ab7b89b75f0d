"""Pages of the surveys: questionnaires, campaigns, telephone interviews and paper, results, alarms."""
