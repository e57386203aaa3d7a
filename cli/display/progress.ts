/** How far a phase has come, and how long the rest takes if it goes on as it has. */
import type { StepEvent, Summary } from "../../local/deploy";
import { COUNTED } from "../../local/deploy/events";

export class Progress {
  private done = 0;
  private readonly total: number;
  private readonly began = performance.now();

  /** @param planned what the phase is about to do; what stays as it is takes no time */
  constructor({ same: _, ...planned }: Summary["counts"]) {
    this.total = Object.values(planned).reduce((sum, count) => sum + count, 0);
  }

  count({ kind, state }: StepEvent): void {
    const name = COUNTED[kind];
    if (state === "done" && name && name !== "same") this.done++;
  }

  /** Nothing to tell before the first step is over, nor after the last. */
  text(): string | undefined {
    if (this.done === 0 || this.done >= this.total) return undefined;
    const left = ((performance.now() - this.began) / this.done) * (this.total - this.done);
    return `${this.done} of ${this.total}, about ${Math.ceil(left / 1000)} s left`;
  }
}
