'use strict';

/** Draw the trajectory: trusted poses as a line with cameras, others as dots. */
function drawTrack(viewer, track, depth) {
  const [line, dots, frusta] = [[], [], []];
  const eye = (pose) => placed(pose, [0, 0, 0]);
  let last = null;
  track.poses.forEach((pose, i) => {
    if (!pose) return;
    if (!track.trusted[i]) return void dots.push(...eye(pose));
    if (track.joined[i]) line.push(...eye(track.poses[i - 1]), ...eye(pose));
    // Cameras as far apart as they are long, so that each can be seen.
    if (last && Math.hypot(...eye(pose).map((value, k) => value - last[k])) < 1.5 * depth) return;
    frusta.push(...frustum(pose, viewer.camera, depth));
    last = eye(pose);
  });
  if (line.length) viewer.add(linesOf(line, COLOURS.trusted, 3));
  if (dots.length) viewer.add(dotsOf(dots, COLOURS.refused));
  return frusta.length ? viewer.add(linesOf(frusta, COLOURS.camera, 1.2)) : null;
}

/** Return a function that shows an image of the track everywhere. */
function chooser(viewer, track, parts, depth) {
  let shape = null;
  return (number) => {
    parts.slider.value = number;
    parts.charts.forEach((chart) => chart.choose(number));
    if (shape) viewer.remove(shape);
    const pose = track.poses[number];
    shape = pose ? viewer.add(linesOf(frustum(pose, viewer.camera, 2 * depth), COLOURS.current, 3)) : null;
    parts.through.disabled = !pose;
    parts.label.textContent =
      `image ${number + 1} of ${track.poses.length}, ${track.seconds[number].toFixed(2)} s: ${track.states[number]}, ` +
      `score ${track.score[number].toFixed(2)}, ${track.ms[number].toFixed(0)} ms` +
      (track.reasons[number] ? `; refused: ${track.reasons[number]}` : '');
    viewer.draw();
  };
}

function addTrack(viewer, track, controls, depth) {
  const slider = document.createElement('input');
  Object.assign(slider, { type: 'range', min: 0, max: track.poses.length - 1, value: 0 });
  slider.setAttribute('aria-label', 'image');
  const parts = { slider, label: document.createElement('output') };
  parts.through = button('through the camera', () => viewer.showAs(track.poses[slider.value]));
  const choose = chooser(viewer, track, parts, depth);
  parts.charts = [...document.querySelectorAll('canvas.chart')].map(
    (canvas) => new Chart(canvas, track, canvas.dataset.column, choose),
  );
  slider.addEventListener('input', () => choose(Number(slider.value)));
  controls.append(parts.through, slider, parts.label);
  choose(Math.max(track.trusted.indexOf(true), 0));
}

function addWay(viewer, way, controls, depth) {
  const frusta = drawTrack(viewer, way, depth);
  if (!frusta) return;
  const box = checkbox('cameras', true, (isShown) => {
    frusta.visible = isShown;
    viewer.draw();
  });
  controls.append(box);
}

/** Draw single poses, each with a button to look through it. */
function addPoses(viewer, poses, controls, depth) {
  for (const { name, pose } of poses) {
    viewer.add(linesOf(frustum(pose, viewer.camera, 2 * depth), COLOURS.current, 2.5));
    controls.append(button(name, () => viewer.showAs(pose)));
  }
}

function main() {
  const data = JSON.parse(document.getElementById('data').textContent);
  const label = document.getElementById('point');
  const controls = document.getElementById('controls');
  let viewer;
  try {
    viewer = new Viewer(document.getElementById('mesh'), data.mesh, data.camera);
  } catch (error) {
    label.textContent = `This browser shows no 3-D (WebGL): ${error.message}`;
    return;
  }
  const depth = data.depth;
  controls.append(
    checkbox('backs of surfaces', !data.mesh.fronts_known, (isShown) => viewer.showBacks(isShown)),
    button('whole mesh', () => viewer.showWhole()),
  );
  const way = data.track ?? data.way;
  if (way) addWay(viewer, way, controls, depth);
  if (data.track) addTrack(viewer, data.track, controls, depth);
  addPoses(viewer, data.poses, controls, depth);
  showPoints(viewer, label);
}

main();
