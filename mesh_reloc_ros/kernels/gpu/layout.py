"""Where the numbers of alignments lie on the GPU; see `kernels.layout` for those of a system."""

from __future__ import annotations

import triton.language as tl

from mesh_reloc_ros.kernels import layout

UNKNOWNS, POSE_SIZE = tl.constexpr(layout.UNKNOWNS), tl.constexpr(layout.POSE_SIZE)
EXPOSURE_SIZE = tl.constexpr(layout.EXPOSURE_SIZE)

# A system, padded to WIDTH x WIDTH: the Hessian, the gradient in column UNKNOWNS, and the sums in
# a row of their own.
WIDTH, SYSTEM_SIZE = tl.constexpr(16), tl.constexpr(256)
ROW_OF_SUMS = tl.constexpr(layout.UNKNOWNS + 1)

# The state of an alignment [STATE_SIZE] float64. Poses are matrices [4, 4] by rows. TRIAL and
# EXPOSURE_TRIAL are evaluated next, PLAIN and STEP led there, the first by the system alone. MOVED
# is the twist since the start of the level. SYSTEM is that at POSE.
POSE, TRIAL = tl.constexpr(0), tl.constexpr(16)
EXPOSURE, TRIAL_EXPOSURE = tl.constexpr(32), tl.constexpr(38)
PLAIN, STEP, MOVED = tl.constexpr(44), tl.constexpr(56), tl.constexpr(68)
SCALE, LOSS, FEWEST_SEEN, DAMPING = (tl.constexpr(74 + i) for i in range(4))
MOVED_PX, DONE, ITERATIONS, ALL_ITERATIONS = (tl.constexpr(78 + i) for i in range(4))
SYSTEM, STATE_SIZE = tl.constexpr(96), tl.constexpr(96 + 256)

# Of a level [LEVEL_SIZE] float64: fx, fy, cx, cy; the robust scale at a gain of 1, and at least.
ROBUST_SCALE, LEAST_SCALE, LEVEL_SIZE = (tl.constexpr(4 + i) for i in range(3))
