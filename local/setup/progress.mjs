/**
 * Shows how far set-up is: lines that change in place on a terminal, plain lines elsewhere. Both tell the time that has
 * passed and the time that is expected; nothing is shown when nothing had to be done.
 */
const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

export class Progress {
  #stream;
  #inPlace;
  #started = performance.now();
  #expected = 0;
  #done = 0;
  #total = 0;
  #worked = false;
  #running = new Map();
  #drawn = 0;
  #timer;
  #beats = 0;

  constructor(stream = process.stderr) {
    this.#stream = stream;
    this.#inPlace = stream.isTTY === true && process.env.TERM !== "dumb";
  }

  /** `missing`: the steps that have surely to run; their longest chain is the estimate. */
  begin(steps, missing) {
    this.#total = steps.length;
    this.#expected = longestChain(steps, new Set(missing));
    if (missing.length > 0) {
      const megabytes = missing.reduce((sum, step) => sum + step.megabytes, 0);
      this.#line(
        `Setting up ${missing.length} of ${steps.length} parts: about ${duration(this.#expected)} on a fast line, ${megabytes} MB on disk.`,
      );
    }
  }

  start(step) {
    this.#worked = true;
    this.#running.set(step, performance.now());
    if (!this.#inPlace) this.#line(`  … ${step.title}: about ${duration(step.seconds)}${this.#clock()}`);
    // Not in the way of the process's end: a set-up that has nothing more to do ends.
    this.#timer ??= setInterval(() => this.#tick(), this.#inPlace ? 120 : 15_000).unref();
    this.#draw();
  }

  skip() {
    this.#done += 1;
  }

  finish(step, seconds, megabytes) {
    this.#done += 1;
    this.#running.delete(step);
    this.#line(`  ✓ ${step.title}: ${seconds.toFixed(1)} s${megabytes > 0 ? `, ${megabytes} MB` : ""}${this.#clock()}`);
  }

  /** `ended`: another one had failed before, and this one was ended for it. */
  fail(step, ended) {
    this.#running.delete(step);
    this.#line(`  ${ended ? "-" : "✗"} ${step.title}${ended ? ": ended, because another part failed" : ""}`);
  }

  say(step, text) {
    this.#line(`    ${text}`);
  }

  /** From here on another program writes to the terminal: only finished parts are told, on plain lines. */
  handOver() {
    this.#draw("");
    this.#inPlace = false;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => undefined, 1 << 30).unref();
  }

  end() {
    clearInterval(this.#timer);
    this.#draw("");
    if (this.#worked) this.#line(`Set up in ${duration((performance.now() - this.#started) / 1000)}.`);
    this.#worked = false;
  }

  #tick() {
    this.#beats += 1;
    if (this.#inPlace) return this.#draw();
    for (const [step, since] of this.#running) {
      this.#line(
        `    ${step.title}: ${duration((performance.now() - since) / 1000)} of about ${duration(step.seconds)}`,
      );
    }
  }

  #clock() {
    const elapsed = (performance.now() - this.#started) / 1000;
    return `  [${this.#done}/${this.#total}, ${duration(elapsed)} of about ${duration(this.#expected)}]`;
  }

  #line(text) {
    if (this.#inPlace) this.#draw("");
    this.#stream.write(`${text}\n`);
    this.#draw();
  }

  /** Draws one line per running step over the ones drawn before. */
  #draw(text = this.#lines()) {
    if (!this.#inPlace) return;
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : "";
    this.#stream.write(`${up}\r\x1b[J${text}`);
    this.#drawn = text.split("\n").length - 1;
  }

  #lines() {
    const width = (this.#stream.columns ?? 80) - 1;
    const frame = frames[this.#beats % frames.length];
    const lines = [...this.#running].map(([step, since]) => {
      const elapsed = duration((performance.now() - since) / 1000);
      return `  ${frame} ${step.title}: ${elapsed} of about ${duration(step.seconds)}`.slice(0, width);
    });
    if (lines.length > 0) lines.push(this.#clock().slice(0, width));
    return lines.map((line) => `${line}\n`).join("");
  }
}

/** Seconds of the longest chain of steps that have to run. */
export function longestChain(steps, missing) {
  const ends = new Map();
  for (const step of steps) {
    const before = Math.max(0, ...(step.needs ?? []).map((need) => ends.get(need)));
    ends.set(step.name, before + (missing.has(step) ? step.seconds : 0));
  }
  return Math.max(0, ...ends.values());
}

export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
