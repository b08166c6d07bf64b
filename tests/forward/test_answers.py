"""What code is answered that asks for the content of tensors which have none."""

from __future__ import annotations

import pytest
import torch
from torch.overrides import TorchFunctionMode

from symcount.errors import DerivationError
from symcount.forward.answers import Answers
from symcount.forward.following import tensors_in


class _Asked(TorchFunctionMode):
    def __init__(self, answers):
        super().__init__()
        self.answers = answers

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = self.answers.instead(func, args, kwargs or {})
        if result is NotImplemented:
            result = func(*args, **(kwargs or {}))
        self.answers.note(func, args, kwargs or {}, result, list(tensors_in(result)))
        return result


def _answer(code, whole=True):
    with torch.device("meta"), _Asked(Answers(lambda: "model.layers.0", whole=whole)):
        return code()


def _written(value):
    given = torch.zeros(4)
    given[1:3] = value
    return given.sum().item()


def _added(value):
    given = torch.zeros(4)
    given += value
    return given.sum().item()


KNOWN = [
    ("positions", lambda: int(torch.arange(7).sum()), 21),
    ("a mask of ones", lambda: torch.ones(3, 4).all().item(), True),
    ("a list", lambda: torch.tensor([[1, 4, 6]]).tolist(), [[1, 4, 6]]),
    ("a product", lambda: torch.tensor([[1, 4, 6]]).prod(-1).tolist(), [24]),
    ("a range", lambda: list(range(torch.tensor(3))), [0, 1, 2]),
    ("a grid that is made of another", lambda: torch.ones_like(torch.empty(2, 3)).cumsum(0)[-1].tolist(), [2.0] * 3),
    ("what is written", lambda: _written(5), 10),
    ("what is added in place", lambda: _added(torch.ones(4)), 4),
    ("where it is not zero", lambda: torch.tensor([0, 3, 0, 1]).nonzero().tolist(), [[1], [3]]),
    ("a mask of some", lambda: tuple(torch.empty(6, 2)[torch.arange(6) % 2 == 0].shape), (3, 2)),
    ("a mask of all", lambda: tuple(torch.empty(2, 3, 5)[torch.ones(2, 3, dtype=torch.bool)].shape), (6, 5)),
    ("whether it is in", lambda: (5 in torch.arange(9), 9 in torch.arange(9)), (True, False)),
    ("whether a special token is in", lambda: 0 in torch.empty(9), False),
    ("whether a token is special", lambda: bool((torch.empty(9) == 3).any()), False),
    ("whether there is no padding", lambda: bool((torch.empty(9) != 3).all()), True),
]


@pytest.mark.parametrize(("code", "answer"), [c[1:] for c in KNOWN], ids=[c[0] for c in KNOWN])
def test_what_is_known_is_the_answer(code, answer):
    assert _answer(code) == answer


@pytest.mark.parametrize("code", [
    lambda: int(torch.empty(3).sum()),
    lambda: _added(torch.empty(4)),
    lambda: _written(torch.empty(2)),
    lambda: (torch.arange(3) * torch.empty(3)).tolist(),
    lambda: range(torch.empty((), dtype=torch.long)),
], ids=["a sum", "what is added in place", "what is written", "a product", "a range"])  # fmt: skip
def test_what_depends_on_content_that_is_not_known_is_refused(code):
    with pytest.raises(DerivationError, match=r"a number that is the content of a tensor, in model\.layers\.0"):
        _answer(code)


@pytest.mark.parametrize(("whole", "tokens"), [(True, 74), (False, 1)], ids=["operations", "caches"])
def test_of_experts_that_are_gone_through_one_gets_all_that_is_routed(whole, tokens):
    def code():
        (hit,) = torch.empty(8).nonzero()
        choice, token = torch.where(torch.empty(2, 37))
        return f"expert_{hit[0]}", int(hit[0]), tuple(torch.empty(37, 5)[token].shape), tuple(choice.shape)

    assert _answer(code, whole) == ("expert_0", 0, (tokens, 5), (tokens,))
