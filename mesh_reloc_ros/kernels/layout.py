"""Where the parts of the photometric model lie in its arrays.

The unknowns are a twist, translation before rotation, that multiplies live_T_keyframe from the left
(camera frame), and the exposure, parameter by parameter:

    [vx vy vz wx wy wz, alpha_r alpha_g alpha_b, beta_r beta_g beta_b]
"""

CHANNELS = 3
"""Of an image: red, green, blue."""

POSE_SIZE = 6
EXPOSURE_PARAMETERS = 2
"""Of each channel; see `exposure`."""
EXPOSURE_SIZE = EXPOSURE_PARAMETERS * CHANNELS
UNKNOWNS = POSE_SIZE + EXPOSURE_SIZE
TRANSLATION = slice(0, 3)
POSE, EXPOSURE = slice(0, POSE_SIZE), slice(POSE_SIZE, UNKNOWNS)

# A system [UNKNOWNS, COLUMNS]: the Hessian J^T W J, and the gradient J^T W r in the last column.
GRADIENT = UNKNOWNS
COLUMNS = UNKNOWNS + 1

# What is summed up over all points [SUMS]: the loss, weighted squared residuals, weights, and the
# weights of points that are seen, of those whose residuals are small, and of those on pixels
# without information.
LOSS, SQUARED, WEIGHT, SEEN, INLIERS, UNUSABLE = range(6)
SUMS = 6

# What is summed up of each block of points [FIGURES]: the gradient of its loss, the exposure of the
# block eliminated; from RENDER on the products of the render's gradients, uu uv vv; from CURVATURE
# on those of gradients of render and live image, uu uv vu vv, curved as the loss is; from PLACE on
# weight times squared gradient, alone and times x / z, y / z and 1 / z.
RENDER = UNKNOWNS
CURVATURE = RENDER + 3
PLACE = CURVATURE + 4
FIGURES = PLACE + 4
