'use strict';

const COLOURS = { trusted: '#4cc38a', refused: '#e5484d', current: '#ffb224', camera: '#7cc4ff' };
// Of the view of the whole mesh, degrees from top to bottom.
const WIDE = 40;

/** Return the numbers of an array that is written as base64, little-endian. */
function decoded(text, Kind) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return new Kind(bytes.buffer);
}

/** Return float32 values that are written as 16-bit steps above the least value of each column. */
function values(packed) {
  const steps = decoded(packed.steps, Uint16Array);
  const columns = packed.low.length;
  return Float32Array.from(steps, (step, i) => packed.low[i % columns] + packed.unit[i % columns] * step);
}

/** Return the three.js mesh of one texture. `redraw` is called once the texture is there. */
function partOf(part, side, redraw) {
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute('position', new THREE.BufferAttribute(values(part.vertices), 3));
  geometry.setAttribute('uv', new THREE.BufferAttribute(values(part.uvs), 2));
  geometry.setIndex(new THREE.BufferAttribute(decoded(part.faces, Uint32Array), 1));
  const texture = new THREE.TextureLoader().load(part.texture, redraw);
  texture.colorSpace = THREE.SRGBColorSpace;
  texture.wrapS = texture.wrapT = THREE.RepeatWrapping;
  texture.anisotropy = 8;
  return new THREE.Mesh(geometry, new THREE.MeshBasicMaterial({ map: texture, side }));
}

/** Return lines between pairs of points, a flat array of coordinates. */
function linesOf(points, colour, width) {
  const geometry = new THREE.LineSegmentsGeometry().setPositions(points);
  const material = new THREE.LineMaterial({ color: colour, linewidth: width });
  return new THREE.LineSegments2(geometry, material);
}

function dotsOf(points, colour) {
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute('position', new THREE.BufferAttribute(new Float32Array(points), 3));
  return new THREE.Points(geometry, new THREE.PointsMaterial({ color: colour, size: 7, sizeAttenuation: false }));
}

/** Return a point of a camera in the map. Poses are the 12 numbers of the rows of [R | t]. */
function placed(pose, [x, y, z]) {
  return [0, 4, 8].map((row) => pose[row] * x + pose[row + 1] * y + pose[row + 2] * z + pose[row + 3]);
}

/** Return the edges of a camera's view up to a depth, as pairs of points. */
function frustum(pose, camera, depth) {
  const at = (u, v) => placed(pose, [((u - camera.cx) / camera.fx) * depth, ((v - camera.cy) / camera.fy) * depth, depth]);
  const eye = placed(pose, [0, 0, 0]);
  const [right, bottom] = [camera.width - 0.5, camera.height - 0.5];
  const corners = [at(-0.5, -0.5), at(right, -0.5), at(right, bottom), at(-0.5, bottom)];
  // A roof on the upper edge says which side is up.
  const top = at(right / 2, -0.18 * camera.height);
  const edges = corners.flatMap((corner, i) => [eye, corner, corner, corners[(i + 1) % 4]]);
  return [...edges, corners[0], top, top, corners[1]].flat();
}

/** The mesh on a canvas, drawn when something has changed. */
class Viewer {
  constructor(canvas, mesh, camera) {
    this.canvas = canvas;
    this.mesh = mesh;
    this.camera = camera;
    this.size = Math.hypot(...mesh.high.map((high, i) => high - mesh.low[i]));
    this.middle = new THREE.Vector3(...mesh.high.map((high, i) => (high + mesh.low[i]) / 2));
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: true });
    this.eye = new THREE.PerspectiveCamera(WIDE, 1, this.size / 2000, this.size * 50);
    this.scene = new THREE.Scene();
    this.scene.background = new THREE.Color('#0e0e11');
    const side = mesh.fronts_known ? THREE.FrontSide : THREE.DoubleSide;
    this.parts = mesh.parts.map((part) => partOf(part, side, () => this.draw()));
    this.scene.add(...this.parts);
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    this.resize();
    this.showWhole();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    this.renderer.setPixelRatio(window.devicePixelRatio);
    this.renderer.setSize(width, height, false);
    this.eye.aspect = width / Math.max(height, 1);
    this.eye.updateProjectionMatrix();
    this.draw();
  }

  draw() {
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      this.renderer.render(this.scene, this.eye);
    });
  }

  add(shape) {
    this.scene.add(shape);
    this.draw();
    return shape;
  }

  remove(shape) {
    this.scene.remove(shape);
    shape.geometry.dispose();
    shape.material.dispose();
  }

  /** Look at the whole mesh from above, aslant, as near as it fits. */
  showWhole() {
    const up = new THREE.Vector3(...this.mesh.up);
    const away = new THREE.Vector3(...this.mesh.away);
    const right = new THREE.Vector3().crossVectors(up, away).normalize();
    const top = new THREE.Vector3().crossVectors(away, right);
    const tangent = Math.tan((WIDE / 2) * (Math.PI / 180));
    const distances = this.corners().map((corner) => {
      const wide = Math.abs(corner.dot(right)) / (tangent * this.eye.aspect);
      return corner.dot(away) + Math.max(wide, Math.abs(corner.dot(top)) / tangent);
    });
    const place = this.middle.clone().addScaledVector(away, 1.02 * Math.max(...distances));
    this.lookFrom(place, this.middle, up, WIDE);
  }

  /** Return the corners of the box around the mesh, from its middle. */
  corners() {
    const { low, high } = this.mesh;
    return [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => {
      const corner = new THREE.Vector3(...low.map((value, i) => ((bits >> i) & 1 ? high[i] : value)));
      return corner.sub(this.middle);
    });
  }

  /** Look as the camera of the images does at a pose. */
  showAs(pose) {
    const { width, height, fx, fy } = this.camera;
    const tangent = Math.max(height / fy, width / fx / this.eye.aspect) / 2;
    const [eye, ahead] = [placed(pose, [0, 0, 0]), placed(pose, [0, 0, 0.15 * this.size])];
    const up = new THREE.Vector3(-pose[1], -pose[5], -pose[9]);
    const degrees = (2 * Math.atan(tangent) * 180) / Math.PI;
    this.lookFrom(new THREE.Vector3(...eye), new THREE.Vector3(...ahead), up, degrees);
  }

  lookFrom(position, target, up, degrees) {
    this.eye.up.copy(up);
    this.eye.position.copy(position);
    this.eye.fov = degrees;
    this.eye.updateProjectionMatrix();
    // Made anew, since it keeps what was up when it was made.
    this.controls?.dispose();
    this.controls = new THREE.OrbitControls(this.eye, this.canvas);
    this.controls.target.copy(target);
    this.controls.addEventListener('change', () => this.draw());
    this.controls.update();
    this.draw();
  }

  showBacks(isShown) {
    for (const part of this.parts) part.material.side = isShown ? THREE.DoubleSide : THREE.FrontSide;
    this.draw();
  }

  /** Return the point of the surface under the mouse, in the map; null beside it. */
  pointUnder(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 2 - 1;
    const y = 1 - ((event.clientY - box.top) / box.height) * 2;
    const caster = new THREE.Raycaster();
    caster.setFromCamera(new THREE.Vector2(x, y), this.eye);
    const [hit] = caster.intersectObjects(this.parts);
    return hit ? hit.point.toArray().map((value, i) => value + this.mesh.origin[i]) : null;
  }
}

/** Show the coordinates of what is clicked, and its distance from what was clicked before. */
function showPoints(viewer, label) {
  let pressed = null;
  let before = null;
  viewer.canvas.addEventListener('pointerdown', (event) => (pressed = event));
  viewer.canvas.addEventListener('pointerup', (event) => {
    const isClick = pressed && Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) < 4;
    const point = isClick ? viewer.pointUnder(event) : null;
    if (!point) return;
    label.textContent = point.map((value) => value.toFixed(3)).join(' ');
    if (before) {
      const distance = Math.hypot(...point.map((value, i) => value - before[i]));
      label.textContent += `; ${distance.toFixed(3)} m from the point before`;
    }
    before = point;
  });
}

function button(text, action) {
  const made = document.createElement('button');
  made.textContent = text;
  made.addEventListener('click', action);
  return made;
}

function checkbox(text, isChecked, action) {
  const label = document.createElement('label');
  const box = document.createElement('input');
  box.type = 'checkbox';
  box.checked = isChecked;
  box.addEventListener('change', () => action(box.checked));
  label.append(box, ` ${text}`);
  return label;
}
