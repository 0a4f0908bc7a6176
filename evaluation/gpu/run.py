"""One command for a machine with a GPU and no network: the tests, then the benchmark.

    python3 evaluation/gpu/run.py --output "$OUT"

It needs Python 3.12 with torch 2.11 or 2.12, Triton, NumPy, OpenCV, numba, SciPy and pytest, and
`bundle.tar.xz` beside it, which `pack.py` makes. With `--dry-run`, it needs neither bundle nor GPU:
the GPU is emulated.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
BUNDLE = HERE / 'bundle.tar.xz'


def main() -> int:
    """Run the tests and the benchmark; return 0 if both pass."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--output', type=Path, default=os.environ.get('OUT', 'gpu_output'))
    parser.add_argument('--tests', default='', metavar='EXPRESSION', help='tests to run, as of -k')
    parser.add_argument('--parts', default='', help='parts of the benchmark')
    parser.add_argument('--skip', choices=('tests', 'benchmark'), help='leave out one half')
    parser.add_argument('--dry-run', action='store_true', help='without a GPU')
    arguments = parser.parse_args()
    output = Path(arguments.output).resolve()
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='mesh_reloc_gpu_') as folder:
        if not arguments.dry_run:
            with tarfile.open(BUNDLE) as bundle:
                bundle.extractall(folder, filter='data')
        environment = _environment(Path(folder), real=not arguments.dry_run)
        statuses = []
        if arguments.skip != 'tests':
            statuses.append(_test(arguments.tests, output, environment))
        if arguments.skip != 'benchmark':
            words = ['--parts', arguments.parts] if arguments.parts else []
            words += ['--dry-run'] if arguments.dry_run else _inputs(Path(folder) / 'data')
            statuses.append(_benchmark(words, output, environment))
    return max(statuses)


def _environment(folder: Path, *, real: bool) -> dict[str, str]:
    """Return the environment of the programs: the packages of the bundle, this repository."""
    packages = [folder / 'packages'] if real else []
    ours = [REPOSITORY, REPOSITORY / 'evaluation', REPOSITORY / 'tools', REPOSITORY / 'test']
    paths = [*ours, REPOSITORY / 'evaluation' / 'test', *packages]
    found = {**os.environ, 'PYTHONPATH': os.pathsep.join(map(str, paths)), 'PYTHONUNBUFFERED': '1'}
    if real:
        found |= {'MESH_RELOC_GPU': '1', 'TRITON_INTERPRET': '0'}
    return found


def _test(expression: str, output: Path, environment: dict[str, str]) -> int:
    """Run the tests of pairs of CPU and GPU; what they print is in `tests.txt`, too."""
    words = ['-m', 'pytest', '-ra', '-q', '-c', os.devnull, '--rootdir', str(REPOSITORY)]
    words += ['-p', 'no:cacheprovider', '--import-mode=importlib', '--confcutdir', str(REPOSITORY)]
    words += ['-k', expression] if expression else []
    folder = REPOSITORY / 'evaluation' / 'test' / 'gpu'
    return _logged([*words, str(folder)], output / 'tests.txt', environment)


def _benchmark(words: list[str], output: Path, environment: dict[str, str]) -> int:
    module = ['-m', 'mesh_reloc_evaluation.gpu_run.command', '--output', str(output)]
    return _logged([*module, *words], output / 'benchmark.txt', environment)


def _inputs(data: Path) -> list[str]:
    mesh = next(path for path in data.glob('mesh.*') if path.suffix in ('.obj', '.ply', '.glb'))
    words = ['--mesh', str(mesh), '--bag', str(data / 'bag')]
    truth = data / 'truth.tum'
    return [*words, '--ground-truth', str(truth)] if truth.exists() else words


def _logged(words: list[str], log: Path, environment: dict[str, str]) -> int:
    """Run Python, show what it prints and keep it in a file; return its exit status."""
    command = [sys.executable, *words]
    with (
        log.open('w') as file,
        subprocess.Popen(
            command,
            env=environment,
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end='', flush=True)
            file.write(line)
    return process.returncode


if __name__ == '__main__':
    sys.exit(main())
