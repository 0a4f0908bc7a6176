"""Messages of images in all encodings, and what is in them."""

import array

import cv2
import numpy as np
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from support.station import stamped

STAMP_NS = 1_700_000_123_456_789_012
WIDTH, HEIGHT = 48, 36
ALPHA = np.full((HEIGHT, WIDTH), 9, np.uint8)


def smooth_colours() -> np.ndarray:
    """Return an RGB picture whose neighbouring pixels differ little."""
    v, u = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    channels = (40 + 4 * u, 200 - 4 * v, 60 + 1.5 * u + 2 * v)
    return np.rint(np.dstack(channels)).astype(np.uint8)


COLOURS = smooth_colours()
GREY = COLOURS[..., 0]
DEEP_COLOURS = COLOURS.astype(np.uint16) * 257


def raw(encoding: str, pixels: np.ndarray, padding: int = 0, big_endian: bool = False) -> Image:
    """Return a message of pixels [H, W] or [H, W, C], or of rows of bytes."""
    if big_endian:
        pixels = pixels.astype(pixels.dtype.newbyteorder('>'))
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(pixels.shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    image = Image(height=HEIGHT, width=WIDTH, encoding=encoding, step=rows.shape[1])
    image.is_bigendian = int(big_endian)
    image.data = array.array('B', rows.tobytes())
    return stamped(image, STAMP_NS)


def compressed(file_format: str, suffix: str, pixels: np.ndarray) -> CompressedImage:
    data = cv2.imencode(suffix, pixels)[1].tobytes()
    message = CompressedImage(format=file_format, data=array.array('B', data))
    return stamped(message, STAMP_NS)


def mosaic(pattern: str, colours: np.ndarray) -> np.ndarray:
    """Return of each pixel the colour that a Bayer pattern such as rggb leaves of it."""
    raw_pixels = colours[..., 0].copy()
    for index, name in enumerate(pattern):
        row, column = divmod(index, 2)
        raw_pixels[row::2, column::2] = colours[row::2, column::2, 'rgb'.index(name)]
    return raw_pixels


def yuv(colours: np.ndarray) -> np.ndarray:
    """Return Y, U and V by BT.601, studio range, [H, W, 3]."""
    rgb = colours / 255
    y = rgb @ (65.481, 128.553, 24.966) + 16
    u = rgb @ (-37.797, -74.203, 112.0) + 128
    v = rgb @ (112.0, -93.786, -18.214) + 128
    return np.rint(np.dstack((y, u, v))).astype(np.uint8)


def packed_yuv(first: int) -> np.ndarray:
    """Return 4:2:2, with the luma in the first or second byte of a pixel."""
    pixels = np.empty((HEIGHT, WIDTH, 2), np.uint8)
    planes = yuv(COLOURS)
    pixels[..., first] = planes[..., 0]
    pixels[:, ::2, 1 - first] = planes[:, ::2, 1]
    pixels[:, 1::2, 1 - first] = planes[:, ::2, 2]
    return pixels


def nv21() -> np.ndarray:
    planes = yuv(COLOURS)
    chroma = planes[::2, ::2, 2:0:-1].reshape(HEIGHT // 2, WIDTH)
    return np.vstack((planes[..., 0], chroma))


def nv12() -> np.ndarray:
    planes = yuv(COLOURS)
    return np.vstack((planes[..., 0], planes[::2, ::2, 1:].reshape(HEIGHT // 2, WIDTH)))


def nv24() -> np.ndarray:
    planes = yuv(COLOURS)
    return np.vstack((planes[..., 0], planes[..., 1:].reshape(2 * HEIGHT, WIDTH)))


def info(**changes) -> CameraInfo:
    camera = {
        'width': WIDTH,
        'height': HEIGHT,
        'k': [40.0, 0.0, 23.5, 0.0, 40.0, 17.5, 0.0, 0.0, 1.0],
        'p': [40.0, 0.0, 23.5, 0.0, 0.0, 40.0, 17.5, 0.0, 0.0, 0.0, 1.0, 0.0],
        'r': [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        'distortion_model': 'plumb_bob',
        'd': [0.0] * 5,
    }
    return CameraInfo(**(camera | changes))


DISTORTED = {'d': [-0.3, 0.1, 0.0, 0.0, 0.0]}
EXACT = {
    'rgb8': COLOURS,
    'bgr8': COLOURS[..., ::-1],
    'rgba8': np.dstack([COLOURS, ALPHA]),
    'bgra8': np.dstack([COLOURS[..., ::-1], ALPHA]),
    '8UC3': COLOURS[..., ::-1],
    '8UC4': np.dstack([COLOURS[..., ::-1], ALPHA]),
    'rgb16': DEEP_COLOURS,
    'bgr16': DEEP_COLOURS[..., ::-1],
    'rgba16': np.dstack([DEEP_COLOURS, DEEP_COLOURS[..., 0]]),
    'bgra16': np.dstack([DEEP_COLOURS[..., ::-1], DEEP_COLOURS[..., 0]]),
}
GREYS = {'mono8': GREY, '8UC1': GREY, 'mono16': GREY.astype(np.uint16) * 257}
PATTERNS = ('rggb', 'bggr', 'gbrg', 'grbg')
NEARLY = {f'bayer_{pattern}8': mosaic(pattern, COLOURS) for pattern in PATTERNS} | {
    f'bayer_{pattern}16': mosaic(pattern, DEEP_COLOURS) for pattern in PATTERNS
}
NEARLY |= {'uyvy': packed_yuv(1), 'yuv422': packed_yuv(1)}
NEARLY |= {'yuyv': packed_yuv(0), 'yuv422_yuy2': packed_yuv(0), 'nv21': nv21()}
NEARLY |= {'nv12': nv12(), 'nv24': nv24()}


def ramp(depth: int) -> np.ndarray:
    """Return grey levels from black to white of so many bits."""
    return np.linspace(0, 2**depth - 1, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
