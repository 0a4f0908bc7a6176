"""The options in docs/command_line.md are those of the program."""

import argparse
import re
from pathlib import Path

from mesh_reloc_ros.cli import track

PAGE = Path(__file__).parents[2] / 'docs' / 'command_line.md'


def test_the_page_lists_every_option_of_track():
    parser = argparse.ArgumentParser()
    track.add_arguments(parser)
    section = PAGE.read_text().split('## track\n')[1].split('\n## ')[0]
    table = '\n'.join(line.split('|')[1] for line in section.splitlines() if line.startswith('|'))
    listed = set(re.findall(r'`(--[a-z-]+)`', table))
    assert listed == set(re.findall(r'(--[a-z-]+)', parser.format_usage()))
