/** Shows a deployment to a person: a tree that changes in place on a terminal, plain lines anywhere else. */
import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";
import type { DeployEvent, PropertyChange, StepEvent, StepKind, Summary } from "./events";
import { nameOf, STACK_TYPE, typeOf } from "./urn";
import { isAsset, isSecret, isUnknown, masked, text, type Value } from "./values";

export type DisplayKind = "auto" | "tree" | "lines" | "none";

export interface Display {
  show: (event: DeployEvent) => void;
  close: (summary: Summary) => void;
}

/** What a display writes to; standard output is one. */
export interface Terminal {
  write: (text: string) => unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

const SIGNS: Readonly<Record<StepKind, [string, (text: string) => string]>> = {
  same: [" ", pc.dim],
  create: ["+", pc.green],
  update: ["~", pc.yellow],
  delete: ["-", pc.red],
  replace: ["+-", pc.magenta],
  "create-replacement": ["++", pc.magenta],
  "delete-replaced": ["--", pc.magenta],
  read: [">", pc.cyan],
  "read-discard": ["<", pc.cyan],
  refresh: ["~", pc.cyan],
};
const WORDS: Readonly<Record<StepKind, [string, string, string]>> = {
  same: ["unchanged", "unchanged", "unchanged"],
  create: ["creating", "created", "create"],
  update: ["updating", "updated", "update"],
  delete: ["deleting", "deleted", "delete"],
  replace: ["replacing", "replaced", "replace"],
  "create-replacement": ["replacing", "replaced", "replace"],
  "delete-replaced": ["deleting old", "deleted old", "delete old"],
  read: ["reading", "read", "read"],
  "read-discard": ["forgetting", "forgotten", "forget"],
  refresh: ["reading", "read", "read"],
};
const WIDEST_VALUE = 60;

export function makeDisplay(kind: DisplayKind, terminal: Terminal = process.stdout): Display {
  if (kind === "none") return { show: () => undefined, close: () => undefined };
  return kind === "tree" || (kind === "auto" && terminal.isTTY) ? new Tree(terminal) : new Lines(terminal);
}

/** One line per step that does something, and one per property that it changes. */
class Lines implements Display {
  constructor(protected readonly terminal: Terminal) {}

  show(event: DeployEvent): void {
    if (event.type === "phase") this.line(pc.bold({ preview: "Preview", update: "Update", refresh: "Refresh", destroy: "Destroy" }[event.phase]));
    if (event.type === "diagnostic") this.line(diagnosticText(event));
    if (event.type === "step" && event.state !== "started" && isWorthALine(event)) {
      this.line(stepText(event));
      for (const change of event.changes) this.line(`      ${changeText(change)}`);
    }
    if (event.type === "outputs") this.outputs(event.outputs);
  }

  close(summary: Summary): void {
    this.line(`${resultText(summary)}  ${countsText(summary)}  ${seconds(summary.durations.total)}`);
  }

  protected outputs(outputs: Record<string, Value>): void {
    const names = Object.keys(outputs).sort();
    if (names.length > 0) this.line(pc.bold("Outputs"));
    for (const name of names) this.line(`  ${name}: ${valueText(outputs[name]!, 200)}`);
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
  private rows = new Map<string, Row>();
  private parents = new Map<string, string | undefined>();
  private drawn = 0;
  private same = 0;
  private timer?: NodeJS.Timeout;

  override show(event: DeployEvent): void {
    if (event.type === "step") return this.step(event);
    this.settle(event.type === "phase" || event.type === "outputs");
    super.show(event);
    this.draw();
  }

  override close(summary: Summary): void {
    this.settle(true);
    super.close(summary);
  }

  private step(event: StepEvent): void {
    this.parents.set(event.urn, event.parent);
    if (event.kind === "same") this.same++;
    else if (isWorthALine(event)) {
      const key = `${event.urn} ${event.kind === "delete-replaced" ? "old" : ""}`;
      this.rows.set(key, { event, since: this.rows.get(key)?.since ?? Date.now() });
    }
    this.timer ??= setInterval(() => this.draw(), 500).unref();
    this.draw();
  }

  /** Takes the moving part off the screen; for good, all its rows are then written once. */
  private settle(isForGood: boolean): void {
    this.erase();
    if (!isForGood) return;
    clearInterval(this.timer);
    this.timer = undefined;
    for (const row of this.texts(true)) this.line(row);
    this.rows.clear();
    this.same = 0;
  }

  private draw(): void {
    if (!this.timer) return;
    const room = Math.max((this.terminal.rows ?? 24) - 2, 3);
    const texts = this.texts(false);
    const shown = texts.length > room ? [pc.dim(`  ... ${texts.length - room + 1} rows above`), ...texts.slice(1 - room)] : texts;
    this.erase();
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
      return withChanges ? [head, ...row.event.changes.map((change) => cut(`${"  ".repeat(depth)}      ${changeText(change)}`, this.terminal.columns ?? 100))] : [head];
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
      (below.get(urn) ?? []).flatMap((row) => [{ row, depth }, ...(row.event.kind === "delete-replaced" ? [] : visit(row.event.urn, depth + 1))]);
    return visit("", 0);
  }
}

const isWorthALine = ({ kind, state, changes }: StepEvent) => state === "failed" || (kind !== "same" && !(kind === "refresh" && state === "done" && changes.length === 0));

function stepText(event: StepEvent, since?: number): string {
  const [sign, color] = SIGNS[event.kind];
  const word = WORDS[event.kind][event.preview ? 2 : event.state === "started" ? 0 : 1];
  const time = event.ms !== undefined && !event.preview ? event.ms : event.state === "started" && since !== undefined ? Date.now() - since : undefined;
  const what = `${color(sign.padEnd(2))} ${shortType(event.urn)} ${pc.bold(nameOf(event.urn))}`;
  const state = event.state === "failed" ? pc.red(`failed: ${event.error ?? ""}`) : color(word);
  return ` ${what}  ${state}${time === undefined ? "" : pc.dim(` ${seconds(time)}`)}`;
}

function changeText({ path, kind, old, new: now, replaces }: PropertyChange): string {
  const mark = replaces ? pc.magenta(" (replaces)") : "";
  if (kind === "add") return `${pc.green("+")} ${path}: ${now === undefined ? "" : valueText(now)}${mark}`;
  if (kind === "delete") return `${pc.red("-")} ${path}: ${old === undefined ? "" : valueText(old)}${mark}`;
  return `${pc.yellow("~")} ${path}: ${old === undefined ? "" : valueText(old)} => ${now === undefined ? "" : valueText(now)}${mark}`;
}

function valueText(value: Value, widest = WIDEST_VALUE): string {
  if (isUnknown(value)) return pc.dim("known after it is deployed");
  if (isSecret(value)) return "[secret]";
  if (isAsset(value)) return `content ${text(value.hash).slice(0, 12)}`;
  return cut(JSON.stringify(masked(value)), widest);
}

function diagnosticText({ severity, message, urn }: Extract<DeployEvent, { type: "diagnostic" }>): string {
  const color = { info: (line: string) => line, warning: pc.yellow, error: pc.red }[severity];
  const where = urn && !message.includes(urn) ? `${nameOf(urn)}: ` : "";
  return severity === "info" ? `${where}${message}` : color(`${severity}: ${where}${message}`);
}

function resultText({ result }: Summary): string {
  return { succeeded: pc.green("Done"), failed: pc.red("Failed"), cancelled: pc.yellow("Stopped; run it again to go on") }[result];
}

function countsText({ counts, operation }: Summary): string {
  const words = { create: "to create", update: "to update", replace: "to replace", delete: "to delete", read: "to read", same: "unchanged" };
  const done = { create: "created", update: "updated", replace: "replaced", delete: "deleted", read: "read", same: "unchanged" };
  const wording = operation === "preview" ? words : done;
  const parts = (Object.keys(wording) as (keyof typeof wording)[]).filter((name) => counts[name]).map((name) => `${counts[name]} ${wording[name]}`);
  return parts.length > 0 ? parts.join(", ") : "nothing to do";
}

const shortType = (urn: string) => {
  const type = typeOf(urn);
  if (type === STACK_TYPE) return "Stack";
  const [pkg, module, name] = type.split(":");
  return pc.dim(`${pkg}:${(module ?? "").split("/")[0]}:${name ?? ""}`);
};
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
/** Shortens to a width; colour codes take none. */
function cut(line: string, width: number): string {
  const bare = stripVTControlCharacters(line);
  return bare.length <= width ? line : `${bare.slice(0, width - 3)}...`;
}
