/** What came of a deployment, in one shape for this machine and for Google Cloud: printed, and turned into an exit code. */
import type { Drift } from "../local/deploy";
import { EXIT } from "./exit-codes";
import type { DeploymentRequest } from "./requests";
import { bad, faint, good, type Terminal } from "./terminal";

export interface Outcome {
  result: "succeeded" | "failed" | "cancelled";
  /** Resources by what was, or would be, done. */
  counts: Readonly<Record<string, number>>;
  /** Outputs of the stack; secret ones are masked unless asked for. */
  outputs: Readonly<Record<string, unknown>>;
  /** Only where the host tells it: what differs, resource by resource. */
  drift?: readonly Drift[];
  errors?: readonly string[];
  durations?: object;
  /** What each resource waited for, where it is asked for. */
  timings?: readonly object[];
}

export const MASK = "[secret]";

export function maskOutputs(
  outputs: Readonly<Record<string, { value: unknown; secret?: boolean }>>,
  showSecrets: boolean,
): Record<string, unknown> {
  const shown = Object.entries(outputs).map(([name, { value, secret }]) => [
    name,
    secret && !showSecrets ? MASK : value,
  ]);
  return Object.fromEntries(shown) as Record<string, unknown>;
}

/** What is neither kept nor only looked at. */
export function changesOf(counts: Outcome["counts"]): number {
  const kept = new Set(["same", "read", "refresh"]);
  return Object.entries(counts).reduce((sum, [kind, count]) => (kept.has(kind) ? sum : sum + count), 0);
}

/** Prints the outcome as the request wants it. @returns the exit code */
export function printResult(request: DeploymentRequest, outcome: Outcome, terminal: Terminal): number {
  const { command, stack, json } = request;
  const code = exitCodeOf(request, outcome);
  const changes = changesOf(outcome.counts);
  if (json) {
    terminal.line(JSON.stringify({ operation: command, stack, ...outcome }));
    return code;
  }
  if (command === "drift" && outcome.result === "succeeded")
    terminal.line(
      changes === 0
        ? good("No drift: what is there is what the state says.")
        : `${bad(`Drift: ${changes} differ.`)} ${faint(`npx sparklab refresh${suffix(stack)} takes it over, npx sparklab up${suffix(stack)} after it puts the program's values back`)}`,
    );
  if (request.expectNoChanges && code !== EXIT.done && outcome.result === "succeeded")
    terminal.note(`No changes were expected, but there are ${changes}.`);
  return code;
}

function exitCodeOf({ command, expectNoChanges }: DeploymentRequest, { result, counts }: Outcome): number {
  if (result !== "succeeded") return result === "cancelled" ? EXIT.stopped : EXIT.failed;
  if (changesOf(counts) === 0) return EXIT.done;
  if (command === "drift") return EXIT.drift;
  return expectNoChanges ? EXIT.failed : EXIT.done;
}

const suffix = (stack: string) => (stack === "local" ? "" : ` -s ${stack}`);
