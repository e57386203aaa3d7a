/** What each step waited for, from what was told of them. A pure function of the events. */
import type { DeployEvent, StepEvent, StepKind } from "../../local/deploy";

export interface Timing {
  kind: StepKind;
  urn: string;
  /** Milliseconds from the begin of the phase. */
  began: number;
  ms: number;
  queued: number;
  /** The one of those that it needs that was ready last. */
  after?: string;
  /** Milliseconds from that to its begin: the program's own time, and the protocol's. */
  gap: number;
  /** On the chain of waiting that leads to the last step. */
  critical: boolean;
}

type Timed = StepEvent & { began: number; ms: number };
const isDeletion = ({ kind }: StepEvent) => kind === "delete" || kind === "delete-replaced";

/** Of the last phase, in the order in which the steps began. */
export function timingsOf(events: readonly DeployEvent[]): Timing[] {
  const phase = events.slice(events.findLastIndex(({ type }) => type === "phase") + 1);
  const steps = phase.filter(
    (event): event is Timed =>
      event.type === "step" && event.state === "done" && event.began !== undefined && event.ms !== undefined,
  );
  const start = Math.min(...steps.map(({ began }) => began));
  const before = new Map(steps.map((step) => [step, waitedFor(step, steps)]));
  const critical = new Set<Timed>();
  let last = steps.reduce<Timed | undefined>(
    (late, step) => (late && ended(late) >= ended(step) ? late : step),
    undefined,
  );
  for (; last && !critical.has(last); last = before.get(last)) critical.add(last);
  return [...steps]
    .sort((a, b) => a.began - b.began)
    .map((step) => {
      const after = before.get(step);
      const ready = after ? ended(after) : start;
      const queued = step.queued ?? 0;
      return {
        kind: step.kind,
        urn: step.urn,
        began: step.began - start,
        ms: step.ms,
        queued,
        ...(after && { after: after.urn }),
        gap: Math.max(step.began - ready - queued, 0),
        critical: critical.has(step),
      };
    });
}

const ended = ({ began, ms }: Timed) => began + ms;

/** Something is made after what it needs, and goes after what needs it. */
function waitedFor(step: Timed, steps: readonly Timed[]): Timed | undefined {
  const earlier = steps.filter(
    (other) =>
      other !== step &&
      ended(other) <= step.began &&
      (isDeletion(step)
        ? isDeletion(other) && other.needs.includes(step.urn)
        : step.needs.includes(other.urn) || (other.urn === step.urn && isDeletion(other))),
  );
  return earlier.reduce<Timed | undefined>(
    (late, other) => (late && ended(late) >= ended(other) ? late : other),
    undefined,
  );
}
