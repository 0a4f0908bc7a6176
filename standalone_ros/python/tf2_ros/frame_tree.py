"""The tree of frames over time, and the way from one frame to another."""

from __future__ import annotations

from collections.abc import Iterator

from tf2_ros.exceptions import ConnectivityException, ExtrapolationException, LookupException
from tf2_ros.history import IDENTITY, History, Link, Pose, StaticHistory

# More links than this are a loop.
_MAX_DEPTH = 1000


class FrameTree:
    """Keeps the links of all frames, those that are not static for `cache_time` nanoseconds."""

    def __init__(self, cache_time: int) -> None:
        self._cache_time = cache_time
        self._frames: set[str] = set()
        self._histories: dict[str, History | StaticHistory] = {}

    def __contains__(self, frame: str) -> bool:
        return frame in self._frames

    def clear(self) -> None:
        """Forget every link that is not static; which frames there are stays known."""
        for history in self._histories.values():
            history.clear()

    def insert(self, child: str, link: Link, *, static: bool) -> bool:
        """Add a link, and return whether it is not too old."""
        self._frames |= {link.parent, child}
        history = self._histories.get(child)
        if history is None or isinstance(history, StaticHistory) != static:
            history = StaticHistory() if static else History(self._cache_time)
            self._histories[child] = history
        return history.insert(link)

    def newest_stamp(self, frame: str) -> int:
        """Return the stamp of the newest link, in nanoseconds; 0 if static or if there is none."""
        history = self._histories.get(frame)
        link = history.newest() if history else None
        return link.stamp if link else 0

    def newest_common_stamp(self, target: str, source: str) -> int:
        """Return the newest stamp that all links between two frames have; 0 if all are static.

        :raises ConnectivityException: the newest links do not connect the frames.
        :raises LookupException: there is a loop.
        """
        from_source: list[Link] = []
        for link in self._newest_links(source):
            from_source.append(link)
            if link.parent == target:
                return _oldest(from_source)
        from_target: list[Link] = []
        parents = [link.parent for link in from_source]
        for link in self._newest_links(target):
            from_target.append(link)
            if link.parent == source:
                return _oldest(from_target)
            if link.parent in parents:
                return _oldest(from_target + from_source[: parents.index(link.parent) + 1])
        raise _not_connected(target, source)

    def pose(self, target: str, source: str, stamp: int) -> Pose:
        """Return `target_T_source` at `stamp` in nanoseconds; 0 takes the newest of each link.

        :raises ExtrapolationException: a link on the way has no data for that time.
        :raises ConnectivityException: the frames are not in one tree.
        :raises LookupException: there is a loop.
        """
        # From the source as far up as there are data, then from the target to that frame.
        end, obstacle = source, ''
        top_T_source = IDENTITY
        try:
            for frame, link in self._links_at(source, stamp):
                if frame == target:
                    return top_T_source
                top_T_source = link.pose @ top_T_source
                end = link.parent
        except ExtrapolationException as error:
            obstacle = str(error)

        looking = f', when looking up transform from frame [{source}] to frame [{target}]'
        frame, top_T_target = target, IDENTITY
        try:
            links = self._links_at(target, stamp)
            while frame != end:
                child, link = next(links)
                if child == source:
                    return top_T_target.inverse()
                frame, top_T_target = link.parent, link.pose @ top_T_target
        except ExtrapolationException as error:
            raise ExtrapolationException(f'{error}{looking}') from None
        except StopIteration:
            if obstacle:
                raise ExtrapolationException(f'{obstacle}{looking}') from None
            raise _not_connected(target, source) from None
        return top_T_target.inverse() @ top_T_source

    def _newest_links(self, frame: str) -> Iterator[Link]:
        """Yield the newest links from a frame to its root."""
        for _ in range(_MAX_DEPTH + 1):
            history = self._histories.get(frame)
            link = history.newest() if history else None
            if link is None:
                return
            yield link
            frame = link.parent
        raise _loop()

    def _links_at(self, frame: str, stamp: int) -> Iterator[tuple[str, Link]]:
        """Yield frames and their links at a time, from a frame to its root.

        :raises ExtrapolationException: a link has no data for that time.
        """
        for _ in range(_MAX_DEPTH + 1):
            history = self._histories.get(frame)
            if history is None:
                return
            link = history.at(stamp)
            yield frame, link
            frame = link.parent
        raise _loop()


def _oldest(links: list[Link]) -> int:
    """Return the oldest stamp of links; static ones, with the stamp 0, do not count."""
    return min((link.stamp for link in links if link.stamp), default=0)


def _not_connected(target: str, source: str) -> ConnectivityException:
    return ConnectivityException(
        f"Could not find a connection between '{target}' and '{source}' because they are not part"
        ' of the same tree.Tf has two or more unconnected trees.'
    )


def _loop() -> LookupException:
    return LookupException('The tf tree is invalid because it contains a loop.')
