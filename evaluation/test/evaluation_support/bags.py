"""Recordings of sequences, with and without true poses."""

from pathlib import Path

from mesh_reloc_evaluation.bag_writer import TRUTH_TOPIC, posed_image, write_bag
from mesh_reloc_evaluation.posed_sequence import PosedSequence
from rosbags.rosbag2 import Reader, Writer
from rosbags.typesys import Stores, get_typestore


def record(sequence: PosedSequence, folder: Path) -> Path:
    """Write a sequence as a bag to a new folder, and return that."""
    return write_bag(
        folder,
        (
            message
            for frame, pose in zip(sequence.frames, sequence.poses, strict=True)
            for message in posed_image(frame.image, frame.camera, pose, frame.stamp_ns)
        ),
    )


def copy_without_truth(bag: Path, folder: Path) -> Path:
    """Copy a bag without its true poses to a new folder, and return that."""
    store = get_typestore(Stores.LATEST)
    with Reader(bag) as reader, Writer(folder, version=9) as writer:
        kept = [c for c in reader.connections if c.topic != TRUTH_TOPIC]
        copies = {c.id: writer.add_connection(c.topic, c.msgtype, typestore=store) for c in kept}
        for connection, stamp_ns, data in reader.messages(kept):
            writer.write(copies[connection.id], stamp_ns, data)
    return folder
