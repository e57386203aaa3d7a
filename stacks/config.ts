/** The stack's configuration: parsed once, all problems at once, before the first resource. */
import { existsSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { deployedCommit, UNKNOWN_COMMIT } from "./commit";
import { FEATURE_NAMES, featuresOf, type Feature, type Features } from "./config/features";
import { problemsOfWhole } from "./config/guards";
import { settingReferences } from "./config/reference";
import { KEYS, OWN_NAMES, settings, type Settings } from "./config/settings";

export interface LabConfig extends Omit<Settings, Feature> {
  /** What is on: the profile's features with the stack's own switches over them. */
  features: Features;
  /** Commit of what is deployed. */
  commit: string;
}

/**
 * Checks raw values. Pure.
 * @throws RunError, which Pulumi prints without a stack trace, that lists every problem, one per line, as `<key>: got <value>; <expected>. <command>`.
 */
export function parseConfig(
  raw: unknown,
  fileExists: (path: string) => boolean,
  commit: string = UNKNOWN_COMMIT,
): LabConfig {
  const result = settings.safeParse(raw);
  if (!result.success) throw refusal(result.error.issues.flatMap((issue) => described(issue, raw)));
  const features = featuresOf(result.data.profile, result.data);
  const problems = problemsOfWhole(result.data, features, fileExists);
  if (problems.length > 0) throw refusal(problems);
  const own = Object.entries(result.data).filter(([name]) => !(FEATURE_NAMES as string[]).includes(name));
  return { ...(Object.fromEntries(own) as Omit<Settings, Feature>), features, commit };
}

function refusal(problems: readonly string[]): pulumi.RunError {
  return new pulumi.RunError(
    `The stack's configuration has ${problems.length} problem(s), to be mended by these commands or in Pulumi.<stack>.yaml:\n  ${problems.join("\n  ")}`,
  );
}

function described(issue: z.core.$ZodIssue, raw: unknown): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map(
      (name) =>
        `sparklab:${name}: got a setting that does not exist; expected one of docs/configuration.md. pulumi config rm sparklab:${name}`,
    );
  }
  const [field = "", ...rest] = issue.path.map(String);
  const value = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], raw);
  const key = [KEYS[field] ?? `sparklab:${field}`, ...rest].join(".");
  return [`${key}: got ${JSON.stringify(value) ?? "nothing"}; ${issue.message}`];
}

/** Reads and checks the configuration of the running stack. */
export function readConfig(): LabConfig {
  const google = new pulumi.Config("gcp");
  const own = new pulumi.Config("sparklab");
  const written = Object.keys(pulumi.runtime.allConfig()).filter((key) => key.startsWith("sparklab:"));
  const raw: Record<string, unknown> = {
    project: google.get("project"),
    region: google.get("region"),
    environment: pulumi.getStack(),
  };
  // Texts stay as they are, even where they look like a number: 2.3 is a version.
  const structured = new Set(
    settingReferences()
      .filter(({ type }) => type !== "string")
      .map(({ name }) => name),
  );
  for (const name of new Set([...OWN_NAMES, ...written.map((key) => key.slice("sparklab:".length))])) {
    const text = own.get(name);
    if (text !== undefined) raw[name] = structured.has(name) ? json(text) : text;
  }
  return parseConfig(raw, existsSync, deployedCommit());
}

/** What is not JSON is left as it is, so that it is refused with the text that was given. */
function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
