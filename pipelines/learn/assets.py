"""The four questions as assets, one prediction table each, and their model cards."""

import dagster as dg

from ml.questions import QUESTIONS, Question
from ml.registry import Registry
from pipelines.learn.teach import ask, write_cards
from pipelines.progress import say
from warehouse import duck
from warehouse.settings import Home

HOME = Home()
ASKS = {
    "maintenance": "Which vehicle will fail within the tenant's horizon, and what would that cost?",
    "churn": "Which account will leave within 90 days?",
    "lead_score": "Which open lead will be won?",
    "revenue_forecast": "What will each of the next days bring in?",
}
QUESTION_KEYS = [dg.AssetKey(question.prediction_table.split(".")) for question in QUESTIONS]
NAMES = ["__".join(key.path) for key in QUESTION_KEYS]  # what Dagster calls their steps


class LearnConfig(dg.Config):
    """``train``: ``missing`` (only where nobody answers yet), ``all`` or ``none``."""

    train: str = "missing"


def _asset(question: Question) -> dg.AssetsDefinition:
    @dg.asset(
        key=question.prediction_table.split("."),
        deps=[dg.AssetKey(question.features_table.split(".")), dg.AssetKey(["marts", "dim_tenants"])],
        group_name="learn",
        owners=["team:data"],
        kinds={"scikitlearn"},
        pool="warehouse",
        description=ASKS[question.name],
        op_tags={"question": question.name},
    )
    def predictions(context: dg.AssetExecutionContext, config: LearnConfig) -> dg.MaterializeResult:
        with duck.turn(HOME), duck.connect(HOME) as connection:
            outcomes = []
            registry = Registry(HOME.models)
            for outcome in ask(connection, question, registry, train=config.train, run_id=context.run_id):
                outcomes.append(outcome)
                said = outcome.words or f"{outcome.scored:,} scored"
                say(f"{question.name} · {outcome.tenant}: {said}")
        failures = [f"{outcome.tenant}: {outcome.error}" for outcome in outcomes if outcome.error]
        if failures:
            raise dg.Failure("; ".join(failures))
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": sum(outcome.scored for outcome in outcomes),
                "tenants": dg.MetadataValue.json({outcome.tenant: outcome.words for outcome in outcomes}),
            }
        )

    return predictions


QUESTION_ASSETS = [_asset(question) for question in QUESTIONS]


@dg.asset(
    key=["ml", "model_cards"],
    deps=QUESTION_KEYS,
    group_name="learn",
    owners=["team:data"],
    kinds={"duckdb"},
    pool="warehouse",
)
def model_cards(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Every model version's card: question, data, split, result beside the baseline, who answers."""
    with duck.turn(HOME), duck.connect(HOME) as connection:
        count = write_cards(connection, Registry(HOME.models), context.run_id)
    return dg.MaterializeResult(metadata={"dagster/row_count": count})
