"""The default network: a night's features and 5-s series to a stage for every epoch.

Axes: B night, S epoch, C channel, T 5-s step (six an epoch), F feature, D hidden.

No recurrent layer: those export wrongly with a dynamic length. Context comes from dilated convolutions, which reach
about an hour to each side, and from attention over the whole night.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["SequenceNet", "SequenceShape"]


@dataclass(frozen=True, kw_only=True)
class SequenceShape:
    """Dimensions of the network, stored in the checkpoint.

    Attributes
    ----------
    n_features, n_groups : int
        Columns of the features and of the mask.
    n_series : int
        Channels of the 5-s series.
    steps_per_epoch : int
        5-s steps in an epoch.
    n_classes : int
        Stages.
    series_width, width, heads : int
        Channels of the series encoder, of the epoch layers, and attention heads.
    kernel : int
        Length of the epoch convolutions.
    dilations : tuple of int
        Their dilations, one block each.
    attention_layers : int
        Number of attention blocks after them.
    dropout : float
        Probability of dropping a hidden value in training.
    """

    n_features: int
    n_groups: int = 5
    n_series: int = 4
    steps_per_epoch: int = 6
    n_classes: int = 5
    series_width: int = 24
    width: int = 64
    heads: int = 4
    kernel: int = 5
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    attention_layers: int = 1
    dropout: float = 0.2


class SeriesEncoder(nn.Module):
    """Convolutions along the 5-s series, then mean and maximum within each epoch."""

    def __init__(self, shape: SequenceShape) -> None:
        super().__init__()
        width = shape.series_width
        self.steps = shape.steps_per_epoch
        self.layers = nn.ModuleList(
            nn.Conv1d(channels, width, 5, padding=2 * dilation, dilation=dilation)
            for channels, dilation in ((shape.n_series, 1), (width, 2), (width, 4))
        )
        self.out_width = 2 * width

    def forward(self, series_BCT: Tensor, valid_BS: Tensor) -> Tensor:
        """Encode ``(B, C, T)`` to ``(B, S, D)``; what pads a shorter night stays zero, as beyond a night's end."""
        valid_B1T = valid_BS.repeat_interleave(self.steps, dim=1).unsqueeze(1)
        hidden_BDT = series_BCT
        for layer in self.layers:
            hidden_BDT = nn.functional.gelu(layer(hidden_BDT)) * valid_B1T
        epochs_BDSK = hidden_BDT.unflatten(2, (-1, self.steps))
        return torch.cat([epochs_BDSK.mean(3), epochs_BDSK.amax(3)], dim=1).transpose(1, 2)


class ConvBlock(nn.Module):
    """A dilated convolution over epochs, with a residual path."""

    def __init__(self, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = nn.Conv1d(width, width, kernel, padding=dilation * (kernel // 2), dilation=dilation)
        self.mix = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_BSD: Tensor, valid_BS: Tensor) -> Tensor:
        """Add what the neighbourhood says; padding epochs contribute nothing."""
        hidden_BSD = self.norm(x_BSD) * valid_BS.unsqueeze(-1)
        hidden_BSD = nn.functional.gelu(self.conv(hidden_BSD.transpose(1, 2)).transpose(1, 2))
        return x_BSD + self.dropout(self.mix(hidden_BSD))


class AttentionBlock(nn.Module):
    """Self-attention over the night, with a residual path and a feed-forward layer."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm_ff = nn.LayerNorm(width)
        self.ff = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_BSD: Tensor, valid_BS: Tensor | None) -> Tensor:
        """Add what the whole night says; padding epochs, where there are any, are not looked at."""
        query, key, value = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.qkv(self.norm(x_BSD)).chunk(3, dim=2)
        )
        # A night alone needs no mask: in an exported graph, minding one takes longer than all the rest of attention.
        looked_at = None if valid_BS is None else valid_BS.bool()[:, None, None, :]
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=looked_at)
        x_BSD = x_BSD + self.dropout(self.out(mixed.transpose(1, 2).flatten(2)))
        return x_BSD + self.dropout(self.ff(self.norm_ff(x_BSD)))


class SequenceNet(nn.Module):
    """Features, series and mask of whole nights to logits of the stages.

    Parameters
    ----------
    shape : SequenceShape
        Dimensions.
    """

    def __init__(self, shape: SequenceShape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = SeriesEncoder(shape)
        self.inlet = nn.Linear(shape.n_features + shape.n_groups + self.encoder.out_width, shape.width)
        self.inlet_dropout = nn.Dropout(shape.dropout)
        self.convs = nn.ModuleList(
            ConvBlock(shape.width, shape.kernel, dilation, shape.dropout) for dilation in shape.dilations
        )
        self.attention = nn.ModuleList(
            AttentionBlock(shape.width, shape.heads, shape.dropout) for _ in range(shape.attention_layers)
        )
        self.norm = nn.LayerNorm(shape.width)
        self.head = nn.Linear(shape.width, shape.n_classes)

    def forward(
        self, features_BSF: Tensor, series_BCT: Tensor, mask_BSG: Tensor, valid_BS: Tensor | None = None
    ) -> Tensor:
        """Logits ``(B, S, n_classes)``.

        Parameters
        ----------
        features_BSF, series_BCT, mask_BSG : Tensor
            As in `staging.features.ModelInputs`, with a leading night axis.
        valid_BS : Tensor, optional
            0 for epochs that only pad a shorter night.
        """
        there_BS = torch.ones_like(features_BSF[:, :, 0]) if valid_BS is None else valid_BS
        x_BSD = torch.cat([features_BSF, mask_BSG, self.encoder(series_BCT, there_BS)], dim=2)
        x_BSD = self.inlet_dropout(self.inlet(x_BSD))
        for conv in self.convs:
            x_BSD = conv(x_BSD, there_BS)
        for attention in self.attention:
            x_BSD = attention(x_BSD, valid_BS)
        return self.head(self.norm(x_BSD))
