/** The words of a display: one line for a step, a change, a value, a summary. */
import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";
import type { DeployEvent, PropertyChange, StepEvent, StepKind, Summary } from "../../local/deploy";
import { nameOf, naming, STACK_TYPE, typeOf } from "../../local/deploy/urn";
import { isAsset, isSecret, isUnknown, masked, text, type Value } from "../../local/deploy/values";
import type { Timing } from "./timings";

const SIGNS: Readonly<Record<StepKind, [string, (text: string) => string]>> = {
  same: [" ", pc.dim],
  create: ["+", pc.green],
  update: ["~", pc.yellow],
  delete: ["-", pc.red],
  replace: ["+-", pc.magenta],
  "create-replacement": ["++", pc.magenta],
  "delete-replaced": ["--", pc.magenta],
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
  refresh: ["reading", "read", "read"],
};
const WIDEST_VALUE = 60;

export const isWorthALine = ({ kind, state, changes }: StepEvent) =>
  state === "failed" || (kind !== "same" && !(kind === "refresh" && state === "done" && changes.length === 0));

export function stepText(event: StepEvent, since?: number): string {
  const [sign, color] = SIGNS[event.kind];
  const word = WORDS[event.kind][event.preview ? 2 : event.state === "started" ? 0 : 1];
  const time =
    event.ms !== undefined && !event.preview
      ? event.ms
      : event.state === "started" && since !== undefined
        ? Date.now() - since
        : undefined;
  const what = `${color(sign.padEnd(2))} ${shortType(event.urn)} ${pc.bold(nameOf(event.urn))}`;
  const state = event.state === "failed" ? pc.red("failed") : color(word);
  return ` ${what}  ${state}${time === undefined ? "" : pc.dim(` ${seconds(time)}`)}`;
}

export function changeText({ path, kind, old, new: now, replaces }: PropertyChange): string {
  const mark = replaces ? pc.magenta(" (replaces)") : "";
  if (kind === "add") return `${pc.green("+")} ${path}: ${now === undefined ? "" : valueText(now)}${mark}`;
  if (kind === "delete") return `${pc.red("-")} ${path}: ${old === undefined ? "" : valueText(old)}${mark}`;
  return `${pc.yellow("~")} ${path}: ${old === undefined ? "" : valueText(old)} => ${now === undefined ? "" : valueText(now)}${mark}`;
}

export function valueText(value: Value, widest = WIDEST_VALUE): string {
  if (isUnknown(value)) return pc.dim("known after it is deployed");
  if (isSecret(value)) return "[secret]";
  if (isAsset(value)) return `content ${text(value.hash).slice(0, 12)}`;
  return cut(JSON.stringify(masked(value)), widest);
}

export function diagnosticText({ severity, message, urn }: Extract<DeployEvent, { type: "diagnostic" }>): string {
  const color = { info: (line: string) => line, warning: pc.yellow, error: pc.red }[severity];
  const text = naming(urn, message);
  return severity === "info" ? text : color(`${severity}: ${text}`);
}

export function resultText({ result }: Summary): string {
  return {
    succeeded: pc.green("Done"),
    failed: pc.red("Failed"),
    cancelled: pc.yellow("Stopped; run it again to go on"),
  }[result];
}

/** What was done, or what is to be done. */
export function countsText(counts: Summary["counts"], isAhead: boolean): string {
  const parts = (["create", "update", "replace", "delete", "same"] as const)
    .filter((name) => counts[name])
    .map((name) => `${counts[name]} ${isAhead && name !== "same" ? `to ${WORDS[name][2]}` : WORDS[name][1]}`);
  return parts.length > 0 ? parts.join(", ") : "nothing to do";
}

/** Names and values beside each other; scalars whole, so that they can be copied, lists and objects as far as they fit. */
export function outputLines(
  { urn, outputs }: Extract<DeployEvent, { type: "outputs" }>,
  isPreview: boolean,
  columns = 120,
): string[] {
  const names = Object.keys(outputs).sort();
  if (names.length === 0) return [];
  const widest = Math.max(...names.map((name) => name.length));
  const lines = names.map((name) => `  ${name.padEnd(widest)}  ${outputText(outputs[name]!, columns - widest - 4)}`);
  const isWhole = names.every((name) => isScalar(outputs[name]!));
  // A preview's are nowhere yet.
  const full = isPreview ? "npx sparklab preview --json" : `npx sparklab state show ${nameOf(urn)}`;
  return [pc.bold("Outputs"), ...lines, ...(isWhole ? [] : [pc.dim(`  In full: ${full}`)])];
}

function outputText(value: Value, room: number): string {
  if (typeof value === "string" && value !== "" && !/\p{Cc}/u.test(value) && !isUnknown(value)) return value;
  if (isScalar(value) || Object.keys(value).length === 0) return valueText(value, Infinity);
  if (!Array.isArray(value)) return cut(`${Object.keys(value).length} values: ${Object.keys(value).join(", ")}`, room);
  return cut(
    value.every(isScalar) ? value.map((item) => outputText(item, room)).join(", ") : `${value.length} values`,
    room,
  );
}

const isScalar = (value: Value) => typeof value !== "object" || value === null || isSecret(value) || isAsset(value);

/** One line of `--timings`; what the whole waited for is marked. */
export function timingText({ kind, urn, began, ms, queued, after, gap, critical }: Timing): string {
  const what = `${critical ? pc.yellow("*") : " "} ${seconds(began).padStart(7)} ${seconds(ms).padStart(7)}`;
  const waits = [
    ...(after ? [`after ${nameOf(after)}`] : []),
    ...(gap >= 50 ? [`${seconds(gap)} in the program`] : []),
    ...(queued >= 50 ? [`${seconds(queued)} in the queue`] : []),
  ];
  return `${what}  ${WORDS[kind][2]} ${shortType(urn)} ${nameOf(urn)}${waits.length > 0 ? pc.dim(`  ${waits.join(", ")}`) : ""}`;
}

const shortType = (urn: string) => {
  const type = typeOf(urn);
  if (type === STACK_TYPE) return "Stack";
  const [pkg, module, name] = type.split(":");
  return pc.dim(`${pkg}:${(module ?? "").split("/")[0]}:${name ?? ""}`);
};
export const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
/** Shortens to a width; colour codes take none. */
export function cut(line: string, width: number): string {
  const bare = stripVTControlCharacters(line);
  return bare.length <= width ? line : `${bare.slice(0, width - 3)}...`;
}
