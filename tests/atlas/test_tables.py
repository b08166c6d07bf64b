"""A number that only fills a table is kept small while a model is measured; one that counts is not."""

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


class TableConfig(transformers.PreTrainedConfig):
    model_type = "table"

    def __init__(self, frames=64, rows=64, hidden_size=48, **kwargs):
        self.frames, self.rows, self.hidden_size = frames, rows, hidden_size
        super().__init__(**kwargs)


class Table(transformers.PreTrainedModel):
    config_class = TableConfig

    def __init__(self, config):
        super().__init__(config)
        if config.frames % 4:
            raise ValueError("frames come in fours")
        table = [[t / (i + 1) for i in range(config.hidden_size)] for t in range(config.frames // 4)]
        self.table = torch.FloatTensor(table)
        self.rows = torch.nn.ParameterList(torch.nn.Parameter(torch.empty(3)) for _ in range(config.rows))
        self.out = torch.nn.Linear(config.hidden_size, config.hidden_size)


def test_a_table_is_traced_at_few_rows():
    from symcount.survey.schema.bases import Base
    from symcount.survey.schema.measure import measure

    found = measure(Table, TableConfig, Base({}, {}), frozenset(), effort=500)
    assert found.probe.givens == {"frames": 8}
    (formula,) = found.layout.formulas
    assert [letter[1] for letter in formula.letters] == ["frames", "rows", "hidden_size"]  # 4 divides the first
