"""The waveform network: raw PPG, acceleration and skin temperature to a stage for every epoch.

Each sensor has an encoder of its own; what is missing becomes a learnt token; the sensors are fused epoch by epoch, and
the night is mixed by the default network's dilated convolutions and attention. Encoders by signal, fusion, dilated
convolutions and the masking of signals at random in training are those of wav2sleep; PPG at 1,024 samples an epoch,
read by convolutions over the whole night, is that of SleepPPG-Net. Ours are the fronts of the PPG and of the
acceleration: signal processing with fixed weights, beside learnt convolutions on the same samples, so that tens of
nights are enough to learn from where raw convolutions need thousands.

Axes: B night, S epoch, G sensor, X axis of the acceleration, T sample, C channel, N step (32 an epoch, about 1 Hz),
D hidden, K class.

Every time axis has a whole number of samples an epoch, and nothing recurs, so the exported graph is right at any
length. What is masked is set to zero here, whatever is fed, and so is what pads a shorter night.

References
----------
Kotzen K., Charlton P.H., Salabi S., Amar L., Landesberg A., Behar J.A., IEEE J. Biomed. Health Inform. 27 (2023)
924-932, doi 10.1109/JBHI.2022.3225363 (SleepPPG-Net, published online in 2022).
Carter J.F., Tarassenko L., wav2sleep: a unified multi-modal approach to sleep stage classification from physiological
signals, Machine Learning for Health 2024, Proc. Machine Learning Research 259, arXiv 2411.04644.
Miller K.S., Rochwarger M.M., IEEE Trans. Inf. Theory 18 (1972) 588-596, doi 10.1109/TIT.1972.1054886 (a frequency from
the phase between neighbouring samples).
Snyder D., Garcia-Romero D., Sell G., Povey D., Khudanpur S., ICASSP 2018, 5329-5333, doi 10.1109/ICASSP.2018.8461375
(mean and spread of a stretch as what it is summed up by).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.sequence import AttentionBlock, ConvBlock
from models.waveform_spec import SENSORS
from staging.recording import EPOCH_S

__all__ = ["WaveformNet", "WaveformShape", "WaveformStager"]

STEPS = 32
"""Steps an epoch of the encoders of PPG and acceleration: fast enough for breathing to be seen in the pulse."""


@dataclass(frozen=True, kw_only=True)
class WaveformShape:
    """Dimensions of the network, stored with its weights.

    Attributes
    ----------
    ppg_per_epoch, acc_per_epoch, temperature_per_epoch : int
        Samples of an epoch; the first two whole multiples of 128.
    n_classes : int
        Stages.
    learnt_width, encoder_width : int
        Channels of the learnt convolutions on samples, and of the encoders.
    width, heads : int
        Channels of the epoch layers, and attention heads.
    kernel : int
        Length of the epoch convolutions.
    dilations : tuple of int
        Their dilations, one block each.
    attention_layers : int
        Number of attention blocks after them.
    dropout : float
        Probability of dropping a hidden value in training.
    """

    ppg_per_epoch: int = 1024
    acc_per_epoch: int = 512
    temperature_per_epoch: int = 6
    n_classes: int = 5
    learnt_width: int = 16
    encoder_width: int = 32
    width: int = 64
    heads: int = 4
    kernel: int = 5
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    attention_layers: int = 1
    dropout: float = 0.1


class PulseFront(nn.Module):
    """Rate, strength and steadiness of the pulse at `STEPS` an epoch, by fixed filters.

    Complex Gabor filters cover the band of the pulse. In each, the frequency is read from the turn of phase between
    neighbouring outputs; the rate is their mean, weighted by power, so that the filter which holds the pulse's
    fundamental says most. No beat is looked for, so none can be missed.

    Parameters
    ----------
    per_epoch : int
        Samples of an epoch.
    """

    BANDS_HZ = (0.8, 1.1, 1.5, 2.0)
    """Centres of the filters: 48-120 beats a minute, and as much around them as the filters are wide."""

    WIDTH = 0.25
    """SD of a filter's Gaussian in units of its centre: breathing's modulation passes, the second harmonic does not."""

    REACH = 3.0
    """SDs of its envelope after which a filter is cut."""

    POWER_FLOOR = 1e-4
    """In units of the night's usual power; keeps logarithms and quotients finite where there is no pulse."""

    UNIT_HZ = 10.0 / 60.0
    """10 bpm: the unit of relative rates, as in the default network."""

    def __init__(self, per_epoch: int) -> None:
        super().__init__()
        rate_hz = per_epoch / EPOCH_S
        # Two outputs a step: at 2.1 Hz the phase turns by less than half a circle within a filter's band.
        self.stride = per_epoch // (2 * STEPS)
        self.hop_s = self.stride / rate_hz
        centre = torch.tensor(self.BANDS_HZ).unsqueeze(1)
        half = int(self.REACH / (2 * math.pi * self.WIDTH * min(self.BANDS_HZ)) * rate_hz)
        at_s = torch.arange(-half, half + 1) / rate_hz
        window = torch.exp(-0.5 * (2 * math.pi * self.WIDTH * centre * at_s) ** 2)
        window = window / window.sum(1, keepdim=True)
        real, imaginary = (
            window * torch.cos(2 * math.pi * centre * at_s),
            window * torch.sin(2 * math.pi * centre * at_s),
        )
        real = real - window * real.sum(1, keepdim=True)  # nothing of the baseline
        # A convolution slides without turning the kernel over, so that the sine counts backwards in time.
        self.register_buffer("kernels", torch.cat([real, -imaginary]).unsqueeze(1))
        turn = 2 * math.pi * centre * self.hop_s
        self.register_buffer("cosine", turn.cos())
        self.register_buffer("sine", turn.sin())
        self.register_buffer("centre_hz", centre)
        self.out_channels = 3 + 2 * len(self.BANDS_HZ)

    def forward(self, ppg_B1T: Tensor, known_B1N: Tensor) -> Tensor:
        """Tracks ``(B, C, N)`` of a PPG whose usual size is 1: rate and strength against the night's, and by filter."""
        filtered_BCM = nn.functional.conv1d(
            ppg_B1T, self.kernels, stride=self.stride, padding=self.kernels.shape[2] // 2
        )
        real, imaginary = filtered_BCM.chunk(2, dim=1)
        real_before, imaginary_before = (nn.functional.pad(part[:, :, :-1], (1, 0)) for part in (real, imaginary))
        # The product with the neighbour's conjugate, turned back by what the filter's centre turns.
        along, across = (
            real * real_before + imaginary * imaginary_before,
            imaginary * real_before - real * imaginary_before,
        )
        along, across = along * self.cosine + across * self.sine, across * self.cosine - along * self.sine
        along, across, power = (
            nn.functional.avg_pool1d(part, 2) for part in (along, across, real.square() + imaginary.square())
        )
        size = (along.square() + across.square() + 1e-12).sqrt()
        # The arc sine by two terms, for the angle itself would jump where its sign is a matter of rounding.
        sine = across / (size + self.POWER_FLOOR)
        away_hz = sine * (1 + sine.square() / 6) / (2 * math.pi * self.hop_s)
        log_power = (power + self.POWER_FLOOR).log()
        share = (2 * log_power).softmax(dim=1)
        rate_hz = (share * (self.centre_hz + away_hz)).sum(1, keepdim=True)
        total = power.sum(1, keepdim=True) + self.POWER_FLOOR
        steady = size.sum(1, keepdim=True) / total
        relative = (rate_hz - _mean(rate_hz, known_B1N * steady)) / self.UNIT_HZ
        louder = total.log() - _mean(total.log(), known_B1N)
        return torch.cat([relative, louder, steady, away_hz / self.UNIT_HZ, 0.3 * log_power], dim=1)


class MotionFront(nn.Module):
    """Movement and turns of the wrist at `STEPS` an epoch, by fixed sums; the same however the device sits.

    Parameters
    ----------
    per_epoch : int
        Samples of an epoch.
    """

    FLOOR_G = 0.003
    """Below a sensor's noise; keeps logarithms finite."""

    FAST_UNIT_G = 0.04
    """Where the compression of the fast part bends."""

    out_channels = 3

    def __init__(self, per_epoch: int) -> None:
        super().__init__()
        self.stride = per_epoch // STEPS

    def forward(self, acc_BXT: Tensor, known_B1N: Tensor) -> tuple[Tensor, Tensor]:
        """Logarithms of movement and of turns since 1 s and 30 s before ``(B, C, N)``, and the compressed fast part."""
        gravity_BXN = nn.functional.avg_pool1d(acc_BXT, self.stride)
        fast_BXT = acc_BXT - gravity_BXN.repeat_interleave(self.stride, dim=2)
        sizes = [nn.functional.avg_pool1d(fast_BXT.square().sum(1, keepdim=True), self.stride)]
        for steps in (1, STEPS):
            before, known_before = (
                nn.functional.pad(part, (steps, 0))[:, :, :-steps] for part in (gravity_BXN, known_B1N)
            )
            sizes.append((gravity_BXN - before).square().sum(1, keepdim=True) * known_B1N * known_before)
        tracks_BCN = (torch.cat(sizes, dim=1) + self.FLOOR_G**2).log() / 3 + 3  # about 0, within 3 or so
        return tracks_BCN, nn.functional.softsign(fast_BXT / self.FAST_UNIT_G)


class LearntFront(nn.Module):
    """Learnt convolutions from samples to `STEPS` an epoch.

    Parameters
    ----------
    channels, width : int
        In and out.
    per_epoch : int
        Samples of an epoch.
    """

    def __init__(self, channels: int, width: int, per_epoch: int) -> None:
        super().__init__()
        first = per_epoch // STEPS // 4
        self.steps = (4 * STEPS, STEPS)
        self.layers = nn.ModuleList(
            nn.Conv1d(inlet, width, 4 * stride - 1, stride=stride, padding=2 * stride - 1)
            for inlet, stride in ((channels, first), (width, 4))
        )
        self.out_channels = width

    def forward(self, x_BCT: Tensor, known_BS: Tensor) -> Tensor:
        """Encode ``(B, C, T)`` to ``(B, C, N)``."""
        for layer, steps in zip(self.layers, self.steps, strict=True):
            x_BCT = nn.functional.gelu(layer(x_BCT)) * _held(known_BS, steps)
        return x_BCT


class SensorEncoder(nn.Module):
    """Tracks of a sensor to one embedding an epoch: convolutions, then mean, spread and maximum of the epoch.

    Parameters
    ----------
    channels, width, out_width : int
        Of the tracks, the convolutions and the embedding.
    steps : int
        Steps of the tracks in an epoch.
    """

    SPREAD_FLOOR = 1e-4

    def __init__(self, channels: int, width: int, out_width: int, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.layers = nn.ModuleList(
            nn.Conv1d(inlet, width, 5, padding=2 * dilation, dilation=dilation)
            for inlet, dilation in ((channels, 1), (width, 2), (width, 4))
        )
        self.out = nn.Linear(3 * width, out_width)

    def forward(self, x_BCN: Tensor, known_BS: Tensor) -> Tensor:
        """Encode ``(B, C, N)`` to ``(B, S, D)``."""
        known_B1N = _held(known_BS, self.steps)
        x_BCN = x_BCN * known_B1N
        for layer in self.layers:
            x_BCN = nn.functional.gelu(layer(x_BCN)) * known_B1N
        parts = x_BCN.unflatten(2, (-1, self.steps))
        mean = parts.mean(3)
        variance = (parts - mean.unsqueeze(3)).square().mean(3)
        summed = torch.cat([mean, (variance + self.SPREAD_FLOOR).sqrt(), parts.amax(3)], dim=1)
        return self.out(summed.transpose(1, 2))


class PulseEncoder(nn.Module):
    """PPG in any unit to embeddings: it is measured in the night's usual size first."""

    POWER_FLOOR = 1e-6

    def __init__(self, shape: WaveformShape) -> None:
        super().__init__()
        self.front = PulseFront(shape.ppg_per_epoch)
        self.learnt = LearntFront(1, shape.learnt_width, shape.ppg_per_epoch)
        channels = self.front.out_channels + self.learnt.out_channels
        self.encoder = SensorEncoder(channels, shape.encoder_width, shape.width, STEPS)

    def forward(self, ppg_BST: Tensor, known_BS: Tensor) -> Tensor:
        """Encode ``(B, S, T)`` to ``(B, S, D)``."""
        ppg_BST = ppg_BST * known_BS.unsqueeze(2)
        log_size_BS = (ppg_BST.square().mean(2) + self.POWER_FLOOR).log() / 2
        # The geometric mean of the epochs' sizes: a few with movement do not make the others small.
        usual_B11 = _mean(log_size_BS.unsqueeze(1), known_BS.unsqueeze(1)).exp()
        ppg_B1T = ppg_BST.flatten(1).unsqueeze(1) / usual_B11
        tracks_BCN = self.front(ppg_B1T, _held(known_BS, STEPS))
        learnt_BCN = self.learnt(nn.functional.softsign(ppg_B1T / 2), known_BS)
        return self.encoder(torch.cat([tracks_BCN, learnt_BCN], dim=1), known_BS)


class MotionEncoder(nn.Module):
    """Acceleration in g to embeddings."""

    def __init__(self, shape: WaveformShape) -> None:
        super().__init__()
        self.front = MotionFront(shape.acc_per_epoch)
        self.learnt = LearntFront(3, shape.learnt_width, shape.acc_per_epoch)
        channels = self.front.out_channels + self.learnt.out_channels
        self.encoder = SensorEncoder(channels, shape.encoder_width, shape.width, STEPS)

    def forward(self, acc_BSXT: Tensor, known_BS: Tensor) -> Tensor:
        """Encode ``(B, S, X, T)`` to ``(B, S, D)``."""
        acc_BXT = (acc_BSXT * known_BS[:, :, None, None]).transpose(1, 2).flatten(2)
        tracks_BCN, fast_BXT = self.front(acc_BXT, _held(known_BS, STEPS))
        return self.encoder(torch.cat([tracks_BCN, self.learnt(fast_BXT, known_BS)], dim=1), known_BS)


class TemperatureEncoder(nn.Module):
    """Skin temperature in °C to embeddings: against the night's mean, against usual skin, and its change."""

    USUAL_C = 33.0
    STEP_UNIT_C = 0.1

    def __init__(self, shape: WaveformShape) -> None:
        super().__init__()
        self.steps = shape.temperature_per_epoch
        self.encoder = SensorEncoder(3, shape.encoder_width, shape.width, self.steps)

    def forward(self, temperature_BST: Tensor, known_BS: Tensor) -> Tensor:
        """Encode ``(B, S, T)`` to ``(B, S, D)``."""
        known_B1T = _held(known_BS, self.steps)
        level_B1T = (temperature_BST.flatten(1).unsqueeze(1) - self.USUAL_C) * known_B1T
        relative_B1T = level_B1T - _mean(level_B1T, known_B1T)
        known_step = known_B1T[:, :, 1:] * known_B1T[:, :, :-1]
        step = nn.functional.pad((level_B1T[:, :, 1:] - level_B1T[:, :, :-1]) * known_step, (1, 0))
        return self.encoder(torch.cat([relative_B1T, level_B1T / 3, step / self.STEP_UNIT_C], dim=1), known_BS)


class Fusion(nn.Module):
    """Embeddings of the sensors to one of the epoch; a missing sensor's is a learnt token.

    Each embedding is seen as it is and against the night's mean and spread, for people differ more than stages do.

    Parameters
    ----------
    shape : WaveformShape
        Dimensions.
    """

    VARIANCE_FLOOR = 1e-3

    def __init__(self, shape: WaveformShape) -> None:
        super().__init__()
        self.missing_GD = nn.Parameter(0.02 * torch.randn(len(SENSORS), 2 * shape.width))
        self.mix = nn.Linear(len(SENSORS) * (2 * shape.width + 1), shape.width)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, embedded: Sequence[Tensor], mask_BSG: Tensor) -> Tensor:
        """Fuse ``(B, S, D)`` of each sensor to ``(B, S, D)``."""
        tokens = [mask_BSG]
        for sensor, z_BSD in enumerate(embedded):
            known_BS1 = mask_BSG[:, :, sensor : sensor + 1]
            n_B11 = known_BS1.sum(1, keepdim=True).clamp(min=1.0)
            away_BSD = z_BSD - (z_BSD * known_BS1).sum(1, keepdim=True) / n_B11
            variance_B1D = (away_BSD.square() * known_BS1).sum(1, keepdim=True) / n_B11
            both = torch.cat([z_BSD, away_BSD * (variance_B1D + self.VARIANCE_FLOOR).rsqrt()], dim=2)
            tokens.append(both * known_BS1 + self.missing_GD[sensor] * (1 - known_BS1))
        return self.dropout(self.mix(torch.cat(tokens, dim=2)))


class WaveformNet(nn.Module):
    """Raw samples and mask of whole nights to logits of the stages.

    Parameters
    ----------
    shape : WaveformShape
        Dimensions.
    """

    def __init__(self, shape: WaveformShape) -> None:
        super().__init__()
        for per_epoch in (shape.ppg_per_epoch, shape.acc_per_epoch):
            if per_epoch % (4 * STEPS):
                raise ValueError(f"{per_epoch} samples an epoch: choose a whole multiple of {4 * STEPS}")
        self.shape = shape
        self.ppg = PulseEncoder(shape)
        self.acc = MotionEncoder(shape)
        self.temperature = TemperatureEncoder(shape)
        self.fusion = Fusion(shape)
        self.convs = nn.ModuleList(
            ConvBlock(shape.width, shape.kernel, dilation, shape.dropout) for dilation in shape.dilations
        )
        self.attention = nn.ModuleList(
            AttentionBlock(shape.width, shape.heads, shape.dropout) for _ in range(shape.attention_layers)
        )
        self.norm = nn.LayerNorm(shape.width)
        self.head = nn.Linear(shape.width, shape.n_classes)

    def forward(
        self,
        ppg_BST: Tensor,
        acc_BSXT: Tensor,
        temperature_BST: Tensor,
        mask_BSG: Tensor,
        valid_BS: Tensor | None = None,
    ) -> Tensor:
        """Logits ``(B, S, n_classes)``.

        Parameters
        ----------
        ppg_BST, acc_BSXT, temperature_BST : Tensor
            PPG in any unit, acceleration in g, skin temperature in °C; finite, of no matter what value where masked.
        mask_BSG : Tensor
            1 where the sensor (`SENSORS`) was recorded in the epoch.
        valid_BS : Tensor, optional
            0 for epochs that only pad a shorter night.
        """
        if valid_BS is None:
            valid_BS = torch.ones_like(mask_BSG[:, :, 0])
        mask_BSG = mask_BSG * valid_BS.unsqueeze(2)
        samples = (ppg_BST, acc_BSXT, temperature_BST)
        encoders = (self.ppg, self.acc, self.temperature)
        embedded = [
            encoder(part, mask_BSG[:, :, sensor])
            for sensor, (encoder, part) in enumerate(zip(encoders, samples, strict=True))
        ]
        x_BSD = self.fusion(embedded, mask_BSG)
        for block in (*self.convs, *self.attention):
            x_BSD = block(x_BSD, valid_BS)
        return self.head(self.norm(x_BSD))


class WaveformStager(nn.Module):
    """Mean probabilities of some networks for one night, blind to sensors that training never showed them.

    Parameters
    ----------
    members : sequence of WaveformNet
        At least one.
    sensors : collection of str
        Sensors (`SENSORS`) that training showed. The weights of the others are as they were drawn: those sensors are
        masked here, in every runtime, whatever an app feeds.
    """

    def __init__(self, members: Sequence[WaveformNet], sensors: Collection[str] = SENSORS) -> None:
        super().__init__()
        if not members:
            raise ValueError("an ensemble needs at least one member")
        self.members = nn.ModuleList(members)
        self.register_buffer("seen_G", torch.tensor([float(sensor in sensors) for sensor in SENSORS]))

    def forward(self, ppg_ST: Tensor, acc_SXT: Tensor, temperature_ST: Tensor, mask_SG: Tensor) -> Tensor:
        """Probabilities ``(S, K)`` of one night."""
        night = [part.unsqueeze(0) for part in (ppg_ST, acc_SXT, temperature_ST, mask_SG * self.seen_G)]
        return torch.stack([member(*night).softmax(dim=2) for member in self.members]).mean(dim=0)[0]


def _held(known_BS: Tensor, steps: int) -> Tensor:
    """Which steps are known, ``(B, 1, S * steps)``."""
    return known_BS.repeat_interleave(steps, dim=1).unsqueeze(1)


def _mean(x_BCN: Tensor, weight_B1N: Tensor) -> Tensor:
    """Weighted mean over the night, ``(B, C, 1)``; 0 where nothing has weight."""
    return (x_BCN * weight_B1N).sum(2, keepdim=True) / weight_B1N.sum(2, keepdim=True).clamp(min=1e-6)
