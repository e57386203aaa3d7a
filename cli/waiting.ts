/** Shows what is under way while it lasts: in place on a terminal, in a log by a line now and then. */
import ora, { type Ora } from "ora";

const TURN_EVERY_MS = 1000;
const LOG_EVERY_MS = 30_000;
/** The spinner's sign, a space, and one column to spare: a line that wraps would jump. */
const BESIDE_TEXT = 3;

export class Waiting {
  private spinner: Ora | undefined;

  /** @param isInPlace whether lines of the stream can be drawn over */
  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly isInPlace: boolean,
  ) {}

  /** @param text what to show, by the seconds that have passed */
  async during<T>(text: (seconds: number) => string, work: Promise<T>): Promise<T> {
    const began = performance.now();
    const now = () => text((performance.now() - began) / 1000);
    const timer = this.isInPlace ? this.spin(now) : setInterval(() => this.stream.write(`  ${now()}\n`), LOG_EVERY_MS);
    const stop = () => {
      clearInterval(timer);
      this.spinner?.stop();
      this.spinner = undefined;
    };
    process.once("exit", stop); // a half-drawn line must not stand before the prompt
    try {
      return await work;
    } finally {
      process.off("exit", stop);
      stop();
    }
  }

  /** Writes what stands above what is waited for. */
  above(write: () => void): void {
    this.spinner?.clear();
    write();
    this.spinner?.render();
  }

  private spin(now: () => string): NodeJS.Timeout {
    const fitting = () => now().slice(0, (this.stream.columns ?? 80) - BESIDE_TEXT);
    // It must not take the keyboard: Ctrl-C has a meaning of its own here.
    const spinner = ora({ text: fitting(), stream: this.stream, discardStdin: false, isEnabled: true }).start();
    this.spinner = spinner;
    return setInterval(() => (spinner.text = fitting()), TURN_EVERY_MS);
  }
}
