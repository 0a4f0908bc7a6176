"""What encodings mean, and which can become which; as in cv_bridge of Humble to Kilted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from cv_bridge.errors import CvBridgeError

_TYPES = {
    '8U': 'uint8',
    '8S': 'int8',
    '16U': 'uint16',
    '16S': 'int16',
    '32S': 'int32',
    '32F': 'float32',
    '64F': 'float64',
}
_PLAIN_NAMES = {dtype: name for name, dtype in _TYPES.items()}
_PLAIN = re.compile(f'({"|".join(_TYPES)})(?:C([0-9]+))?')
_CHANNELS = {'GRAY': 1, 'RGB': 3, 'BGR': 3, 'RGBA': 4, 'BGRA': 4}
_YUV = {'yuv422': 'UYVY', 'yuv422_yuy2': 'YUY2'}
# OpenCV names a pattern by the colours of its second row from the second pixel on.
_BAYER = {'rggb': 'BayerBG', 'bggr': 'BayerRG', 'gbrg': 'BayerGR', 'grbg': 'BayerGB'}


@dataclass(frozen=True)
class _Colours:
    """An encoding with colours."""

    name: str
    """OpenCV's name of the colours, of a YUV order, or of a Bayer pattern."""
    bits: int
    channels: int


def _with_colours() -> dict[str, _Colours]:
    known = {name: _Colours(order, 8, 2) for name, order in _YUV.items()}
    for bits in (8, 16):
        for name, channels in _CHANNELS.items():
            encoding = 'mono' if name == 'GRAY' else name.lower()
            known[f'{encoding}{bits}'] = _Colours(name, bits, channels)
        for pattern, name in _BAYER.items():
            known[f'bayer_{pattern}{bits}'] = _Colours(name, bits, 1)
    return known


_WITH_COLOURS = _with_colours()


def dtype_and_channels(encoding: str) -> tuple[str, int]:
    """Return the name of the dtype and the number of channels.

    :raises CvBridgeError: the encoding is not known.
    """
    colours = _WITH_COLOURS.get(encoding)
    if colours is not None:
        return f'uint{colours.bits}', colours.channels
    plain = _PLAIN.fullmatch(encoding)
    if plain is None:
        raise CvBridgeError(f'Unrecognized image encoding [{encoding}]')
    return _TYPES[plain[1]], int(plain[2] or 1)


def plain_name(dtype: np.dtype[Any] | str, channels: int) -> str:
    """Return the name without colours, as 8UC3.

    :raises KeyError: an image cannot hold this type.
    """
    return f'{_PLAIN_NAMES[np.dtype(dtype).name]}C{channels}'


def conversion_code(encoding: str, desired: str) -> int | None:
    """Return OpenCV's code from one encoding to another one; None if the colours stay.

    :raises CvBridgeError: there is no such conversion.
    """
    source, target = _WITH_COLOURS.get(encoding), _WITH_COLOURS.get(desired)
    if source is None or target is None:
        if {encoding, desired} & set(_TYPES):
            raise CvBridgeError(f'[{encoding}] cannot become [{desired}]: how many channels?')
        same_channels = dtype_and_channels(encoding)[1] == dtype_and_channels(desired)[1]
        if same_channels and (source is not None or target is None):
            return None
        raise CvBridgeError(f'[{encoding}] cannot become [{desired}]: one has no colours')
    is_bayer = source.name in _BAYER.values()
    if source.name == target.name and not is_bayer:
        return None
    prefix = f'YUV2{target.name}_{source.name}' if encoding in _YUV else ''
    code = getattr(cv2, f'COLOR_{prefix or f"{source.name}2{target.name}"}', None)
    # OpenCV makes alpha of a Bayer pattern, cv_bridge does not.
    is_known = target.name in (('GRAY', 'RGB', 'BGR') if is_bayer else _CHANNELS)
    if code is None or not is_known:
        raise CvBridgeError(f'Unsupported conversion from [{encoding}] to [{desired}]')
    return int(code)


def scale(encoding: str, desired: str) -> float:
    """Return the factor from the values of one encoding to those of another one."""
    bits = [np.dtype(dtype_and_channels(name)[0]).itemsize * 8 for name in (encoding, desired)]
    return {(8, 16): 65535 / 255, (16, 8): 255 / 65535}.get((bits[0], bits[1]), 1.0)
