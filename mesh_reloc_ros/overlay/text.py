"""Text in images: scaled to the image, wrapped, shortened to fit."""

from __future__ import annotations

import cv2
import numpy as np

from mesh_reloc_ros.overlay.view import Colour, Image

_FONT = cv2.FONT_HERSHEY_SIMPLEX
TEXT: Colour = (240, 240, 240)
# Smaller text is illegible.
_SMALLEST = 0.7
# Brightness factor of the background of text.
_DARKENED = 0.35


class Pen:
    """Writes text at a size that fits the image."""

    def __init__(self, image: Image, unit: float | None = None) -> None:
        """Choose the text size for an image [H, W, 3], which is written to.

        :param unit: instead of a size that fits the image; see `unit`.
        """
        height, width = image.shape[:2]
        self._image = image
        self.unit = unit or max(min(width / 640, height / 160), _SMALLEST)
        """Length that is one pixel in a picture 640 wide."""
        self.pitch = round(19 * self.unit)
        """Pixels from one line to the next."""

    def width(self, text: str) -> int:
        """Return the width of the text in pixels."""
        return int(cv2.getTextSize(text, _FONT, 0.5 * self.unit, self._thickness)[0][0])

    def write(self, text: str, left: int, top: int, colour: Colour = TEXT) -> None:
        """Write a line below `top`."""
        origin = (left, top + round(0.8 * self.pitch))
        scale, thickness = 0.5 * self.unit, self._thickness
        cv2.putText(self._image, text, origin, _FONT, scale, colour, thickness, cv2.LINE_AA)

    def darken(self, left: int, top: int, right: int, bottom: int) -> None:
        """Darken a part of the image as background for text."""
        part = self._image[top:bottom, left:right]
        part[:] = (part * _DARKENED).astype(np.uint8)

    def wrapped(self, text: str, width: int) -> list[str]:
        """Break the text at spaces into lines of a maximum width."""
        lines = ['']
        for word in text.split(' '):
            longer = f'{lines[-1]} {word}' if lines[-1] else word
            if lines[-1] and self.width(longer) > width:
                lines.append(word)
            else:
                lines[-1] = longer
        return [self.cut(line, width) for line in lines]

    def cut(self, line: str, width: int) -> str:
        """Shorten the line to a maximum width in pixels."""
        shown = line
        while len(line) > 1 and self.width(shown) > width:
            line = line[:-1]
            shown = f'{line.rstrip()}...'
        return shown

    @property
    def _thickness(self) -> int:
        return max(round(self.unit), 1)
