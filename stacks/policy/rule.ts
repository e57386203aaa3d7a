/** What a rule is: a pure question about one declared resource. */
import { UnknownValueError } from "@pulumi/policy";

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

/** Every text of a value that is known. */
export function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.keys(value).flatMap((key) => ifKnown(() => texts((value as Record<string, unknown>)[key])));
}

/**
 * Nothing, where a preview does not know what is asked for. The update asks the same rules again, before it makes the
 * resource, and then everything is known.
 */
export function ifKnown(judge: () => string[]): string[] {
  try {
    return judge();
  } catch (error) {
    if (error instanceof UnknownValueError) return [];
    throw error;
  }
}

/** For messages: the value as it is, or that there is none. */
export const shown = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));
