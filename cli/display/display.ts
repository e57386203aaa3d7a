/** Shows a deployment to a person: a tree that changes in place on a terminal, plain lines anywhere else. */
import pc from "picocolors";
import type { DeployEvent, PhaseEvent, StepEvent, Summary } from "../../local/deploy";
import {
  changeText,
  countsText,
  cut,
  diagnosticText,
  isWorthALine,
  outputLines,
  resultText,
  seconds,
  stepText,
  timingText,
} from "./text";
import { Progress } from "./progress";
import type { Timing } from "./timings";

export type DisplayKind = "auto" | "tree" | "lines" | "none";

export interface Display {
  show: (event: DeployEvent) => void;
  /** @param summary what came of it; undefined where it was broken off */
  close: (summary?: Summary, timings?: readonly Timing[]) => void;
}

/** What a display writes to; standard output is one. */
export interface Terminal {
  write: (text: string) => unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

export function makeDisplay(kind: DisplayKind, terminal: Terminal = process.stdout): Display {
  if (kind === "none") return { show: () => undefined, close: () => undefined };
  return kind === "tree" || (kind === "auto" && terminal.isTTY) ? new Tree(terminal) : new Lines(terminal);
}

const TITLES = { plan: "Preview", preview: "Preview", update: "Update", refresh: "Refresh", destroy: "Destroy" };
/** Where lines are kept, how often one says how far it is. */
const PROGRESS_MS = 10_000;

/** One line per step that does something, and one per property that it changes; a plan's are told by its update. */
class Lines implements Display {
  protected readonly rhythm: number = PROGRESS_MS;
  protected phase?: PhaseEvent["phase"];
  protected progress?: Progress;
  protected timer?: NodeJS.Timeout;

  constructor(protected readonly terminal: Terminal) {}

  show(event: DeployEvent): void {
    if (event.type === "phase") this.begin(event);
    if (event.type === "diagnostic") this.line(diagnosticText(event));
    if (event.type === "step") this.step(event);
    if (event.type === "outputs")
      for (const text of outputLines(event, this.phase === "preview", this.terminal.columns)) this.line(text);
  }

  close(summary?: Summary, timings?: readonly Timing[]): void {
    clearInterval(this.timer);
    if (!summary) return;
    if (timings) this.line(pc.bold("     began    took  (* is what the whole waited for)"));
    for (const timing of timings ?? []) this.line(timingText(timing));
    this.line(
      `${resultText(summary)}  ${countsText(summary.counts, summary.operation === "preview")}  ${seconds(summary.durations.total)}`,
    );
  }

  protected begin({ phase, planned }: PhaseEvent): void {
    this.line(`${pc.bold(TITLES[phase])}${planned ? `  ${countsText(planned, true)}` : ""}`);
    this.phase = phase;
    this.progress = planned && new Progress(planned);
    clearInterval(this.timer);
    this.timer = setInterval(() => this.tick(), this.rhythm).unref();
  }

  protected step(event: StepEvent): void {
    this.progress?.count(event);
    if (this.phase === "plan" || event.state === "started" || !isWorthALine(event)) return;
    this.line(stepText(event));
    for (const change of event.changes) this.line(`      ${changeText(change)}`);
  }

  protected tick(): void {
    const text = this.progress?.text();
    if (text) this.line(pc.dim(`  ${text}`));
  }

  protected line(text: string): void {
    this.terminal.write(`${text}\n`);
  }
}

interface Row {
  event: StepEvent;
  since: number;
}

/** Rows of what changes, under their parents, redrawn in place while steps run and left standing at the end of a phase. */
class Tree extends Lines {
  protected override readonly rhythm = 500;
  private rows = new Map<string, Row>();
  private parents = new Map<string, string | undefined>();
  private drawn = 0;
  private same = 0;

  override show(event: DeployEvent): void {
    if (event.type !== "step") this.settle(event.type === "phase" || event.type === "outputs");
    super.show(event);
    this.draw();
  }

  override close(summary?: Summary, timings?: readonly Timing[]): void {
    this.settle(true);
    super.close(summary, timings);
  }

  protected override step(event: StepEvent): void {
    this.progress?.count(event);
    this.parents.set(event.urn, event.parent);
    if (event.kind === "same") this.same++;
    else if (isWorthALine(event)) {
      const key = `${event.urn} ${event.kind === "delete-replaced" ? "old" : ""}`;
      this.rows.set(key, { event, since: this.rows.get(key)?.since ?? Date.now() });
    }
  }

  protected override tick(): void {
    this.draw();
  }

  /** Takes the moving part off the screen; for good, all its rows are then written once, unless an update repeats them. */
  private settle(isForGood: boolean): void {
    this.erase();
    if (!isForGood) return;
    clearInterval(this.timer);
    this.timer = undefined;
    if (this.phase !== "plan") for (const row of this.texts(true)) this.line(row);
    this.rows.clear();
    this.same = 0;
  }

  private draw(): void {
    if (!this.timer) return;
    const room = Math.max((this.terminal.rows ?? 24) - 3, 3);
    const texts = this.texts(false);
    const shown =
      texts.length > room ? [pc.dim(`  ... ${texts.length - room + 1} rows above`), ...texts.slice(1 - room)] : texts;
    this.erase();
    const progress = this.progress?.text();
    if (progress) shown.push(pc.dim(`     ${progress}`));
    for (const row of shown) this.line(row);
    this.drawn = shown.length;
  }

  private erase(): void {
    if (this.drawn > 0) this.terminal.write(`\x1b[${this.drawn}A\x1b[0J`);
    this.drawn = 0;
  }

  private texts(withChanges: boolean): string[] {
    const lines = this.inOrder().flatMap(({ row, depth }) => {
      const head = cut(`${"  ".repeat(depth)}${stepText(row.event, row.since)}`, this.terminal.columns ?? 100);
      return withChanges
        ? [
            head,
            ...row.event.changes.map((change) =>
              cut(`${"  ".repeat(depth)}      ${changeText(change)}`, this.terminal.columns ?? 100),
            ),
          ]
        : [head];
    });
    return this.same > 0 ? [...lines, pc.dim(`     ${this.same} unchanged`)] : lines;
  }

  /** Each row after its parent, where that has a row. */
  private inOrder(): { row: Row; depth: number }[] {
    const below = new Map<string, Row[]>();
    const rows = [...this.rows.values()];
    const present = new Set(rows.map(({ event }) => event.urn));
    const anchor = (urn: string): string => {
      const parent = this.parents.get(urn);
      return parent === undefined ? "" : present.has(parent) ? parent : anchor(parent);
    };
    for (const row of rows) below.set(anchor(row.event.urn), [...(below.get(anchor(row.event.urn)) ?? []), row]);
    const visit = (urn: string, depth: number): { row: Row; depth: number }[] =>
      (below.get(urn) ?? []).flatMap((row) => [
        { row, depth },
        ...(row.event.kind === "delete-replaced" ? [] : visit(row.event.urn, depth + 1)),
      ]);
    return visit("", 0);
  }
}
