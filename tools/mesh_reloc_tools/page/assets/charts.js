'use strict';

/** A value over time on a canvas, a dot an image; the mouse chooses an image. */
class Chart {
  constructor(canvas, track, column, choose) {
    this.canvas = canvas;
    this.seconds = track.seconds;
    this.values = track[column];
    this.colours = track.trusted.map((isTrusted) => COLOURS[isTrusted ? 'trusted' : 'refused']);
    this.states = track.states.map((state) => track.state_colours[state]);
    this.most = canvas.dataset.most ? Number(canvas.dataset.most) : this.scale();
    this.chosen = 0;
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener('pointerdown', (event) => canvas.setPointerCapture(event.pointerId));
    for (const kind of ['pointerdown', 'pointermove']) {
      canvas.addEventListener(kind, (event) => event.buttons && choose(this.nearest(event.offsetX)));
    }
  }

  /** Return the largest value of the axis; a few outliers are drawn at its upper end. */
  scale() {
    const sorted = [...this.values].sort((a, b) => a - b);
    return 1.2 * (sorted[Math.floor(0.98 * (sorted.length - 1))] || 1);
  }

  get area() {
    return { left: 44, right: this.canvas.clientWidth - 8, top: 8, bottom: this.canvas.clientHeight - 34 };
  }

  x(seconds) {
    const { left, right } = this.area;
    const [first, last] = [this.seconds[0], this.seconds[this.seconds.length - 1]];
    return left + ((seconds - first) / (last - first || 1)) * (right - left);
  }

  y(value) {
    const { top, bottom } = this.area;
    return bottom - Math.min(value / this.most, 1) * (bottom - top);
  }

  nearest(x) {
    const far = this.seconds.map((seconds) => Math.abs(this.x(seconds) - x));
    return far.indexOf(Math.min(...far));
  }

  choose(number) {
    this.chosen = number;
    this.draw();
  }

  draw() {
    const ratio = window.devicePixelRatio;
    this.canvas.width = this.canvas.clientWidth * ratio;
    this.canvas.height = this.canvas.clientHeight * ratio;
    const context = this.canvas.getContext('2d');
    context.scale(ratio, ratio);
    context.font = '12px system-ui, sans-serif';
    this.drawAxes(context);
    this.drawStates(context);
    this.values.forEach((value, i) => {
      context.fillStyle = this.colours[i];
      context.fillRect(this.x(this.seconds[i]) - 1.5, this.y(value) - 1.5, 3, 3);
    });
    const { top, bottom } = this.area;
    context.fillStyle = COLOURS.current;
    context.fillRect(this.x(this.seconds[this.chosen]) - 0.75, top, 1.5, bottom - top + 12);
  }

  drawAxes(context) {
    const { left, right, top, bottom } = this.area;
    context.strokeStyle = '#3a3a44';
    context.fillStyle = '#a0a0ac';
    for (const share of [0, 0.5, 1]) {
      const y = Math.round(bottom + share * (top - bottom)) + 0.5;
      context.strokeRect(left, y, right - left, 0);
      context.textAlign = 'right';
      context.fillText(Number((share * this.most).toPrecision(2)), left - 6, y + 4);
    }
    const [first, last] = [this.seconds[0], this.seconds[this.seconds.length - 1]];
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      context.textAlign = share === 0 ? 'left' : share === 1 ? 'right' : 'center';
      const seconds = first + share * (last - first);
      context.fillText(`${Number(seconds.toFixed(last - first < 10 ? 2 : 1))} s`, left + share * (right - left), bottom + 28);
    }
  }

  /** Draw the state of the tracker as a strip below the values. */
  drawStates(context) {
    const { right, bottom } = this.area;
    this.states.forEach((colour, i) => {
      const begin = this.x(this.seconds[i]);
      const end = i + 1 < this.seconds.length ? this.x(this.seconds[i + 1]) : right;
      context.fillStyle = colour;
      context.fillRect(begin, bottom + 5, Math.max(end - begin, 1.5) + 0.5, 7);
    });
  }
}
