/** A forgotten session is billed until it ends by itself. */
import { at, shown, type Rule } from "../rule";

/** Seconds: the service's own least, and the lab's most. */
const LEAST = 600;
const MOST: Readonly<Record<string, number>> = { ttl: 24 * 3600, idleTtl: 4 * 3600 };

export const sessionLimits: Rule = {
  name: "session-limits",
  description: "Sessions end after 24 hours at most, and after 4 idle ones.",
  check: ({ type, props }) =>
    type !== "gcp:dataproc/sessionTemplate:SessionTemplate"
      ? []
      : Object.entries(MOST).flatMap(([key, most]) => {
          const path = `environmentConfig.executionConfig.${key}`;
          const value = at(props, path);
          const seconds = Number(/^(\d+)s$/.exec(String(value))?.[1] ?? Number.NaN);
          return seconds >= LEAST && seconds <= most
            ? []
            : [`${path}: got ${shown(value)}; expected ${LEAST}s to ${most}s`];
        }),
};
