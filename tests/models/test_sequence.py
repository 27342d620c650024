"""The default network."""

from __future__ import annotations

import pytest
import torch

from models.sequence import SequenceNet, SequenceShape

SHAPE = SequenceShape(n_features=7, width=16, series_width=6, heads=2, dilations=(1, 2))


@pytest.fixture
def net():
    torch.manual_seed(0)
    return SequenceNet(SHAPE).eval()


def night(n_epochs: int, n_nights: int = 1):
    torch.manual_seed(n_epochs)
    return (
        torch.randn(n_nights, n_epochs, SHAPE.n_features),
        torch.randn(n_nights, SHAPE.n_series, 6 * n_epochs),
        torch.ones(n_nights, n_epochs, SHAPE.n_groups),
    )


@pytest.mark.parametrize("n_epochs", [1, 2, 37, 200])
def test_one_row_of_logits_an_epoch_at_any_length(net, n_epochs):
    assert net(*night(n_epochs)).shape == (1, n_epochs, 5)


def test_padding_changes_nothing_within_the_night(net):
    features, series, mask = night(30)
    padded = (
        torch.nn.functional.pad(features, (0, 0, 0, 20), value=9.0),
        torch.nn.functional.pad(series, (0, 120)),
        torch.nn.functional.pad(mask, (0, 0, 0, 20)),
    )
    valid = torch.cat([torch.ones(1, 30), torch.zeros(1, 20)], dim=1)
    torch.testing.assert_close(net(*padded, valid)[:, :30], net(features, series, mask), atol=1e-5, rtol=1e-5)


def test_nights_of_a_batch_do_not_see_each_other(net):
    features, series, mask = night(25, n_nights=3)
    together = net(features, series, mask)
    alone = net(features[1:2], series[1:2], mask[1:2])
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=1e-5)


def test_the_whole_night_is_seen(net):
    features, series, mask = night(150)
    features.requires_grad_(True)
    net(features, series, mask)[0, 0].sum().backward()
    assert (features.grad[0].abs().sum(dim=1) > 0).all()
