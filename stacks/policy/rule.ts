/** What a rule is: a pure question about one declared resource. */

export interface Declared {
  /** As in `gcp:storage/bucket:Bucket`. */
  type: string;
  props: Readonly<Record<string, unknown>>;
}

export interface Rule {
  name: string;
  description: string;
  /** What is wrong, each with what it should be; empty when nothing is. */
  check: (resource: Declared) => string[];
}

/** A value at a path such as `template.containers.0.image`; undefined where the path ends early. */
export function at(value: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (inner, key) =>
        typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>)[key] : undefined,
      value,
    );
}

/** Every text of a value. */
export function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [];
}

/** For messages: the value as it is, or that there is none. */
export const shown = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));
